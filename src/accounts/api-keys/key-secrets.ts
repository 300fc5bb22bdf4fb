// The secrets of a key, as the store keeps them: never the key itself.
import { type ApiKeyParts, halvesOf, newApiKey, writeApiKey } from '../../crypto/api-key.ts';
import { hmac, isEqualConstantTime } from '../../crypto/ids.ts';
import type { ApiKeyRecord, ApiKeySecret } from '../../storage/storage-api-keys.ts';

/** Shown once. */
export interface MadeSecret {
  /** The key itself, whole. */
  readonly secret: string;
  /** The same for headers of their own, `X-API-Key` and `X-API-Secret`. */
  readonly halves: { readonly key: string; readonly secret: string };
}

export interface KeySecrets {
  make(nowMs: number): MadeSecret & { readonly kept: ApiKeySecret };
  /** The secret of this key that was presented, unless it is wrong or over. */
  match(key: ApiKeyRecord, presented: ApiKeyParts, nowMs: number): ApiKeySecret | undefined;
}

/** @param hashKey of the installation: a copied store alone proves no guess */
export const createKeySecrets = (tenant: string, hashKey: Buffer): KeySecrets => {
  const hashOf = ({ publicId, secret }: ApiKeyParts): string => hmac(hashKey, tenant, publicId, secret);
  return {
    make: (nowMs) => {
      const parts = newApiKey();
      const kept = { publicId: parts.publicId, hash: hashOf(parts), createdAt: nowMs };
      return { kept, secret: writeApiKey(parts), halves: halvesOf(parts) };
    },
    match: ({ secrets }, presented, nowMs) =>
      secrets.find(
        ({ publicId, hash, expiresAt = Number.POSITIVE_INFINITY }) =>
          publicId === presented.publicId &&
          expiresAt > nowMs &&
          isEqualConstantTime(hash, hashOf(presented)),
      ),
  };
};
