import type { Clock } from '../clock.ts';
import type { Allowance } from '../config/tenant/tenant-definition.ts';
import type { Counters } from '../storage/storage-records.ts';
import { addressBucket } from './address-bucket.ts';
import { createThrottle, type ThrottleVerdict } from './throttle.ts';

/**
 * Charges what a stranger begins, before anything is written: by address, since nothing else is known of a stranger.
 * Whatever they begin is charged to the same budget.
 */
export type ChargeStart = (
  address: string,
) => Promise<Pick<ThrottleVerdict, 'isAllowed' | 'retryAfterSeconds'>>;

export const createStartBudget = ({
  counters,
  clock,
  allowance,
}: {
  readonly counters: Counters;
  readonly clock: Clock;
  readonly allowance: Allowance;
}): ChargeStart => {
  const throttle = createThrottle(counters, clock);
  return (address) => throttle.spend(`start/address/${addressBucket(address)}`, allowance);
};
