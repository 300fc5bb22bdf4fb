// Addresses from which somebody has signed in with a password, and the names with which they did.
import type { Clock } from '../clock.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { createBoundedCache } from './bounded-cache.ts';
import { signInKnownAddressKeys, signInOwnNameMark, type Throttle } from './throttle.ts';

/** An attempt with a name that may be somebody's. */
export interface NamedAttempt {
  /** Canonical. */
  readonly login: string;
  /** The account with this name; people of a directory have none that is found by it. */
  readonly account: Pick<AccountRecord, 'sub'> | undefined;
  readonly address: string;
}

export interface KnownAddresses {
  /** The counter for this person at this address; undefined when they have not signed in from there. */
  find(who: NamedAttempt): Promise<string | undefined>;
  isOwnName(login: string): Promise<boolean>;
  /** They have just signed in. */
  note(who: NamedAttempt): Promise<void>;
}

const keptSeconds = 30 * 86_400;
const dayMs = 86_400_000;
const remembered = 10_000;

export const createKnownAddresses = ({
  throttle,
  clock,
}: {
  readonly throttle: Throttle;
  readonly clock: Clock;
}): KnownAddresses => {
  // a program signs in with each request: what was noted today is not written again
  const noted = createBoundedCache<true>(clock, remembered);
  const keysOf = ({ login, account, address }: NamedAttempt) =>
    signInKnownAddressKeys(account === undefined ? `name ${login}` : `sub ${account.sub}`, address);

  return {
    find: async (who) => {
      const { mark, budget } = keysOf(who);
      return (await throttle.isMarked(mark)) ? budget : undefined;
    },
    isOwnName: (login) => throttle.isMarked(signInOwnNameMark(login)),
    note: async (who) => {
      const names = who.account === undefined ? [signInOwnNameMark(who.login)] : [];
      const marks = [keysOf(who).mark, ...names].filter((key) => !noted.has(key));
      await Promise.all(marks.map((key) => throttle.mark(key, keptSeconds)));
      for (const key of marks) noted.set(key, true, { ttl: dayMs });
    },
  };
};
