/** One time limit at a time, for one exchange. */
export interface Patience {
  /** Begins anew, with this limit. */
  wait(limitMs: number): void;
  /** Something moved: the limit counts from now. */
  readonly moved: () => void;
  end(): void;
}

export const createPatience = (isOver: () => void): Patience => {
  let timer: NodeJS.Timeout | undefined;
  return {
    wait: (limitMs) => {
      clearTimeout(timer);
      timer = setTimeout(isOver, limitMs);
    },
    moved: () => void timer?.refresh(),
    end: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
};
