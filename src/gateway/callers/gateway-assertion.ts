import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose';
import type { Clock } from '../../clock.ts';
import type { TrustedGateway } from '../../config/gateway/gateway-definition.ts';
import { publicKeySignatures } from '../../protocol/signature-algorithms.ts';

export type AssertionProof = Extract<TrustedGateway['proof'], { readonly type: 'assertion' }>;

/** The claims of an assertion that proves the gateway, or what is wrong with it, for the operator. */
export type AssertionVerdict = { readonly claims: JWTPayload } | { readonly fault: string };

export type VerifyAssertion = (proof: AssertionProof, assertion: string) => Promise<AssertionVerdict>;

/** Seconds. A stolen assertion can be used for so long. */
const longestLife = 300;
const toleranceSeconds = 15;

/** Verifies the assertions of gateways, each with the keys of the tenant's file. */
export const createAssertionCheck = ({ clock }: { readonly clock: Clock }): VerifyAssertion => {
  // imported keys are kept by jose with the set
  const keySets = new WeakMap<AssertionProof, ReturnType<typeof createLocalJWKSet>>();

  const keysOf = (proof: AssertionProof): ReturnType<typeof createLocalJWKSet> => {
    const known = keySets.get(proof);
    if (known !== undefined) return known;
    const keys = createLocalJWKSet(proof.jwks as unknown as JSONWebKeySet); // the file's schema has checked it
    keySets.set(proof, keys);
    return keys;
  };

  return async (proof, assertion) => {
    const nowMs = clock.now();
    const options = {
      issuer: proof.issuer,
      audience: proof.audience,
      algorithms: [...publicKeySignatures],
      clockTolerance: toleranceSeconds,
      currentDate: new Date(nowMs),
    };
    try {
      const { payload, protectedHeader } = await verifyByAny(assertion, keysOf(proof), options);
      const { exp = Number.POSITIVE_INFINITY, iat = Number.NEGATIVE_INFINITY } = payload;
      if (exp - iat > longestLife) return { fault: 'lives_too_long' };
      if (iat > nowMs / 1000 + toleranceSeconds) return { fault: 'claim_iat' };
      return isPlainJwt(protectedHeader.typ) ? { claims: payload } : { fault: 'header_typ' };
    } catch (error) {
      if (error instanceof errors.JOSEError) return { fault: faultOf(error) };
      throw error;
    }
  };
};

const faultOf = (error: errors.JOSEError): string => {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `claim_${error.claim}`;
  const isUnproven =
    error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey;
  return isUnproven ? 'signature' : 'malformed';
};

/** A token for another purpose must not be accepted as an assertion (RFC 8725 section 3.11). */
const isPlainJwt = (typ: string | undefined): boolean =>
  typ === undefined || /^(?:application\/)?jwt$/i.test(typ);

/** Without a `kid` all keys that fit the algorithm are tried. */
const verifyByAny = async (
  assertion: string,
  keys: ReturnType<typeof createLocalJWKSet>,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTVerifyResult> => {
  try {
    return await jwtVerify(assertion, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(assertion, key, options);
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
};
