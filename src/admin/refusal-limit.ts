import { addressBucket } from '../accounts/address-bucket.ts';
import { createBoundedCache } from '../accounts/bounded-cache.ts';
import type { Clock } from '../clock.ts';
import { hashParts } from '../crypto/ids.ts';

export interface RefusalLimit {
  /** How long no credential of this address is looked at; 0: it is. */
  secondsLeft(address: string): number;
  /** Counts a credential that was wrong, once: a program that repeats an expired one locks nobody out. */
  charge(address: string, credential: string): void;
}

const points = 100;
const windowMs = 15 * 60_000;
const remembered = 10_000;

/**
 * Wrong credentials by address, in this process: secrets of so many random bits are not guessed, but each one that is tried
 * costs looks at the store. Counted for the whole server, since an address may name tenants that are not there.
 */
export const createRefusalLimit = (clock: Clock): RefusalLimit => {
  const counts = createBoundedCache<{ readonly count: number; readonly endsAt: number }>(clock, remembered);
  const seen = createBoundedCache<true>(clock, remembered);
  return {
    secondsLeft: (address) => {
      const { count = 0, endsAt = 0 } = counts.get(addressBucket(address)) ?? {};
      return count < points ? 0 : Math.ceil(Math.max(0, endsAt - clock.now()) / 1000);
    },
    charge: (address, credential) => {
      const bucket = addressBucket(address);
      const once = hashParts(bucket, credential);
      if (seen.has(once)) return;
      seen.set(once, true, { ttl: windowMs });
      const nowMs = clock.now();
      const { count = 0, endsAt = nowMs + windowMs } = counts.get(bucket) ?? {};
      counts.set(bucket, { count: count + 1, endsAt }, { ttl: Math.max(1, endsAt - nowMs) });
    },
  };
};
