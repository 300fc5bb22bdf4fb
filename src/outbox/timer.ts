export interface Timer {
  /** Becomes due after so long, whatever else it is set for. */
  setFor(ms: number): void;
  /** Becomes due after so long, unless it is due earlier anyway. */
  setAtLatest(ms: number): void;
  stop(): void;
}

/** Moments are rounded up to this, so that many entries with the same pause need one timer. */
const grainMs = 100;

export const createTimer = (onDue: () => void): Timer => {
  const moments = new Set<number>();
  let timer: NodeJS.Timeout | undefined;
  const earliest = (): number => Math.min(...moments);

  const arm = (): void => {
    clearTimeout(timer);
    if (moments.size === 0) return;
    timer = setTimeout(
      () => {
        const now = performance.now();
        const due = [...moments].filter((moment) => moment <= now);
        for (const moment of due) moments.delete(moment);
        arm();
        if (due.length > 0) onDue();
      },
      Math.max(1, earliest() - performance.now()),
    ).unref();
  };
  const add = (at: number): void => {
    moments.add(at);
    if (at === earliest()) arm();
  };
  const momentIn = (ms: number): number => Math.ceil((performance.now() + ms) / grainMs) * grainMs;

  return {
    setFor: (ms) => add(momentIn(ms)),
    setAtLatest: (ms) => {
      const at = momentIn(ms);
      if (earliest() > at) add(at);
    },
    stop: () => {
      moments.clear();
      clearTimeout(timer);
    },
  };
};
