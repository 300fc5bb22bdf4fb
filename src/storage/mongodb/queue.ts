import type { mongo } from 'mongoose';
import type { Clock } from '../../clock.ts';
import { pendingUntil, type QueueEntry, type StoredQueue, settledUntil } from '../storage-queue.ts';
import type { RunCommand } from './commands.ts';
import { type QueueDocument, rangeOf } from './documents.ts';
import { insertAll } from './insert-all.ts';
import { call, reading, writing } from './limits.ts';
import type { CollectionName } from './models.ts';

export interface QueueStore<Entry extends QueueEntry> {
  readonly collection: mongo.Collection<Entry & QueueDocument>;
  readonly run: RunCommand;
  /** Member that is removed when an entry is settled. */
  readonly emptied?: string;
}

export const toEntry = <Entry extends QueueEntry>({
  _id,
  tenant: _tenant,
  expiresAt,
  ...entry
}: QueueDocument): Entry => entry as unknown as Entry; // the members that `add` wrote

export const createQueue = <Entry extends QueueEntry>(
  { collection: given, run, emptied }: QueueStore<Entry>,
  clock: Clock,
  tenant: string,
): StoredQueue<Entry> => {
  const collection = plain(given);
  return {
    add: async (entries) => {
      if (entries.length === 0) return;
      const documents = entries.map((entry): QueueDocument => {
        const expiresAt = new Date(pendingUntil(entry.createdAt));
        return { ...entry, _id: `${tenant}|${entry.id}`, tenant, expiresAt };
      });
      const name = collection.collectionName as CollectionName; // one of ours
      await call(() => insertAll(run, { collection: name, documents }));
    },

    claim: (nowMs, leaseUntilMs) =>
      call(async () => {
        const claimed = await collection.findOneAndUpdate(
          { tenant, state: 'pending', nextAttemptAt: { $lte: nowMs }, expiresAt: { $gt: new Date(nowMs) } },
          { $set: { nextAttemptAt: leaseUntilMs }, $inc: { attempts: 1 } },
          { ...writing, sort: { nextAttemptAt: 1 }, returnDocument: 'after' },
        );
        return claimed === null ? undefined : toEntry<Entry>(claimed);
      }),

    settle: (id, outcome) =>
      call(async () => {
        const isPending = outcome.state === 'pending';
        const { state, nextAttemptAt, lastAttemptAt, lastOutcome } = outcome;
        const kept = isPending ? {} : { expiresAt: new Date(settledUntil(lastAttemptAt)) };
        await collection.updateOne(
          { _id: `${tenant}|${id}`, tenant, state: { $ne: 'delivered' } },
          {
            $set: { state, nextAttemptAt, lastAttemptAt, lastOutcome, ...kept },
            ...(emptied === undefined || isPending ? {} : { $unset: { [emptied]: '' } }),
          },
          writing,
        );
      }),

    list: ({ beforeId, limit }) =>
      call(async () => {
        const range = rangeOf(tenant);
        const _id = beforeId === undefined ? range : { $gte: range.$gte, $lt: `${tenant}|${beforeId}` };
        const options = { ...reading, sort: { _id: -1 }, limit, batchSize: limit } as const;
        const filter = { _id, tenant, expiresAt: { $gt: new Date(clock.now()) } };
        return (await collection.find(filter, options).toArray()).map(toEntry<Entry>);
      }),
  };
};

export const tenantsWithDue = <Entry extends QueueEntry>(
  collection: mongo.Collection<Entry & QueueDocument>,
  nowMs: number,
): Promise<readonly string[]> =>
  call(() => {
    const due = {
      state: 'pending' as const,
      nextAttemptAt: { $lte: nowMs },
      expiresAt: { $gt: new Date(nowMs) },
    };
    return plain(collection).distinct('tenant', due, reading);
  });

/** The members that all queues have: the driver's types cannot look into a document whose type is a parameter. */
const plain = <Entry extends QueueEntry>(
  collection: mongo.Collection<Entry & QueueDocument>,
): mongo.Collection<QueueDocument> => collection as unknown as mongo.Collection<QueueDocument>;
