import type { mongo } from 'mongoose';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import { createWatchLog, guardedWatcher } from '../guarded-watcher.ts';
import type { EventWatcher } from '../storage-endings.ts';
import type { EventDocument } from './documents.ts';
import { toStoreError } from './errors.ts';
import { openEventPolls } from './event-polls.ts';
import { openEventStream } from './event-stream.ts';

/** No replica set; no such stage; no right to use it. */
const withoutStreams: ReadonlySet<unknown> = new Set([40573, 40324, 13]);

const hasNoStreams = (error: unknown): boolean =>
  error instanceof Error && withoutStreams.has((error as { code?: unknown }).code);

interface EventWatchParts {
  readonly events: mongo.Collection<EventDocument>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface EventWatches {
  /** @throws AppError('unavailable') */
  open(watcher: EventWatcher): Promise<{ close(): Promise<void> }>;
  /** Ends all of them. */
  close(): Promise<void>;
}

export const createEventWatches = ({ events, clock, log }: EventWatchParts): EventWatches => {
  const watches = new Set<{ close(): Promise<void> }>();
  return {
    open: async (listener) => {
      const source = { events, watcher: guardedWatcher(listener, log), watchLog: createWatchLog(log) };
      const watch = await openEventStream(source).catch((error: unknown) => {
        if (hasNoStreams(error)) return openEventPolls(source, clock);
        throw toStoreError(error);
      });
      watches.add(watch);
      return {
        close: async () => {
          watches.delete(watch);
          await watch.close();
        },
      };
    },
    close: async () => {
      await Promise.all([...watches].map((watch) => watch.close()));
    },
  };
};
