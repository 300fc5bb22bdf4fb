import type { mongo } from 'mongoose';
import type {
  AuditRecords,
  CounterState,
  Counters,
  KeyRecord,
  KeyRecords,
  PasswordGrantReport,
  PasswordGrantUsage,
} from '../storage-records.ts';
import { toAuditRecord } from './audit-chain.ts';
import { type AuditDocument, type KeyDocument, rangeOf } from './documents.ts';
import { isDuplicateId } from './errors.ts';
import { call, reading, retryUpsert, writing } from './limits.ts';
import type { Collections } from './models.ts';

const toKey = ({ _id, tenant, ...key }: KeyDocument): KeyRecord => key;

export const createKeys = ({ keys }: Collections, tenant: string): KeyRecords => ({
  list: () =>
    call(async () => {
      const found = await keys
        .find({ _id: rangeOf(tenant), tenant }, { ...reading, sort: { _id: 1 } })
        .toArray();
      return found.map(toKey);
    }),

  putIfAbsent: (key) =>
    call(async () => {
      const stored = await retryUpsert(() =>
        keys.findOneAndUpdate(
          { _id: `${tenant}|${key.slot}`, tenant },
          { $setOnInsert: key },
          { ...writing, upsert: true, returnDocument: 'after' },
        ),
      );
      return stored === null ? key : toKey(stored);
    }),
});

export const createCounters = ({ counters }: Collections, tenant: string): Counters => ({
  add: (key, { points, windowMs, nowMs }) =>
    call(async () => {
      const isOpen = { $gt: ['$endsAt', nowMs] };
      const restart = {
        $set: {
          count: { $cond: [isOpen, { $add: ['$count', points] }, points] },
          endsAt: { $cond: [isOpen, '$endsAt', nowMs + windowMs] },
          expiresAt: { $cond: [isOpen, '$expiresAt', new Date(nowMs + windowMs)] },
        },
      };
      const state = await retryUpsert(() =>
        counters.findOneAndUpdate({ _id: `${tenant}|${key}`, tenant }, [restart], {
          ...writing,
          upsert: true,
          returnDocument: 'after',
          projection: { _id: 0, count: 1, endsAt: 1 },
        }),
      );
      return state as CounterState; // after an upsert there is one
    }),

  find: (key, nowMs) =>
    call(async () => {
      const filter = { _id: `${tenant}|${key}`, tenant, endsAt: { $gt: nowMs } };
      const found = await counters.findOne(filter, {
        ...reading,
        projection: { _id: 0, count: 1, endsAt: 1 },
      });
      return found === null ? undefined : { count: found.count, endsAt: found.endsAt };
    }),

  reset: (key) =>
    call(async () => {
      await counters.deleteOne({ _id: `${tenant}|${key}`, tenant }, writing);
    }),
});

export const usageKey = (tenant: string, use: { readonly clientId: string; readonly sub: string }): string =>
  `${tenant}|${JSON.stringify([use.clientId, use.sub])}`;

export const createUsage = ({ usage }: Collections, tenant: string): PasswordGrantUsage => ({
  record: ({ clientId, sub, nowMs }) =>
    call(async () => {
      await retryUpsert(() =>
        usage.updateOne(
          { _id: usageKey(tenant, { clientId, sub }), tenant },
          { $setOnInsert: { clientId, sub }, $inc: { count: 1 }, $max: { lastUsedAt: nowMs } },
          { ...writing, upsert: true },
        ),
      );
    }),

  report: () =>
    call(() =>
      usage
        .aggregate<PasswordGrantReport>(
          [
            { $match: { _id: rangeOf(tenant), tenant } },
            {
              $group: {
                _id: '$clientId',
                count: { $sum: '$count' },
                lastUsedAt: { $max: '$lastUsedAt' },
                distinctUsers: { $sum: 1 },
              },
            },
            { $sort: { _id: 1 } },
            { $project: { _id: 0, clientId: '$_id', count: 1, lastUsedAt: 1, distinctUsers: 1 } },
          ],
          reading,
        )
        .toArray(),
    ),
});

const newestFirst = { at: -1, _id: -1 } as const;

interface PageBehind {
  readonly beforeId: string;
  readonly limit: number;
}

/** The page after a record, found and read in one command. */
const pageBehind = (tenant: string, whose: mongo.Filter<AuditDocument>, { beforeId, limit }: PageBehind) => [
  { $match: { _id: `${tenant}|${beforeId}`, tenant } },
  {
    $lookup: {
      from: 'audit',
      let: { at: '$at', id: '$_id' },
      pipeline: [
        { $match: { tenant, ...whose, $expr: { $lte: ['$at', '$$at'] } } },
        { $match: { $expr: { $or: [{ $lt: ['$at', '$$at'] }, { $lt: ['$_id', '$$id'] }] } } },
        { $sort: newestFirst },
        { $limit: limit },
      ],
      as: 'page',
    },
  },
  { $unwind: '$page' },
  { $replaceRoot: { newRoot: '$page' } },
];

export const createAudit = ({ audit }: Collections, tenant: string): AuditRecords => ({
  append: (record) =>
    call(async () => {
      try {
        await audit.insertOne({ ...record, _id: `${tenant}|${record.id}`, tenant }, writing);
      } catch (error) {
        if (!isDuplicateId(error)) throw error;
      }
    }),

  list: ({ sub, beforeId, limit }) =>
    call(async () => {
      const whose = sub === undefined ? {} : { $or: [{ actor: sub }, { object: sub }] };
      const options = { ...reading, batchSize: limit };
      const documents =
        beforeId === undefined
          ? await audit.find({ tenant, ...whose }, { ...options, sort: newestFirst, limit }).toArray()
          : await audit
              .aggregate<AuditDocument>(pageBehind(tenant, whose, { beforeId, limit }), options)
              .toArray();
      return documents.map(toAuditRecord);
    }),
});
