/** One time limit at a time, for one exchange. */
export interface IdleTimer {
  /** Begins anew, with this limit. */
  start(limitMs: number): void;
  /** Data arrived or was sent: the limit counts from now. */
  readonly moved: () => void;
  stop(): void;
}

export const createIdleTimer = (onTimeout: () => void): IdleTimer => {
  let timer: NodeJS.Timeout | undefined;
  return {
    start: (limitMs) => {
      clearTimeout(timer);
      timer = setTimeout(onTimeout, limitMs);
    },
    moved: () => void timer?.refresh(),
    stop: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
};
