import { jest } from '@jest/globals';

/**
 * Moves the wall clock of this test file on, for everything that asks for the date: our clock, the provider and
 * the browser. Timers go on as they are. Time stands still afterwards until it is moved again or `restoreTime`.
 */
export const moveTime = (seconds: number): void => {
  jest.useFakeTimers({
    now: Date.now() + seconds * 1000,
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  });
};

export const restoreTime = (): void => {
  jest.useRealTimers();
};
