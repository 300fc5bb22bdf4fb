import { setTimeout as delay } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import { definedOnly } from '../../defined-only.ts';
import { isAppError } from '../../errors.ts';
import type { WatchLog } from '../guarded-watcher.ts';
import type { EventWatcher } from '../storage-endings.ts';
import type { EventDocument } from './documents.ts';
import { toStoreError } from './errors.ts';
import { toEvent } from './events.ts';

/** The server answers at least this often, and at once when there is an event. */
const awaitMs = 500;
const pauseMs = 250;

type Stream = mongo.ChangeStream<EventDocument, mongo.ChangeStreamDocument<EventDocument>>;

export interface EventSource {
  readonly events: mongo.Collection<EventDocument>;
  readonly watcher: EventWatcher;
  readonly watchLog: WatchLog;
}

/** After any error but an outage the server no longer has the position, or the collection was replaced. */
const canResumeAfter = (error: unknown): boolean => isAppError(toStoreError(error), 'unavailable');

/**
 * Resolves when the server has begun to watch.
 * @throws the error of the driver: a standalone server has no change streams (40573)
 */
export const openEventStream = async ({
  events,
  watcher,
  watchLog,
}: EventSource): Promise<{ close(): Promise<void> }> => {
  const ending = new AbortController();
  let stream: Stream | undefined;
  let token: unknown;
  let isLost = false;

  const open = (): Stream =>
    events.watch([{ $match: { operationType: 'insert' } }], {
      maxAwaitTimeMS: awaitMs,
      ...definedOnly({ resumeAfter: token }),
    });

  const step = async (): Promise<void> => {
    stream ??= open();
    const current = stream;
    const change = await current.tryNext();
    if (current.closed) throw new Error('the change stream has ended');
    token = current.resumeToken;
    if (isLost) watcher.lost();
    isLost = false;
    watchLog.worked();
    if (change?.operationType === 'insert') watcher.event(toEvent(change.fullDocument));
  };

  const closeStream = async (): Promise<void> => {
    const ended = stream;
    stream = undefined;
    await ended?.close().catch(() => {
      // an unreachable server has no cursor to close
    });
  };

  const recover = async (error: unknown): Promise<void> => {
    watchLog.failed(error);
    if (!canResumeAfter(error)) {
      token = undefined;
      isLost = true;
    }
    await closeStream();
    await delay(pauseMs, undefined, { signal: ending.signal, ref: false }).catch(() => {});
  };

  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (!ending.signal.aborted) await recover(error);
      }
    }
  };

  await step();
  const running = run();
  return {
    close: async () => {
      ending.abort();
      await closeStream();
      await running;
    },
  };
};
