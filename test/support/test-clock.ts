import type { Clock } from '../../src/clock.ts';

export interface TestClock extends Clock {
  advance(ms: number): void;
}

export const createTestClock = (startMs: number): TestClock => {
  let now = startMs;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
};
