import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { MasterKey } from '../../crypto/master-key.ts';

/** Of one tenant. They are not in the store, so nobody who can write the store alone can make links or checkpoints. */
export interface ChainKeys {
  readonly tenant: string;
  /** For the codes of links (HMAC-SHA-256). */
  readonly linkKey: Buffer;
  /** Ed25519; for checkpoints alone. No token is signed with them, and they are not in the JWKS. */
  readonly signingKey: KeyObject;
  readonly verifyingKey: KeyObject;
}

/** PrivateKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410 section 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

export const createChainKeys = (tenant: string, masterKey: Pick<MasterKey, 'derive'>): ChainKeys => {
  const seed = masterKey.derive(`audit checkpoints ${tenant}`);
  const signingKey = createPrivateKey({
    key: Buffer.concat([pkcs8Head, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    tenant,
    linkKey: masterKey.derive(`audit links ${tenant}`),
    signingKey,
    verifyingKey: createPublicKey(signingKey),
  };
};
