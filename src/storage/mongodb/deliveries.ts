import type { mongo } from 'mongoose';
import type { Clock } from '../../clock.ts';
import type { LogoutDeliveries, LogoutDelivery } from '../storage-endings.ts';
import { pendingUntil, settledUntil } from '../storage-endings.ts';
import type { RunCommand } from './commands.ts';
import { type DeliveryDocument, rangeOf } from './documents.ts';
import { insertAll } from './insert-all.ts';
import { call, reading, writing } from './limits.ts';

const toDelivery = ({ _id, tenant, expiresAt, ...delivery }: DeliveryDocument): LogoutDelivery => delivery;

export interface DeliveryStore {
  readonly collection: mongo.Collection<DeliveryDocument>;
  readonly run: RunCommand;
}

export const createDeliveries = (
  { collection, run }: DeliveryStore,
  clock: Clock,
  tenant: string,
): LogoutDeliveries => ({
  add: async (deliveries) => {
    if (deliveries.length === 0) return;
    const documents = deliveries.map((delivery): DeliveryDocument => {
      const expiresAt = new Date(pendingUntil(delivery.createdAt));
      return { ...delivery, _id: `${tenant}|${delivery.id}`, tenant, expiresAt };
    });
    await call(() => insertAll(run, { collection: 'deliveries', documents }));
  },

  claim: (nowMs, leaseUntilMs) =>
    call(async () => {
      const claimed = await collection.findOneAndUpdate(
        { tenant, state: 'pending', nextAttemptAt: { $lte: nowMs }, expiresAt: { $gt: new Date(nowMs) } },
        { $set: { nextAttemptAt: leaseUntilMs }, $inc: { attempts: 1 } },
        { ...writing, sort: { nextAttemptAt: 1 }, returnDocument: 'after' },
      );
      return claimed === null ? undefined : toDelivery(claimed);
    }),

  settle: (id, outcome) =>
    call(async () => {
      const isPending = outcome.state === 'pending';
      const { state, nextAttemptAt, lastAttemptAt, lastOutcome } = outcome;
      const kept = isPending ? {} : { expiresAt: new Date(settledUntil(lastAttemptAt)) };
      await collection.updateOne(
        { _id: `${tenant}|${id}`, tenant, state: { $ne: 'delivered' } },
        { $set: { state, nextAttemptAt, lastAttemptAt, lastOutcome, ...kept } },
        writing,
      );
    }),

  list: ({ beforeId, limit }) =>
    call(async () => {
      const range = rangeOf(tenant);
      const _id = beforeId === undefined ? range : { $gte: range.$gte, $lt: `${tenant}|${beforeId}` };
      const options = { ...reading, sort: { _id: -1 }, limit, batchSize: limit } as const;
      const filter = { _id, tenant, expiresAt: { $gt: new Date(clock.now()) } };
      return (await collection.find(filter, options).toArray()).map(toDelivery);
    }),
});

export const tenantsWithDueDeliveries = (
  collection: mongo.Collection<DeliveryDocument>,
  nowMs: number,
): Promise<readonly string[]> =>
  call(() => {
    const due = {
      state: 'pending' as const,
      nextAttemptAt: { $lte: nowMs },
      expiresAt: { $gt: new Date(nowMs) },
    };
    return collection.distinct('tenant', due, reading);
  });
