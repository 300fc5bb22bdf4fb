import type { Clock } from '../../clock.ts';
import type { MailRecord, StoredMails } from '../storage-mails.ts';
import { call, reading, writing } from './limits.ts';
import { createQueue, type QueueStore, toEntry } from './queue.ts';

export const createMails = (
  store: Omit<QueueStore<MailRecord>, 'emptied'>,
  clock: Clock,
  tenant: string,
): StoredMails => {
  const unattempted = (id: string) => ({
    _id: `${tenant}|${id}`,
    tenant,
    state: { $in: ['pending', 'kept'] as const },
    attempts: 0,
  });
  return {
    ...createQueue({ ...store, emptied: 'content' }, clock, tenant),
    release: (id, nowMs) =>
      call(async () => {
        await store.collection.updateOne(unattempted(id), { $set: { nextAttemptAt: nowMs } }, writing);
      }),
    ofAccount: (sub, limit) =>
      call(async () => {
        const options = { ...reading, sort: { _id: -1 }, limit, batchSize: limit } as const;
        const filter = { tenant, sub, expiresAt: { $gt: new Date(clock.now()) } };
        return (await store.collection.find(filter, options).toArray()).map(toEntry<MailRecord>);
      }),
    remove: (id) =>
      call(async () => {
        await store.collection.deleteOne(unattempted(id), writing);
      }),
  };
};
