import { pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import {
  decodeHashBase64,
  decodeHashHex,
  isHashLength,
  type ParsedHash,
  refusedHash,
  wrongLength,
} from './foreign-hash.ts';

const derive = promisify(pbkdf2);
/** Over all blocks of the hash; a few seconds of work. */
const mostIterations = 5_000_000;
const digestBytes: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 };

interface Parts {
  readonly digest: string;
  readonly iterations: number;
  readonly salt: Buffer | undefined;
  readonly hash: Buffer | undefined;
}

/** PBKDF2 (RFC 8018) as passlib, PHC texts, OpenLDAP, Django and Werkzeug write it. */
export const parsePbkdf2Hash = (text: string): ParsedHash | undefined => {
  if (!/^[${]?pbkdf2[-_:$}]/i.test(text)) return undefined;
  const parts = asModular(text) ?? asDirectory(text) ?? asDjango(text) ?? asWerkzeug(text);
  if (parts === undefined) {
    return refusedHash(
      'PBKDF2 in a form that is not known; write $pbkdf2-sha256$i=iterations$salt$hash (sha1, sha256, sha512)',
    );
  }
  const { digest, iterations, salt, hash } = parts;
  if (salt === undefined || hash === undefined || !isHashLength(hash)) return wrongLength('PBKDF2');
  const blocks = Math.ceil(hash.length / (digestBytes[digest] ?? 1));
  if (iterations < 1 || iterations * blocks > mostIterations) {
    return refusedHash(
      `PBKDF2 with ${iterations} iterations for ${blocks === 1 ? 'one block' : `each of ${blocks} blocks`} of hash: it must be 1 to ${mostIterations} in all to be checked at a sign-in`,
    );
  }
  return {
    ok: true,
    verify: async (password) =>
      timingSafeEqual(await derive(password, salt, iterations, hash.length, digest), hash),
  };
};

/** `$pbkdf2-sha256$29000$salt$hash`; SHA-1 when no digest is named. PHC texts have `i=29000` and perhaps `,l=32`. */
const asModular = (text: string): Parts | undefined => {
  const found = /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,10})(?:,l=\d+)?\$([^$]+)\$([^$]+)$/.exec(
    text,
  );
  return found === null ? undefined : toParts(found, decodeHashBase64);
};

/** `{PBKDF2-SHA256}29000$salt$hash`, of OpenLDAP's pw-pbkdf2. */
const asDirectory = (text: string): Parts | undefined => {
  const found = /^\{PBKDF2(?:-(SHA1|SHA256|SHA512))?\}(\d{1,10})\$([^$]+)\$([^$]+)$/i.exec(text);
  return found === null ? undefined : toParts(found, decodeHashBase64);
};

/** `pbkdf2_sha256$29000$salt$hash`, whose salt is text. */
const asDjango = (text: string): Parts | undefined => {
  const found = /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,10})\$([^$]+)\$([^$]+)$/.exec(text);
  return found === null ? undefined : toParts(found, (salt) => Buffer.from(salt));
};

/** `pbkdf2:sha256:29000$salt$hash`, with a salt that is text and a hexadecimal hash. */
const asWerkzeug = (text: string): Parts | undefined => {
  const found = /^pbkdf2:(sha1|sha256|sha512):(\d{1,10})\$([^$]+)\$([^$]+)$/.exec(text);
  if (found === null) return undefined;
  return { ...toParts(found, (salt) => Buffer.from(salt)), hash: decodeHashHex(found[4] ?? '') };
};

const toParts = (
  [, digest = 'sha1', iterations = '', salt = '', hash = '']: RegExpExecArray,
  decodeSalt: (salt: string) => Buffer | undefined,
): Parts => ({
  digest: digest.toLowerCase(),
  iterations: Number(iterations),
  salt: decodeSalt(salt),
  hash: decodeHashBase64(hash),
});
