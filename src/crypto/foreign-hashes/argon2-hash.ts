import { verify } from 'argon2';
import { decodeHashBase64, isHashLength, type ParsedHash, refusedHash, wrongLength } from './foreign-hash.ts';

/** 256 MiB: several people sign in at once. */
const mostMemoryKiB = 262_144;
const mostParallelism = 16;
/** KiB that are filled, over all passes: some seconds of work. */
const mostWork = 4_194_304;

/** Argon2i, d and id (RFC 9106), versions 1.0 and 1.3, as PHC text or as Django writes it (`argon2$argon2id$…`). */
export const parseArgon2Hash = (text: string): ParsedHash | undefined => {
  const phc = text.replace(/^argon2(?=\$)/, '');
  if (!/^\$argon2(?:i|d|id)\$/.test(phc)) return undefined;
  const found =
    /^\$argon2(?:i|d|id)\$(?:v=(?:16|19)\$)?m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,10})\$([^$]+)\$([^$]+)$/.exec(
      phc,
    );
  if (found === null)
    return refusedHash('Argon2 in a form that is not known; write $argon2id$v=19$m=…,t=…,p=…$salt$hash');
  const [memoryKiB = 0, passes = 0, lanes = 0] = found.slice(1, 4).map(Number);
  const salt = decodeHashBase64(found[4] ?? '');
  const hash = decodeHashBase64(found[5] ?? '');
  if (salt === undefined || salt.length < 8 || hash === undefined || !isHashLength(hash))
    return wrongLength('Argon2');
  if (lanes < 1 || passes < 1 || memoryKiB < 8 * lanes)
    return refusedHash('Argon2 with parameters below its own minimum');
  if (memoryKiB > mostMemoryKiB || lanes > mostParallelism || memoryKiB * passes > mostWork) {
    return refusedHash(
      `Argon2 that is too dear to check at a sign-in: at most m=${mostMemoryKiB}, p=${mostParallelism} and m × t = ${mostWork}`,
    );
  }
  return { ok: true, verify: (password) => verify(phc, password) };
};
