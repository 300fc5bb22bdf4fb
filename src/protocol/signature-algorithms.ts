/** JWS signatures that a public key proves; never `none`, never a shared secret (RFC 8725 section 3.1). */
export const publicKeySignatures = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** Algorithms that a tenant signs with. `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864) name the same signature. */
export const signingAlgorithms = ['EdDSA', 'RS256', 'PS256', 'ES256', 'Ed25519'] as const;

export type SignatureAlgorithm = (typeof signingAlgorithms)[number];

/** Of DPoP proofs (RFC 9449 section 4.2). */
export const dpopAlgorithms = ['ES256', 'Ed25519', 'EdDSA', 'RS256', 'PS256'] as const;
