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
