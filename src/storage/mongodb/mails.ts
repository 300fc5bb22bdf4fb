import type { Clock } from '../../clock.ts';
import type { MailRecord, StoredMails } from '../storage-mails.ts';
import { call, writing } from './limits.ts';
import { createQueue, type QueueStore } from './queue.ts';

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
    remove: (id) =>
      call(async () => {
        await store.collection.deleteOne(unattempted(id), writing);
      }),
  };
};
