import type { EventWatcher, TenantEvent } from '../../storage/storage-endings.ts';

/** An event, or `lost`: any number of events may have been missed. */
export type News = TenantEvent | 'lost';

/** The events since the recording began. */
export interface NewsRecording {
  /** Ends the recording. */
  stop(): readonly News[];
}

/** Events for connections that do not exist yet: recorded while a connection is being opened, and replayed to it. */
export interface MissedEvents {
  /** Adds the event to each recording. */
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

/** A watcher that handles events and losses in the same function. */
export const newsWatcher = (take: (news: News) => void): EventWatcher => ({
  event: take,
  lost: () => take('lost'),
});
