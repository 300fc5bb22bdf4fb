import { randomBytes } from 'node:crypto';
import { argon2id, hash, verify } from 'argon2';
import { AppError } from '../errors.ts';
import { createFairQueue, type FairQueueLimits, type QueueLoad } from './fair-queue.ts';
import { parsePasswordHash } from './foreign-hashes/parse-password-hash.ts';

/** Password hashing with a bounded queue. The task counts towards the share of `tenant`. */
export interface PasswordHasher {
  /**
   * Resolves to a PHC string.
   * @throws AppError `invalid_request` for a text that no password can have, `unavailable` when too many wait.
   */
  hash(tenant: string, password: string): Promise<string>;
  /**
   * `stored` is a PHC string of ours, or a hash that other software made and `parsePasswordHash` takes.
   * @throws AppError `unavailable` when too many wait.
   */
  verify(tenant: string, stored: string, password: string): Promise<PasswordVerdict>;
  /** Costs as much as `verify`, for people without a password: the time must not reveal which accounts exist. */
  verifyDecoy(tenant: string, password: string): Promise<void>;
  load(): QueueLoad;
}

export interface PasswordVerdict {
  readonly isValid: boolean;
  /**
   * The hash is weaker than the parameters of today, of another Unicode spelling, or was made by other software; and the
   * check has read this password to its end, so that a hash of it means the same password.
   */
  readonly needsRehash: boolean;
}

export interface HashingParameters extends FairQueueLimits {
  readonly memoryKiB: number;
  readonly iterations: number;
  readonly parallelism: number;
}

const maximumBytes = 1024;

/**
 * The text that is hashed: other spaces become U+0020 (RFC 8265 section 4.2), then NFKC (NIST SP 800-63B section 5.1.1.2), so
 * that a password typed on another keyboard or system is the same one, as ligature or in wide letters too. No case folding, no
 * trimming: they would make different passwords equal. `undefined` when empty, longer than 1024 bytes, or with control
 * characters.
 */
export const preparePassword = (password: string): string | undefined => {
  // the cheap bound comes first, so that a megabyte is not normalized only to be refused; letters may be typed in pieces
  if (password === '' || Buffer.byteLength(password) > 4 * maximumBytes) return undefined;
  if (/\p{Cc}/u.test(password)) return undefined;
  const prepared = withPlainSpaces(password).normalize('NFKC');
  return Buffer.byteLength(prepared) > maximumBytes ? undefined : prepared;
};

const withPlainSpaces = (password: string): string => password.replace(/\p{Zs}/gu, ' ');

/** Of which the hashes are: ours were of NFC until they were of NFKC; other software mostly hashes what was typed. */
const spellingsOf = (password: string, prepared: string): readonly string[] => [
  ...new Set([prepared, withPlainSpaces(password).normalize('NFC'), password]),
];

interface Comparison {
  readonly isValid: boolean;
  /** No longer or shorter password is accepted in place of this one. */
  readonly isWhole: boolean;
  /** The hash is not of the text that `hash` makes one of. */
  readonly isOtherSpelling?: boolean;
}

const refused: Comparison = { isValid: false, isWhole: false };

/** Argon2id (RFC 9106) in libuv's pool. */
export const createPasswordHasher = (parameters: HashingParameters): PasswordHasher => {
  const queue = createFairQueue(parameters);
  const options = {
    type: argon2id,
    memoryCost: parameters.memoryKiB,
    timeCost: parameters.iterations,
    parallelism: parameters.parallelism,
  };
  const nothing = unmatchedHash(parameters);

  /**
   * Some foreign hashes cost almost nothing. One of ours is computed as well, so that the time does not reveal them.
   */
  const compareForeign = async (stored: string, spellings: readonly string[]): Promise<Comparison> => {
    const parsed = parsePasswordHash(stored);
    if (!parsed.ok) {
      throw new AppError('unavailable', 'This password cannot be checked', {
        detail: `the stored hash is ${parsed.message}`,
      });
    }
    let accepted: string | undefined;
    for (const spelling of spellings) {
      if (accepted === undefined && (await parsed.verify(spelling))) accepted = spelling;
    }
    for (const spelling of spellings) await verify(nothing, spelling);
    if (accepted === undefined) return refused;
    // as long as what is read: the password of which the hash was made may go on
    const isWhole = parsed.bytesRead === undefined || Buffer.byteLength(accepted) < parsed.bytesRead;
    return { isValid: true, isWhole };
  };

  /** Of Argon2, by whichever software. */
  const compareOwn = async (stored: string, spellings: readonly string[]): Promise<Comparison> => {
    for (const [index, spelling] of spellings.entries())
      if (await verify(stored, spelling)) return { isValid: true, isWhole: true, isOtherSpelling: index > 0 };
    return refused;
  };

  const compare = async (tenant: string, stored: string, password: string): Promise<Comparison> => {
    const prepared = preparePassword(password);
    if (prepared === undefined) return refused;
    const compareWith = stored.startsWith('$argon2') ? compareOwn : compareForeign;
    return queue.run(tenant, () => compareWith(stored, spellingsOf(password, prepared)));
  };

  return {
    hash: async (tenant, password) => {
      const prepared = preparePassword(password);
      if (prepared === undefined) {
        throw new AppError(
          'invalid_request',
          `A password has 1 to ${maximumBytes} bytes and no control characters`,
        );
      }
      return queue.run(tenant, () => hash(prepared, options));
    },
    verify: async (tenant, stored, password) => {
      const { isValid, isWhole, isOtherSpelling } = await compare(tenant, stored, password);
      const isOutdated = isOtherSpelling === true || isWeaker(stored, parameters);
      return { isValid, needsRehash: isValid && isWhole && isOutdated };
    },
    verifyDecoy: async (tenant, password) => {
      await compare(tenant, nothing, password);
    },
    load: queue.load,
  };
};

/** A well-formed hash of no known password: comparing with it costs as much as with a real one. */
const unmatchedHash = ({ memoryKiB, iterations, parallelism }: HashingParameters): string =>
  `$argon2id$v=19$m=${memoryKiB},t=${iterations},p=${parallelism}$${unpadded(16)}$${unpadded(32)}`;

const unpadded = (bytes: number): string => randomBytes(bytes).toString('base64').replace(/=+$/, '');

const isWeaker = (phc: string, parameters: HashingParameters): boolean => {
  const found = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(phc);
  if (found === null) return true;
  const [memoryKiB, iterations] = found.slice(1).map(Number);
  return Number(memoryKiB) < parameters.memoryKiB || Number(iterations) < parameters.iterations;
};
