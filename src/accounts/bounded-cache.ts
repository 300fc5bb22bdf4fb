import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';

/**
 * What a tenant remembers for a time (`ttl` of `set`, in milliseconds, more than 0) and up to a number of entries; the
 * least recently used goes first. Bounded by size: with `max` the library sets aside room for all entries at once, in
 * each tenant.
 */
export const createBoundedCache = <V extends NonNullable<unknown>>(
  clock: Clock,
  limit: number,
): LRUCache<string, V> =>
  new LRUCache({ maxSize: limit, sizeCalculation: () => 1, perf: clock, ttlResolution: 0 });
