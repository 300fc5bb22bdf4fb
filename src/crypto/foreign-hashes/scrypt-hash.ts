import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import {
  decodeHashBase64,
  decodeHashHex,
  isHashLength,
  type ParsedHash,
  refusedHash,
  wrongLength,
} from './foreign-hash.ts';

/** 256 MiB: several people sign in at once. */
const mostMemoryBytes = 268_435_456;
/** 128 bytes each that are filled: some seconds of work. */
const mostWork = 8_388_608;

interface Parts {
  /** N of RFC 7914. */
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Buffer | undefined;
  readonly hash: Buffer | undefined;
}

/** scrypt (RFC 7914) as PHC texts, passlib, Django and Werkzeug write it. */
export const parseScryptHash = (text: string): ParsedHash | undefined => {
  if (!/^\$?scrypt[:$]/.test(text)) return undefined;
  const parts = asPhc(text) ?? asDjango(text) ?? asWerkzeug(text);
  if (parts === undefined) {
    return refusedHash('scrypt in a form that is not known; write $scrypt$ln=…,r=…,p=…$salt$hash');
  }
  const { cost, blockSize, parallelization, salt, hash } = parts;
  if (salt === undefined || hash === undefined || !isHashLength(hash)) return wrongLength('scrypt');
  const memoryBytes = 128 * blockSize * (cost + parallelization);
  if (blockSize < 1 || parallelization < 1 || cost < 2 || !Number.isInteger(Math.log2(cost))) {
    return refusedHash(
      'scrypt with parameters that it does not allow: N is a power of two, r and p are at least 1',
    );
  }
  if (memoryBytes > mostMemoryBytes || cost * blockSize * parallelization > mostWork) {
    return refusedHash(
      `scrypt that is too dear to check at a sign-in: at most ${mostMemoryBytes / 1024 / 1024} MiB, and N × r × p = ${mostWork}`,
    );
  }
  const options = { cost, blockSize, parallelization, maxmem: 2 * mostMemoryBytes };
  return {
    ok: true,
    verify: async (password) => timingSafeEqual(await derive(password, { salt, hash, options }), hash),
  };
};

const derive = (
  password: string,
  { salt, hash, options }: { readonly salt: Buffer; readonly hash: Buffer; readonly options: ScryptOptions },
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });

/** `$scrypt$ln=15,r=8,p=1$salt$hash`, where N is two to the power of `ln`. */
const asPhc = (text: string): Parts | undefined => {
  const found = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,6}),p=(\d{1,6})\$([^$]+)\$([^$]+)$/.exec(text);
  if (found === null) return undefined;
  const [, ln, r, p, salt = '', hash = ''] = found;
  return {
    cost: 2 ** Number(ln),
    blockSize: Number(r),
    parallelization: Number(p),
    salt: decodeHashBase64(salt),
    hash: decodeHashBase64(hash),
  };
};

/** `scrypt$N$salt$r$p$hash`, whose salt is text. */
const asDjango = (text: string): Parts | undefined => {
  const found = /^scrypt\$(\d{1,10})\$([^$]+)\$(\d{1,6})\$(\d{1,6})\$([^$]+)$/.exec(text);
  if (found === null) return undefined;
  const [, n, salt = '', r, p, hash = ''] = found;
  return {
    cost: Number(n),
    blockSize: Number(r),
    parallelization: Number(p),
    salt: Buffer.from(salt),
    hash: decodeHashBase64(hash),
  };
};

/** `scrypt:N:r:p$salt$hash`, with a salt that is text and a hexadecimal hash. */
const asWerkzeug = (text: string): Parts | undefined => {
  const found = /^scrypt:(\d{1,10}):(\d{1,6}):(\d{1,6})\$([^$]+)\$([^$]+)$/.exec(text);
  if (found === null) return undefined;
  const [, n, r, p, salt = '', hash = ''] = found;
  return {
    cost: Number(n),
    blockSize: Number(r),
    parallelization: Number(p),
    salt: Buffer.from(salt),
    hash: decodeHashHex(hash),
  };
};
