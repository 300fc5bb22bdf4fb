import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';

const version = 'v1';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts with AES-256-GCM (NIST SP 800-38D) under a random 96-bit nonce: `v1.` and base64url of nonce,
 * ciphertext and tag. `key` has 32 bytes; `aad` names the purpose of the box and must be given again to open it.
 */
export const seal = (key: Buffer, plaintext: Buffer, aad: string): string => {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(aad));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return `${version}.${Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]).toString('base64url')}`;
};

/**
 * @throws AppError `unavailable` when the box was sealed with another key or for another purpose, or has been changed.
 * The error contains nothing of the content.
 */
export const openSealed = (key: Buffer, sealed: string, aad: string): Buffer => {
  const [prefix, encoded, ...rest] = sealed.split('.');
  if (prefix !== version || encoded === undefined || rest.length > 0) {
    throw new AppError('unavailable', 'A sealed value has a form that this version does not know');
  }
  const bytes = Buffer.from(encoded, 'base64url');
  if (bytes.length < nonceBytes + tagBytes) throw cannotOpen(aad);
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  const start = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
  try {
    return Buffer.concat([start, decipher.final()]);
  } catch {
    throw cannotOpen(aad);
  }
};

const cannotOpen = (aad: string): AppError =>
  new AppError('unavailable', 'A sealed value cannot be opened with this master key', {
    detail: `The key differs from the one it was sealed with, or the value was changed: ${JSON.stringify(aad)}`,
  });
