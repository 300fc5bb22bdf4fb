import { setTimeout as delay } from 'node:timers/promises';
import type { LoadResult } from './run-load.ts';

export interface PacedOptions {
  readonly call: () => Promise<unknown>;
  readonly perSecond: number;
  readonly seconds: number;
}

/**
 * An open loop: calls begin at a fixed rate, whether or not earlier ones were answered. Latencies count from when a call
 * was due, so that a pause of the server is not hidden by callers that wait. The first failure ends it.
 */
export const runPaced = async ({ call, perSecond, seconds }: PacedOptions): Promise<LoadResult> => {
  const count = Math.ceil(perSecond * seconds);
  const latencies: number[] = [];
  const underWay: Promise<void>[] = [];
  const startedAt = performance.now();
  const callAt = async (dueAt: number): Promise<void> => {
    await call();
    latencies.push(performance.now() - dueAt);
  };
  for (let begun = 0; begun < count; ) {
    const now = performance.now();
    for (; begun < count; begun += 1) {
      const dueAt = startedAt + (begun / perSecond) * 1000;
      if (dueAt > now) break;
      underWay.push(callAt(dueAt));
    }
    await delay(1);
  }
  await Promise.all(underWay);
  const elapsed = (performance.now() - startedAt) / 1000;
  return { done: latencies.length, seconds: elapsed, latencies: Float64Array.from(latencies).sort() };
};
