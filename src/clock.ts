/** Time is passed in, so that a test can move it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Whole seconds since the epoch, as JWTs and the provider count. */
export const epochSeconds = (clock: Clock): number => Math.floor(clock.now() / 1000);
