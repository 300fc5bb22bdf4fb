import { setTimeout as delay } from 'node:timers/promises';

const pauseMs = 20;

/**
 * Asks again and again until it holds, or `withinMs` have passed.
 * @throws Error that names what did not come true
 */
export const eventually = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<void> => {
  const startedAt = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedAt > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(pauseMs);
  }
};
