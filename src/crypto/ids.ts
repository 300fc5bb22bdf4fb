import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** An unguessable id of `bytes` random bytes, in base64url. */
export const randomId = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** SHA-256 in base64url. It is stored in place of a bearer secret of at least 128 random bits. */
export const hashId = (value: string): string => hash('sha256', value, 'base64url');

/** The same of several values, of which one is such a secret: `('ab', 'c')` and `('a', 'bc')` differ. */
export const hashParts = (...parts: readonly string[]): string =>
  hashId(parts.map((part) => `${part.length}:${part}`).join(''));

/** Compares in a time that depends neither on the position of the first difference nor on the length. */
export const isEqualConstantTime = (a: string, b: string): boolean =>
  timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));

/**
 * HMAC-SHA-256 in base64url. Each part is preceded by its length, so that `('ab', 'c')` and `('a', 'bc')`
 * differ.
 */
export const hmac = (key: Buffer | string, ...parts: readonly string[]): string => {
  const mac = createHmac('sha256', key);
  for (const part of parts) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    mac.update(length).update(bytes);
  }
  return mac.digest('base64url');
};
