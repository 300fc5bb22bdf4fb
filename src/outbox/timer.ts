export interface Timer {
  /** Becomes due after so long, or earlier if it is set for earlier already. */
  setFor(ms: number): void;
  stop(): void;
}

export const createTimer = (onDue: () => void): Timer => {
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  const stop = (): void => {
    clearTimeout(timer);
    dueAt = Number.POSITIVE_INFINITY;
  };
  return {
    stop,
    setFor: (ms) => {
      const at = performance.now() + ms;
      if (at >= dueAt) return;
      clearTimeout(timer);
      dueAt = at;
      timer = setTimeout(() => {
        dueAt = Number.POSITIVE_INFINITY;
        onDue();
      }, ms).unref();
    },
  };
};
