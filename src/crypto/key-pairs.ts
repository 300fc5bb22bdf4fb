import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';

export type SigningAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'Ed25519';

/** A private JWK for signatures, with its key id. */
export interface SigningJwk extends JWK {
  readonly kid: string;
  readonly use: 'sig';
}

interface KeyShape {
  readonly type: 'rsa' | 'ec' | 'ed25519';
  readonly parameters: { readonly modulusLength?: number; readonly namedCurve?: string };
}

const shapes: Readonly<Record<SigningAlgorithm, KeyShape>> = {
  RS256: { type: 'rsa', parameters: { modulusLength: 2048 } },
  PS256: { type: 'rsa', parameters: { modulusLength: 2048 } },
  ES256: { type: 'ec', parameters: { namedCurve: 'P-256' } },
  Ed25519: { type: 'ed25519', parameters: {} },
};

type GenerateJwk = (type: string, options: object) => Promise<{ readonly privateKey: JWK }>;

/**
 * Makes a private signing key off the main thread (RSA takes up to two seconds). `kid` is the RFC 7638
 * thumbprint. RSA and EC keys are tied to their `alg`. An Ed25519 key carries none, because a verifier and
 * the provider engine would then refuse it for the algorithm's other name: the same key signs as `Ed25519`
 * (RFC 9864) and as `EdDSA` (RFC 8037).
 */
export const generateSigningJwk = async (algorithm: SigningAlgorithm): Promise<SigningJwk> => {
  const { type, parameters } = shapes[algorithm];
  // The JWK comes from the generation itself: exporting a fresh key object can deadlock on Node 20.
  const encoding = { format: 'jwk' };
  const { privateKey } = await generateJwk(type, {
    ...parameters,
    privateKeyEncoding: encoding,
    publicKeyEncoding: encoding,
  });
  const kid = await calculateJwkThumbprint(privateKey);
  return { ...privateKey, kid, use: 'sig', ...(type === 'ed25519' ? {} : { alg: algorithm }) };
};

const generateJwk = promisify(generateKeyPair) as unknown as GenerateJwk; // @types/node does not know the encoding 'jwk'
