import { importJWK, type JWK, SignJWT } from 'jose';
import { type Clock, epochSeconds } from '../../clock.ts';
import { randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { SignatureAlgorithm } from '../../protocol/signature-algorithms.ts';

/** The content of a token for a service about the caller. */
export interface IdentityTokenClaims {
  readonly sub: string;
  /** `aud`: the service. */
  readonly audience: string;
  readonly algorithm: SignatureAlgorithm;
  /** Further claims; `undefined` ones are left out. They cannot replace a registered claim. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Signs the short-lived JWT (`X-Auth-Token`) that a service can verify with the tenant's JWKS. */
export interface IdentityTokens {
  /** Seconds for which a token is valid. */
  readonly lifetime: number;
  sign(token: IdentityTokenClaims): Promise<string>;
}

export interface IdentityTokensParts {
  readonly issuer: string;
  /** Private; see `openTenantKeys`. */
  readonly keys: readonly JWK[];
  readonly clock: Clock;
}

/** A type of its own, so that no endpoint of ours accepts it as one of its tokens (RFC 8725 section 3.11). */
const type = 'gateway+jwt';
const lifetime = 300;

export const createIdentityTokens = ({ issuer, keys, clock }: IdentityTokensParts): IdentityTokens => {
  const imported = new Map<SignatureAlgorithm, ReturnType<typeof importJWK>>();
  const importFor = (algorithm: SignatureAlgorithm, key: JWK): ReturnType<typeof importJWK> => {
    const known = imported.get(algorithm) ?? importJWK(key, algorithm);
    imported.set(algorithm, known);
    return known;
  };
  return {
    lifetime,
    sign: async ({ sub, audience, algorithm, claims }) => {
      const key = keys.find(({ alg }) => alg === algorithm);
      if (key === undefined) throw new Error(`the tenant has no key for ${algorithm}`);
      const now = epochSeconds(clock);
      return new SignJWT({
        ...claims,
        iss: issuer,
        aud: audience,
        sub,
        iat: now,
        exp: now + lifetime,
        jti: randomId(16),
      })
        .setProtectedHeader({ alg: algorithm, typ: type, ...definedOnly({ kid: key.kid }) })
        .sign(await importFor(algorithm, key));
    },
  };
};
