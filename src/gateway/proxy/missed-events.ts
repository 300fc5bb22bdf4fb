import type { EventWatcher, TenantEvent } from '../../storage/storage-endings.ts';

/** An event, or `lost`: any number of events may have been missed. */
export type News = TenantEvent | 'lost';

/** What happened since the recording began. */
export interface NewsRecording {
  /** Nothing is recorded any more. */
  stop(): readonly News[];
}

/** Events for connections that do not exist yet: recorded while a connection is being opened, and replayed to it. */
export interface MissedEvents {
  /** For each recording. */
  readonly note: (news: News) => void;
  record(): NewsRecording;
}

export const createMissedEvents = (): MissedEvents => {
  const recordings = new Set<News[]>();
  return {
    note: (news) => {
      for (const recorded of recordings) recorded.push(news);
    },
    record: () => {
      const recorded: News[] = [];
      recordings.add(recorded);
      return {
        stop: () => {
          recordings.delete(recorded);
          return recorded;
        },
      };
    },
  };
};

/** A watcher that takes events and losses alike. */
export const newsWatcher = (take: (news: News) => void): EventWatcher => ({
  event: take,
  lost: () => take('lost'),
});
