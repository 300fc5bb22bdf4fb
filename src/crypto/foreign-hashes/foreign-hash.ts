/**
 * A password hash that was read: either a sign-in can afford to check it, or `message` gives the reason to the operator
 * who imports it. The message contains no part of the hash.
 */
export type ParsedHash =
  | {
      readonly ok: true;
      /** Works in libuv's pool, and compares in constant time. */
      readonly verify: (password: string) => Promise<boolean>;
      /**
       * The check reads only so many bytes of a password, so all that begin with them are equal to it. Absent: it reads
       * every password to its end.
       */
      readonly bytesRead?: number;
    }
  | { readonly ok: false; readonly message: string };

export const refusedHash = (message: string): ParsedHash => ({ ok: false, message });

/** A shorter hash was cut off, or is not the hash of a password. */
export const fewestHashBytes = 16;
/** A longer hash makes PBKDF2 and scrypt more expensive without making them stronger. */
export const mostHashBytes = 64;

export const wrongLength = (name: string): ParsedHash =>
  refusedHash(
    `${name} with a salt or hash that cannot be right: the hash has ${fewestHashBytes} to ${mostHashBytes} bytes`,
  );

export const isHashLength = (hash: Buffer): boolean =>
  hash.length >= fewestHashBytes && hash.length <= mostHashBytes;

/**
 * Base64 as hashes are written: padded or not, with `.` in place of `+` (passlib, OpenLDAP) or without. Undefined for
 * anything else.
 */
export const decodeHashBase64 = (text: string): Buffer | undefined =>
  /^[A-Za-z0-9+/.]+={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1
    ? Buffer.from(text.replaceAll('.', '+'), 'base64')
    : undefined;

/** Undefined for anything but an even number of hexadecimal digits. */
export const decodeHashHex = (text: string): Buffer | undefined =>
  /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
