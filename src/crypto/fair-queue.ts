import { AppError } from '../errors.ts';

export interface FairQueueLimits {
  /** Tasks that run at the same time. */
  readonly concurrency: number;
  /** Tasks that may wait. */
  readonly queueLimit: number;
}

export interface FairQueue {
  /** @throws AppError `unavailable` with `retryAfterSeconds` when the queue is full. */
  run<T>(tenant: string, task: () => Promise<T>): Promise<T>;
  load(): QueueLoad;
}

/** Numbers of tasks. */
export interface QueueLoad {
  readonly running: number;
  readonly waiting: number;
}

interface Waiting {
  readonly start: () => void;
  readonly refuse: () => void;
}

const retryAfterSeconds = 2;

/**
 * Bounded work with a fair share for each tenant. Waiting tenants take turns, however many tasks each has. When the
 * queue is full, a task of a tenant with few waiting tasks displaces the newest task of the tenant with the most: one
 * tenant alone may use the whole queue, but never at the expense of another.
 */
export const createFairQueue = (limits: FairQueueLimits): FairQueue => {
  // Insertion order is the order of turns: a tenant that was served goes to the end.
  const lines = new Map<string, Waiting[]>();
  let running = 0;
  let waiting = 0;

  const release = (): void => {
    const next = takeTurn();
    if (next === undefined) running -= 1;
    else next.start();
  };

  const takeTurn = (): Waiting | undefined => {
    const [turn] = lines;
    if (turn === undefined) return undefined;
    const [tenant, line] = turn;
    const next = line.shift();
    waiting -= 1;
    lines.delete(tenant);
    if (line.length > 0) lines.set(tenant, line);
    return next;
  };

  const admit = (tenant: string, task: Waiting): void => {
    if (waiting >= limits.queueLimit && !makeRoom(tenant)) {
      task.refuse();
      return;
    }
    const line = lines.get(tenant) ?? [];
    line.push(task);
    lines.set(tenant, line);
    waiting += 1;
  };

  const makeRoom = (tenant: string): boolean => {
    const own = lines.get(tenant)?.length ?? 0;
    const [longest] = [...lines.values()].sort((a, b) => b.length - a.length);
    if (longest === undefined || longest.length <= own + 1) return false;
    longest.pop()?.refuse();
    waiting -= 1;
    return true;
  };

  const enter = (tenant: string): Promise<void> => {
    if (running < limits.concurrency) {
      running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      admit(tenant, {
        start: resolve,
        refuse: () =>
          reject(
            new AppError('unavailable', 'Too many sign-ins at the same time, try again in a moment', {
              detail: `the hashing queue is full for tenant ${tenant}`,
              retryAfterSeconds,
            }),
          ),
      });
    });
  };

  return {
    run: async (tenant, task) => {
      await enter(tenant);
      try {
        return await task();
      } finally {
        release();
      }
    },
    load: () => ({ running, waiting }),
  };
};
