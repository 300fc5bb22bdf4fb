import type { Log } from '../log.ts';
import type { EventWatcher } from './storage-endings.ts';

/** A listener that throws is a fault of ours, but later events must still reach it. */
export const guardedWatcher = (watcher: EventWatcher, log: Log): EventWatcher => {
  const guard = (call: () => void): void => {
    try {
      call();
    } catch (err) {
      log.error({ err }, 'a listener of revocation events failed');
    }
  };
  return {
    event: (event) => guard(() => watcher.event(event)),
    lost: () => guard(() => watcher.lost()),
  };
};

/** Says once that the store cannot be watched, and once that it can again. */
export const createWatchLog = (log: Log) => {
  let isFailing = false;
  return {
    failed: (err: unknown): void => {
      if (!isFailing) log.warn({ err }, 'revocation events cannot be read; trying again');
      isFailing = true;
    },
    worked: (): void => {
      if (isFailing) log.info('revocation events are read again');
      isFailing = false;
    },
  };
};

export type WatchLog = ReturnType<typeof createWatchLog>;
