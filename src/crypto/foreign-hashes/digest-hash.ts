import { createHash, timingSafeEqual } from 'node:crypto';
import { decodeHashBase64, type ParsedHash, refusedHash } from './foreign-hash.ts';

interface Scheme {
  readonly algorithm: string;
  readonly bytes: number;
}

const schemes: ReadonlyMap<string, Scheme> = new Map([
  ['', { algorithm: 'sha1', bytes: 20 }],
  ['256', { algorithm: 'sha256', bytes: 32 }],
  ['384', { algorithm: 'sha384', bytes: 48 }],
  ['512', { algorithm: 'sha512', bytes: 64 }],
]);

/** One round of SHA, as directories keep it (RFC 2307 and OpenLDAP): `{SSHA}`, `{SSHA256}`, `{SHA}` … */
export const parseDigestHash = (text: string): ParsedHash | undefined => {
  const [, salted, size, encoded = ''] = /^\{(S?)SHA(\d*)\}(.*)$/is.exec(text) ?? [];
  if (salted === undefined || size === undefined) return undefined;
  const name = `{${salted.toUpperCase()}SHA${size}}`;
  const scheme = schemes.get(size);
  if (scheme === undefined) return refusedHash(`${name}, which is not known; there are 256, 384 and 512`);
  const { algorithm, bytes } = scheme;
  const decoded = decodeHashBase64(encoded);
  const isWhole =
    decoded !== undefined && (salted === '' ? decoded.length === bytes : decoded.length > bytes);
  if (!isWhole) {
    const salt = salted === '' ? '' : ' and a salt behind them';
    return refusedHash(`${name} without ${bytes} bytes of hash${salt} in Base64`);
  }
  const hash = decoded.subarray(0, bytes);
  const salt = decoded.subarray(bytes);
  return {
    ok: true,
    verify: async (password) =>
      timingSafeEqual(createHash(algorithm).update(password).update(salt).digest(), hash),
  };
};
