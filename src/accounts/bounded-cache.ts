import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';

/**
 * A cache of one tenant, bounded in time (`ttl` of `set`, in milliseconds, more than 0) and in entries; the least
 * recently used entry is dropped first. Bounded by size: with `max` the library allocates memory for all entries at
 * once, in each tenant.
 */
export const createBoundedCache = <V extends NonNullable<unknown>>(
  clock: Clock,
  limit: number,
): LRUCache<string, V> =>
  new LRUCache({ maxSize: limit, sizeCalculation: () => 1, perf: clock, ttlResolution: 0 });
