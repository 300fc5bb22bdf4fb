import type { Log } from '../log.ts';
import type { EventWatcher } from './storage-endings.ts';

/**
 * Logs the error of a listener that throws: that is a fault of ours, but later events must still reach the listener.
 */
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

/** Logs once that the store cannot be watched, and once that it can be watched again. */
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
