import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import { createWatchLog, guardedWatcher } from '../guarded-watcher.ts';
import type { EventWatcher, RevocationEvents, TenantEvent } from '../storage-endings.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

/** The longest time until this process reads an event of another one. */
const pollEveryMs = 200;
const eventsPerRead = 500;

export const eventSql = {
  publishEvent: 'INSERT INTO events (tenant, published_at, value) VALUES (?, ?, ?)',
  eventsAfter: 'SELECT seq, tenant, value FROM events WHERE seq > ? ORDER BY seq LIMIT ?',
} as const;

// SQLite's own table has the last number given; its row stays when the events are swept.
const lastSequence = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";

interface EventRow {
  readonly seq: number;
  readonly tenant: string;
  readonly value: string;
}

const readLast = (sql: Statements): number =>
  (sql(lastSequence).get() as { seq: number } | undefined)?.seq ?? 0;

interface News {
  readonly rows: readonly EventRow[];
  readonly last: number;
}

const readNews = (sql: Statements, position: number): News => {
  const rows = sql(eventSql.eventsAfter).all(position, eventsPerRead) as EventRow[];
  return { rows, last: rows.at(-1)?.seq ?? readLast(sql) };
};

/** The numbers have no gaps, so a missing one was swept before it was read, or the file was replaced. */
const hasGap = ({ rows, last }: News, position: number): boolean =>
  rows[0] === undefined ? last !== position : rows[0].seq !== position + 1;

const toEvent = ({ tenant, value }: EventRow): TenantEvent => ({ ...JSON.parse(value), tenant });

export interface EventLog {
  forTenant(tenant: string): RevocationEvents;
  /** @throws AppError('unavailable') */
  watch(watcher: EventWatcher): Promise<{ close(): Promise<void> }>;
  /** Ends all watches. */
  close(): void;
}

interface EventLogParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Log;
}

/** A numbered table of events. Each process on the file reads the events after the last one that it has read. */
export const createEventLog = ({ connection, clock, log }: EventLogParts): EventLog => {
  const watches = new Map<() => void, NodeJS.Timeout>();

  const startPoll = (watcher: EventWatcher): (() => void) => {
    const watchLog = createWatchLog(log);
    let position = connection.peek(readLast);
    const poll = (): void => {
      try {
        let news: News;
        do {
          news = connection.peek((sql) => readNews(sql, position));
          const isLost = hasGap(news, position);
          position = news.last;
          if (isLost) watcher.lost();
          for (const row of news.rows) watcher.event(toEvent(row));
        } while (news.rows.length === eventsPerRead);
        watchLog.worked();
      } catch (error) {
        watchLog.failed(error);
      }
    };
    return poll;
  };

  const end = (poll: () => void): void => {
    clearInterval(watches.get(poll));
    watches.delete(poll);
  };

  return {
    forTenant: (tenant) => ({
      publish: async (event) => {
        const value = JSON.stringify(event);
        await connection.write('event.publish', (sql) => {
          sql(eventSql.publishEvent).run(tenant, clock.now(), value);
        });
        for (const poll of watches.keys()) poll();
      },
    }),

    watch: async (watcher) => {
      const poll = startPoll(guardedWatcher(watcher, log));
      watches.set(poll, setInterval(poll, pollEveryMs).unref());
      return { close: async () => end(poll) };
    },

    close: () => {
      for (const poll of [...watches.keys()]) end(poll);
    },
  };
};
