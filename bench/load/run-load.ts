export interface LoadOptions {
  /** One function for each caller; each calls its own again and again. */
  readonly callers: readonly (() => Promise<unknown>)[];
  /** Operations of all callers together. */
  readonly count: number;
  /** No operation is begun after that, in milliseconds. */
  readonly limitMs: number;
}

export interface LoadResult {
  readonly done: number;
  readonly seconds: number;
  /** Milliseconds of each operation, ascending. */
  readonly latencies: Float64Array;
}

/** A closed loop: each caller begins its next operation when the last is answered. The first failure ends it. */
export const runLoad = async ({ callers, count, limitMs }: LoadOptions): Promise<LoadResult> => {
  const latencies: number[] = [];
  let begun = 0;
  const startedAt = performance.now();
  const callAgainAndAgain = async (call: () => Promise<unknown>): Promise<void> => {
    while (begun < count && performance.now() - startedAt < limitMs) {
      begun += 1;
      const calledAt = performance.now();
      await call();
      latencies.push(performance.now() - calledAt);
    }
  };
  await Promise.all(callers.map(callAgainAndAgain));
  const seconds = (performance.now() - startedAt) / 1000;
  return { done: latencies.length, seconds, latencies: Float64Array.from(latencies).sort() };
};

/** @param share 0.5 for the median, 0.99 for the 99th percentile */
export const percentile = (ascending: Float64Array, share: number): number =>
  ascending[Math.min(ascending.length - 1, Math.ceil(ascending.length * share) - 1)] ?? Number.NaN;

export const median = (values: readonly number[]): number => {
  const ascending = [...values].sort((one, other) => one - other);
  const middle = Math.floor(ascending.length / 2);
  const upper = ascending[middle] ?? Number.NaN;
  return ascending.length % 2 === 1 ? upper : ((ascending[middle - 1] ?? Number.NaN) + upper) / 2;
};
