import { randomBytes } from 'node:crypto';
import { hmac } from '../../crypto/ids.ts';

/** Crockford's base32: without letters that look like digits. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const count = 10;
/** Five bits each: 80 bits, so that a hash without salt and stretching is enough. */
const length = 16;

/** A new code, in groups of four as it is shown. */
export const newRecoveryCode = (): string => {
  const letters = [...randomBytes(length)].map((byte) => alphabet[byte % alphabet.length]);
  return letters.join('').replace(/.{4}(?!$)/g, '$&-');
};

export const newRecoveryCodes = (): readonly string[] => Array.from({ length: count }, newRecoveryCode);

/**
 * The code as it was issued, from what a person has typed: in either case, with or without separators, and with the
 * letters that are easily mistaken for digits. Undefined when it cannot be a recovery code.
 */
export const readRecoveryCode = (typed: string): string | undefined => {
  const plain = typed.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1');
  return plain.length === length && [...plain].every((letter) => alphabet.includes(letter))
    ? plain
    : undefined;
};

/** What is kept of a code, with or without its separators. */
export const hashRecoveryCode = (key: Buffer, sub: string, code: string): string =>
  hmac(key, sub, code.replaceAll('-', ''));

export const hashesOf = (key: Buffer, sub: string, codes: readonly string[]): readonly string[] =>
  codes.map((code) => hashRecoveryCode(key, sub, code));
