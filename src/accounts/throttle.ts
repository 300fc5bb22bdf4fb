import type { Clock } from '../clock.ts';
import type { Allowance } from '../config/tenant/tenant-definition.ts';
import { hashId } from '../crypto/ids.ts';
import type { Counters } from '../storage/storage-records.ts';
import { addressBucket } from './address-bucket.ts';

/**
 * Attempts, counted in the shared store before they are made, so that parallel ones cannot slip through
 * together. A window ends by itself. The counters of the port are used as they are, since they are atomic,
 * cost one trip and follow the clock that is passed in; a limiter library on top would bring its own clock.
 */
export interface Throttle {
  spend(key: string, allowance: Allowance): Promise<ThrottleVerdict>;
  /** Gives back the points of an attempt that succeeded. */
  refund(key: string, allowance: Allowance): Promise<void>;
  clear(key: string): Promise<void>;
}

export interface ThrottleVerdict {
  readonly isAllowed: boolean;
  readonly retryAfterSeconds: number;
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
        retryAfterSeconds: Math.max(1, Math.ceil((endsAt - clock.now()) / 1000)),
        isFirstRefusal: count === allowance.points + 1,
      };
    },
    refund: async (key, allowance) => {
      await add(key, -1, allowance);
    },
    clear: (key) => counters.reset(key),
  };
};

/**
 * By the name that was given, not by its account: one bucket for user name and e-mail together would reveal to anybody
 * that both belong to one person. `login` is canonical.
 */
export const signInAccountKey = (login: string): string => `sign-in/account/${hashId(login)}`;

/**
 * Spellings that directories take for one name, since they overlook spaces, accents and more (RFC 4518 sections 2.2
 * and 2.6.1; Active Directory): the key of the plainest of them. The same key as above for most names.
 */
export const signInFoldedKey = (login: string): string =>
  signInAccountKey(
    login.normalize('NFKD').replace(/[\s\p{M}\p{Default_Ignorable_Code_Point}]/gu, '') || login,
  );

export const signInAddressKey = (address: string): string => `sign-in/address/${addressBucket(address)}`;
