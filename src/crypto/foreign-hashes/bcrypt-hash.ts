import { createHash } from 'node:crypto';
import { compare } from 'bcrypt';
import { type ParsedHash, refusedHash } from './foreign-hash.ts';

/** Each step doubles the work; 15 takes a few seconds. */
const highestCost = 15;
/** bcrypt reads only so many bytes of a password. */
const bytesRead = 72;

/**
 * bcrypt: `$2a$`, `$2b$`, `$2y$`, bare, in OpenLDAP's `{CRYPT}` or as Django writes it (`bcrypt$…`,
 * `bcrypt_sha256$…`). The letter names the software that made the hash; the method is the same for all. `{CRYPT}`
 * around anything else is refused, because the other methods of the C library are not available here.
 */
export const parseBcryptHash = (text: string): ParsedHash | undefined => {
  const [, prefix = '', hash = ''] = /^(\{crypt\}|bcrypt\$|bcrypt_sha256\$)?(.*)$/is.exec(text) ?? [];
  if (prefix === '' && !/^\$2[a-z]?\$/.test(hash)) return undefined;
  const found = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash);
  if (found === null) {
    return refusedHash(
      /^\{crypt\}$/i.test(prefix) && !hash.startsWith('$2')
        ? '{CRYPT} around something else than bcrypt ($2a$, $2b$, $2y$), which cannot be checked'
        : 'bcrypt in a form that is not known; write $2b$ (or $2a$, $2y$), two digits, $ and 53 characters',
    );
  }
  const cost = Number(found[1]);
  if (cost < 4 || cost > highestCost) {
    return refusedHash(
      `bcrypt with a cost of ${cost}: it must be 4 to ${highestCost} to be checked at a sign-in`,
    );
  }
  const isDigested = /sha256/i.test(prefix);
  if (isDigested) return { ok: true, verify: (password) => compare(digest(password), withoutY(hash)) };
  return {
    ok: true,
    verify: (password) => compare(read(password), withoutY(hash)),
    bytesRead,
  };
};

const digest = (password: string): string => createHash('sha256').update(password).digest('hex');

/**
 * The password is cut here, because for `$2a$` the library repeats an old fault with passwords of more than 254 bytes.
 * The cut may split a character.
 */
const read = (password: string): Buffer => Buffer.from(password).subarray(0, bytesRead);

/** The library does not know `$2y$`, which is PHP's name for the same method. */
const withoutY = (hash: string): string => hash.replace(/^\$2y\$/, '$2b$');
