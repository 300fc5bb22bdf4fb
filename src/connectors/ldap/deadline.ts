import { unreachable } from './unreachable.ts';

/** How long one person waits for the directory, over all the steps of what they asked for. */
export interface Deadline {
  /** Milliseconds; never negative. */
  leftMs(): number;
  /** @throws AppError `unavailable` when the time is over: the next step is not begun */
  check(): void;
}

export const startDeadline = (totalMs: number): Deadline => {
  const endsAt = performance.now() + totalMs;
  const leftMs = () => Math.max(0, endsAt - performance.now());
  return {
    leftMs,
    check: () => {
      if (leftMs() > 0) return;
      throw unreachable(`the directory took longer than ${totalMs} ms over all`);
    },
  };
};
