import type { Clock } from '../clock.ts';
import type { Allowance } from '../config/tenant/tenant-definition.ts';
import { hashId, hashParts } from '../crypto/ids.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { Counters } from '../storage/storage-records.ts';
import { addressBucket } from './address-bucket.ts';

/**
 * Attempts, counted in the shared store before they are made, so that parallel ones cannot slip through
 * together. A window ends by itself. The counters of the port are used as they are, since they are atomic,
 * cost one trip and follow the clock that is passed in; a limiter library on top would bring its own clock.
 */
export interface Throttle {
  spend(key: string, allowance: Allowance): Promise<ThrottleVerdict>;
  /** Gives back the points of attempts that no longer count; default: of one. */
  refund(key: string, allowance: Allowance, points?: number): Promise<void>;
  clear(key: string): Promise<void>;
  /** Counts at another key what was counted at this one, for as long as it counts there. */
  carry(from: string, to: string): Promise<void>;
  /** Remembers something for so long. */
  mark(key: string, seconds: number): Promise<void>;
  isMarked(key: string): Promise<boolean>;
}

export interface ThrottleVerdict {
  readonly isAllowed: boolean;
  readonly retryAfterSeconds: number;
  /** Attempts in this window, with this one. */
  readonly count: number;
  /** The first refusal of this window: only this one is recorded. */
  readonly isFirstRefusal: boolean;
}

export const createThrottle = (counters: Counters, clock: Clock): Throttle => {
  const add = (key: string, points: number, allowance: Allowance) =>
    counters.add(key, { points, windowMs: allowance.windowSeconds * 1000, nowMs: clock.now() });

  return {
    spend: async (key, allowance) => {
      const { count, endsAt } = await add(key, 1, allowance);
      return {
        isAllowed: count <= allowance.points,
        count,
        retryAfterSeconds: Math.max(1, Math.ceil((endsAt - clock.now()) / 1000)),
        isFirstRefusal: count === allowance.points + 1,
      };
    },
    refund: async (key, allowance, points = 1) => {
      await add(key, -points, allowance);
    },
    clear: (key) => counters.reset(key),
    carry: async (from, to) => {
      const nowMs = clock.now();
      const found = await counters.find(from, nowMs);
      if (found === undefined || found.count <= 0) return;
      await counters.add(to, { points: found.count, windowMs: found.endsAt - nowMs, nowMs });
    },
    mark: async (key, seconds) => {
      await add(key, 1, { points: 1, windowSeconds: seconds });
    },
    isMarked: async (key) => ((await counters.find(key, clock.now()))?.count ?? 0) > 0,
  };
};

/** By the name that was given, whether anybody has it or not. `login` is canonical. */
export const signInNameKey = (login: string): string => `sign-in/account/${hashId(login)}`;

/** By the account behind the names, so that a person's user name and e-mail address are not two chances to guess. */
export const signInPersonKey = (sub: string): string => `sign-in/person/${hashId(sub)}`;

/** By the person whom a source found with a name: it may take more names for one person than are known here. */
export const signInFoundKey = (source: string, subject: string): string =>
  `sign-in/found/${hashParts(source, subject)}`;

/**
 * By the plainest of the spellings that directories take for one name, since they overlook spaces, accents and more
 * (RFC 4518 sections 2.2 and 2.6.1; Active Directory). Not the key of that name itself, which may be another person's.
 */
export const signInFoldedKey = (login: string): string => {
  const plain = login.normalize('NFKD').replace(/[\s\p{M}\p{Default_Ignorable_Code_Point}]/gu, '');
  return `sign-in/folded/${hashId(plain)}`;
};

/**
 * Wrong guesses at the names of an account count at its new names too: a new name or address gives nobody more guesses at
 * the same password.
 * @param names to sign in with, before and after
 */
export const carryGuesses = async (
  throttle: Pick<Throttle, 'carry'>,
  names: { readonly before: readonly string[]; readonly after: readonly string[] },
): Promise<void> => {
  const added = names.after.filter((name) => !names.before.includes(name));
  for (const to of added)
    for (const from of names.before) {
      await throttle.carry(signInNameKey(from), signInNameKey(to));
      await throttle.carry(signInFoldedKey(from), signInFoldedKey(to));
    }
};

export const signInAddressKey = (address: string): string => `sign-in/address/${addressBucket(address)}`;

/** @param id of `KnownBrowsers` */
export const signInBrowserKey = (id: string): string => `sign-in/browser/${id}`;

/** The keys of one person at one address: the mark that they signed in there, and the limit of their own. */
export const signInKnownAddressKeys = (who: string, address: string) => {
  const hashed = hashParts(who, addressBucket(address));
  return { mark: `sign-in/known-address/${hashed}`, budget: `sign-in/own-address/${hashed}` };
};

/** The mark of a name without an account with which somebody signed in: a person of a directory. */
export const signInOwnNameMark = (login: string): string => `sign-in/own-name/${hashId(login)}`;

/** Forgets the failed sign-ins of a person. */
export const createClearThrottle =
  (throttle: Pick<Throttle, 'clear'>) =>
  async ({ sub, logins, identities = [] }: NamedPerson): Promise<void> => {
    const byName = logins.flatMap((name) => [signInNameKey(name), signInFoldedKey(name)]);
    const byFound = identities.map(({ source, subject }) => signInFoundKey(source, subject));
    const keys = new Set([signInPersonKey(sub), ...byName, ...byFound]);
    await Promise.all([...keys].map((key) => throttle.clear(key)));
  };

type NamedPerson = Pick<AccountRecord, 'sub' | 'logins' | 'identities'>;
