import { AppError } from '../../errors.ts';
import { isBusy, toStoreError } from './errors.ts';
import type { Statements } from './statements.ts';

export type Job<T> = (sql: Statements) => T;

interface Waiting {
  readonly job: Job<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly deadline: number;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

const jobsPerCommit = 500;
/** Another process may hold the file for a moment; after this time the caller gets an error. */
const busyLimitMs = 2000;

const runAlone = (sql: Statements, job: Job<unknown>): Outcome => {
  sql('SAVEPOINT job').run();
  try {
    const value = job(sql);
    sql('RELEASE job').run();
    return { value };
  } catch (error) {
    try {
      sql('ROLLBACK TO job').run();
      sql('RELEASE job').run();
    } catch {
      throw error; // SQLite has rolled back the whole transaction, as it does when the disk is full
    }
    return { error };
  }
};

const commitTogether = (sql: Statements, batch: readonly Waiting[]): readonly Outcome[] => {
  const outcomes = batch.map(({ job }) => runAlone(sql, job));
  sql('COMMIT').run();
  return outcomes;
};

const rollBack = (sql: Statements): void => {
  try {
    sql('ROLLBACK').run();
  } catch {
    // SQLite itself has rolled back already, as it does when the disk is full
  }
};

/**
 * All writes of one turn of the event loop share one transaction and so one fsync. One that fails does not affect the
 * others. A promise resolves after the commit.
 */
export const createGroupCommit = (sql: Statements) => {
  let queue: Waiting[] = [];
  let isScheduled = false;
  let isClosed = false;
  let drained: (() => void) | undefined;

  const schedule = (delayMs: number): void => {
    if (isScheduled) return;
    isScheduled = true;
    if (delayMs === 0) setImmediate(flush);
    else setTimeout(flush, delayMs);
  };

  const failLate = (error: unknown): void => {
    const now = performance.now();
    for (const { reject } of queue.filter(({ deadline }) => deadline <= now)) reject(toStoreError(error));
    queue = queue.filter(({ deadline }) => deadline > now);
  };

  const settle = (batch: readonly Waiting[]): void => {
    try {
      const outcomes = commitTogether(sql, batch);
      for (const [index, outcome] of outcomes.entries()) {
        if ('error' in outcome) batch[index]?.reject(toStoreError(outcome.error));
        else batch[index]?.resolve(outcome.value);
      }
    } catch (error) {
      rollBack(sql);
      for (const { reject } of batch) reject(toStoreError(error));
    }
  };

  const begin = (): boolean => {
    try {
      sql('BEGIN IMMEDIATE').run();
      return true;
    } catch (error) {
      if (isBusy(error)) failLate(error);
      else for (const { reject } of queue.splice(0)) reject(toStoreError(error));
      return false;
    }
  };

  const flush = (): void => {
    isScheduled = false;
    let delayMs = 0;
    if (queue.length > 0) {
      // Waiting asynchronously keeps the event loop free; the delay differs, so that processes do not retry
      // at the same time.
      if (begin()) settle(queue.splice(0, jobsPerCommit));
      else delayMs = 1 + (performance.now() % 10);
    }
    if (queue.length > 0) schedule(delayMs);
    else drained?.();
  };

  return {
    enqueue: <T>(job: Job<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        if (isClosed) return reject(new AppError('unavailable', 'The store is closed'));
        const deadline = performance.now() + busyLimitMs;
        queue.push({ job, resolve: (value) => resolve(value as T), reject, deadline }); // T is what this job returns
        schedule(0);
      }),
    /** Resolves when all accepted jobs are written. */
    close: (): Promise<void> => {
      isClosed = true;
      return new Promise((resolve) => {
        drained = resolve;
        schedule(0);
      });
    },
  };
};
