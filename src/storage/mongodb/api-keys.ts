import type { ApiKeyRecord, ApiKeyRecords } from '../storage-api-keys.ts';
import { toAccount } from './account-documents.ts';
import { type AccountDocument, type ApiKeyDocument, rangeOf } from './documents.ts';
import { isDuplicate } from './errors.ts';
import { call, reading, writing } from './limits.ts';
import type { Collections } from './models.ts';

export const toApiKeyDocument = (tenant: string, { isOnly, ...key }: ApiKeyRecord): ApiKeyDocument => ({
  ...key,
  _id: `${tenant}|${key.id}`,
  tenant,
  owner: `${tenant}|${key.sub}`,
  publicIds: key.secrets.map(({ publicId }) => publicId),
  ...(isOnly === true ? { onlyOf: key.sub } : {}),
});

export const toApiKeyRecord = ({
  _id,
  tenant,
  owner,
  publicIds,
  onlyOf,
  ...key
}: ApiKeyDocument): ApiKeyRecord => ({ ...key, ...(onlyOf === undefined ? {} : { isOnly: true }) });

type WithOwner = ApiKeyDocument & { readonly owners: readonly AccountDocument[] };

export const createApiKeys = ({ apiKeys }: Pick<Collections, 'apiKeys'>, tenant: string): ApiKeyRecords => {
  const one = (id: string) => ({ _id: `${tenant}|${id}`, tenant });
  const unlessTaken = async (write: () => Promise<boolean>): Promise<boolean> => {
    try {
      return await write();
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  };

  return {
    insert: (key) =>
      call(() =>
        unlessTaken(async () => {
          await apiKeys.insertOne(toApiKeyDocument(tenant, key), writing);
          return true;
        }),
      ),

    find: (id) =>
      call(async () => {
        const found = await apiKeys.findOne(one(id), reading);
        return found === null ? undefined : toApiKeyRecord(found);
      }),

    findByPublicId: (publicId) =>
      call(async () => {
        const join = { from: 'accounts', localField: 'owner', foreignField: '_id', as: 'owners' };
        const [found] = await apiKeys
          .aggregate<WithOwner>([{ $match: { tenant, publicIds: publicId } }, { $lookup: join }], reading)
          .toArray();
        if (found === undefined) return undefined;
        const { owners, ...key } = found;
        const [owner] = owners;
        return { key: toApiKeyRecord(key), ...(owner === undefined ? {} : { owner: toAccount(owner) }) };
      }),

    list: ({ sub, afterId = '', limit }) =>
      call(async () => {
        const filter =
          sub === undefined
            ? { _id: { ...rangeOf(tenant), $gt: `${tenant}|${afterId}` }, tenant }
            : { tenant, sub, id: { $gt: afterId } };
        const sort = sub === undefined ? ({ _id: 1 } as const) : ({ id: 1 } as const);
        const options = { ...reading, sort, limit, batchSize: limit };
        return (await apiKeys.find(filter, options).toArray()).map(toApiKeyRecord);
      }),

    expiring: ({ beforeMs, after, limit }) =>
      call(async () => {
        const from =
          after === undefined
            ? { expiresAt: { $lt: beforeMs } }
            : {
                expiresAt: { $gte: after.expiresAt, $lt: beforeMs },
                $or: [{ expiresAt: { $gt: after.expiresAt } }, { id: { $gt: after.id } }],
              };
        const options = { ...reading, sort: { expiresAt: 1, id: 1 }, limit, batchSize: limit } as const;
        return (await apiKeys.find({ tenant, ...from }, options).toArray()).map(toApiKeyRecord);
      }),

    replace: (key) =>
      call(() =>
        unlessTaken(async () => {
          const { lastUsedAt, lastUsedFrom, _id, ...fields } = toApiKeyDocument(tenant, key);
          const optional = [
            'onlyOf',
            'note',
            'roles',
            'scopes',
            'services',
            'resources',
            'networks',
          ] as const;
          const absent = [...optional, 'expiresAt', 'noticeAt'].filter((name) => !(name in fields));
          const { matchedCount } = await apiKeys.updateOne(
            { ...one(key.id), version: key.version - 1 },
            { $set: fields, $unset: Object.fromEntries(absent.map((name) => [name, ''])) },
            writing,
          );
          return matchedCount === 1;
        }),
      ),

    dueForNotice: ({ nowMs, limit }) =>
      call(async () => {
        const options = { ...reading, sort: { noticeAt: 1 }, limit, batchSize: limit } as const;
        const due = { noticeAt: { $lte: nowMs }, tenant };
        return (await apiKeys.find(due, options).toArray()).map(toApiKeyRecord);
      }),

    noticed: (id, noticeAt) =>
      call(async () => {
        const { matchedCount } = await apiKeys.updateOne(
          { ...one(id), noticeAt },
          { $unset: { noticeAt: '' } },
          writing,
        );
        return matchedCount === 1;
      }),

    used: (id, { nowMs, address, minimumGapMs }) =>
      call(async () => {
        const due = {
          $or: [{ lastUsedAt: { $exists: false } }, { lastUsedAt: { $lte: nowMs - minimumGapMs } }],
        };
        await apiKeys.updateOne(
          { ...one(id), ...due },
          { $set: { lastUsedAt: nowMs, lastUsedFrom: address } },
          writing,
        );
      }),

    remove: (id) =>
      call(async () => {
        const removed = await apiKeys.findOneAndDelete(one(id), writing);
        return removed === null ? undefined : toApiKeyRecord(removed);
      }),
  };
};

export const tenantsWithDueKeyNotices = (
  { apiKeys }: Pick<Collections, 'apiKeys'>,
  nowMs: number,
): Promise<readonly string[]> =>
  // the condition on the tenant is for the index, which begins with it
  call(() => apiKeys.distinct('tenant', { tenant: { $gt: '' }, noticeAt: { $lte: nowMs } }, reading));
