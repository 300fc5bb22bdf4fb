import type { Clock } from '../../clock.ts';
import type { DeviceRecord, DeviceRecords } from '../storage-devices.ts';
import { type DeviceDocument, rangeOf } from './documents.ts';
import { call, reading, retryUpsert, writing } from './limits.ts';
import type { Collections } from './models.ts';

export const toDeviceDocument = (tenant: string, device: DeviceRecord): DeviceDocument => ({
  ...device,
  _id: `${tenant}|${device.id}`,
  tenant,
  expiresAt: new Date(device.expiresAt),
});

export const toDeviceRecord = ({ _id, tenant, expiresAt, ...device }: DeviceDocument): DeviceRecord => ({
  ...device,
  expiresAt: expiresAt.getTime(),
});

export const createDevices = (
  { devices }: Pick<Collections, 'devices'>,
  clock: Clock,
  tenant: string,
): DeviceRecords => {
  const alive = () => ({ expiresAt: { $gt: new Date(clock.now()) } });
  const one = (id: string) => ({ _id: `${tenant}|${id}`, tenant, ...alive() });

  return {
    signIn: (device) =>
      call(async () => {
        const now = new Date(clock.now());
        // names come from outside and may begin with `$`
        const fresh = { $literal: toDeviceDocument(tenant, device) };
        const kept = { $mergeObjects: [fresh, { createdAt: '$createdAt', name: '$name' }] };
        const replace = { $replaceWith: { $cond: [{ $gt: ['$expiresAt', now] }, kept, fresh] } };
        const before = await retryUpsert(() =>
          devices.findOneAndUpdate({ _id: `${tenant}|${device.id}`, tenant }, [replace], {
            ...writing,
            upsert: true,
            returnDocument: 'before',
          }),
        );
        return before === null || before.expiresAt <= now ? undefined : toDeviceRecord(before);
      }),

    find: (id) =>
      call(async () => {
        const found = await devices.findOne(one(id), reading);
        return found === null ? undefined : toDeviceRecord(found);
      }),

    list: ({ sub, afterId = '', limit }) =>
      call(async () => {
        const filter =
          sub === undefined
            ? { _id: { ...rangeOf(tenant), $gt: `${tenant}|${afterId}` }, tenant, ...alive() }
            : { tenant, sub, id: { $gt: afterId }, ...alive() };
        const sort = sub === undefined ? ({ _id: 1 } as const) : ({ id: 1 } as const);
        const options = { ...reading, sort, limit, batchSize: limit };
        return (await devices.find(filter, options).toArray()).map(toDeviceRecord);
      }),

    rename: (id, name) =>
      call(async () => (await devices.updateOne(one(id), { $set: { name } }, writing)).matchedCount > 0),

    seen: (id, { nowMs, minimumGapMs }) =>
      call(async () => {
        const due = { ...one(id), lastSeenAt: { $lte: nowMs - minimumGapMs } };
        await devices.updateOne(due, { $set: { lastSeenAt: nowMs } }, writing);
      }),

    remove: (id) =>
      call(async () => {
        const removed = await devices.findOneAndDelete(one(id), writing);
        return removed === null ? undefined : toDeviceRecord(removed);
      }),
  };
};
