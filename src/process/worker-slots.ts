import cluster, { type Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { PrimaryMessage, WorkerMessage } from './messages.ts';

const firstBackoffMs = 200;
const longestBackoffMs = 30_000;
/** A worker that ran for so long worked well; the next one starts without a longer pause. */
const healthyMs = 60_000;

export interface WorkerSlots {
  send(message: PrimaryMessage): void;
  /** Workers are no longer replaced from now on. Resolves when all have ended. */
  ended(): Promise<void>;
  killAll(): void;
}

export interface WorkerSlotsParts {
  readonly count: number;
  readonly onMessage: (message: WorkerMessage, answer: (message: PrimaryMessage) => void) => void;
  readonly log: Log;
}

/** A fixed number of slots, each with one worker at a time. The pause before the next worker grows with each crash. */
export const openWorkerSlots = ({ count, onMessage, log }: WorkerSlotsParts): WorkerSlots => {
  const workers = new Set<Worker>();
  const ending = new AbortController();

  const runOne = async (): Promise<void> => {
    const worker = cluster.fork();
    workers.add(worker);
    worker.on('message', (message: WorkerMessage) => onMessage(message, (answer) => worker.send(answer)));
    // A worker that is just ending cannot receive a message; its exit is handled anyway.
    worker.on('error', (err) => log.debug({ err }, 'a message to a worker failed'));
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      worker.once('exit', (...how) => resolve(how)),
    );
    workers.delete(worker);
    if (!ending.signal.aborted) log.error({ pid: worker.process.pid, code, signal }, 'a worker has ended');
  };

  const keepOne = async (): Promise<void> => {
    let backoffMs = firstBackoffMs;
    while (!ending.signal.aborted) {
      const startedAt = performance.now();
      await runOne();
      if (performance.now() - startedAt > healthyMs) backoffMs = firstBackoffMs;
      await delay(backoffMs, undefined, { signal: ending.signal }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
    }
  };

  const slots = Array.from({ length: count }, keepOne);
  return {
    send: (message) => {
      for (const worker of workers) if (worker.isConnected()) worker.send(message);
    },
    ended: async () => {
      ending.abort();
      await Promise.all(slots);
    },
    killAll: () => {
      for (const worker of workers) worker.process.kill('SIGKILL');
    },
  };
};
