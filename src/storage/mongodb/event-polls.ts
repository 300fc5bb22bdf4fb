import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { eventRetentionMs } from '../storage-endings.ts';
import type { EventDocument } from './documents.ts';
import type { EventSource } from './event-stream.ts';
import { toEvent } from './events.ts';
import { call, reading } from './limits.ts';

const pollEveryMs = 250;
/** Writes may become visible in a different order than that of their times, and the server's clock may be set back. */
const overlapMs = 10_000;
/** With a margin, because the server deletes by a clock of its own. */
const readableMs = eventRetentionMs / 2;

export const eventsSince = (windowMs: number) => [
  { $match: { $expr: { $gte: ['$publishedAt', { $subtract: ['$$NOW', windowMs] }] } } },
  { $sort: { publishedAt: 1 } },
];

/** Two clocks are needed: the wall clock can be set, the monotonic one stops while the machine sleeps. */
const createStopwatch = (clock: Clock) => {
  const startedAt = { clock: clock.now(), process: performance.now() };
  return (): number => Math.max(clock.now() - startedAt.clock, performance.now() - startedAt.process);
};

/**
 * For a standalone server, which has no change streams. Reads the events that were published since shortly before the
 * last read; their ids show which of them are new.
 */
export const openEventPolls = async (
  { events, watcher, watchLog }: EventSource,
  clock: Clock,
): Promise<{ close(): Promise<void> }> => {
  const ending = new AbortController();
  /** Ids, and when they were last read. */
  const known = new Map<string, () => number>();
  let sinceLastRead = createStopwatch(clock);

  const read = async (): Promise<readonly EventDocument[]> => {
    const age = createStopwatch(clock);
    const pipeline = eventsSince(Math.ceil(sinceLastRead()) + overlapMs);
    const found = await call(() => events.aggregate<EventDocument>(pipeline, reading).toArray());
    const fresh = found.filter(({ _id }) => !known.has(_id));
    sinceLastRead = age;
    for (const { _id } of found) known.set(_id, age);
    for (const [id, lastRead] of known) if (lastRead() > 2 * overlapMs) known.delete(id);
    return fresh;
  };

  const poll = async (): Promise<void> => {
    const isLost = sinceLastRead() > readableMs;
    const fresh = await read();
    if (isLost) watcher.lost();
    for (const document of fresh) watcher.event(toEvent(document));
  };

  const run = async (): Promise<void> => {
    for (;;) {
      await delay(pollEveryMs, undefined, { signal: ending.signal, ref: false }).catch(() => {});
      if (ending.signal.aborted) return;
      await poll().then(watchLog.worked, watchLog.failed);
    }
  };

  await read();
  const running = run();
  return {
    close: async () => {
      ending.abort();
      await running;
    },
  };
};
