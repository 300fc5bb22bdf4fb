/** Time is passed in, so that a test can move it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Whole seconds since the epoch, as JWTs and the provider count. */
export const epochSeconds = (clock: Clock): number => Math.floor(clock.now() / 1000);

/** 30 days, which is longer than anything is kept in memory. */
const beyondAllLives = 2_592_000_000;

/**
 * Time for the `perf` option of lru-cache. A clock that was set back must not make anything live longer, so it ends
 * everything that was kept before.
 */
export const cacheTime = (clock: Clock): Clock => {
  let last = clock.now();
  let ahead = 0;
  return {
    now: () => {
      const now = clock.now();
      if (now < last) ahead += last - now + beyondAllLives;
      last = now;
      return now + ahead;
    },
  };
};
