import type { mongo } from 'mongoose';
import { rangeOf } from './documents.ts';
import { call, reading, writing } from './limits.ts';
import type { CollectionName, Collections } from './models.ts';

const tenantCollections: readonly CollectionName[] = [
  'artifacts',
  'accounts',
  'keys',
  'counters',
  'usage',
  'audit',
  'auditLinks',
  'auditCheckpoints',
  'auditStreams',
  'deliveries',
  'mails',
  'devices',
  'pictures',
  'apiKeys',
];

const documentsPerStep = 500;

interface TenantDocument extends mongo.Document {
  readonly _id: string;
  readonly tenant: string;
}

/** The collections seen alike: all have a text `_id` that begins with the tenant. */
const collectionOf = (collections: Collections, name: CollectionName): mongo.Collection<TenantDocument> =>
  collections[name] as unknown as mongo.Collection<TenantDocument>;

/** Skips from one tenant to the next through the index of `_id` instead of reading all documents. */
const tenantsOf = async (collection: mongo.Collection<TenantDocument>): Promise<readonly string[]> => {
  const tenants: string[] = [];
  const options = { ...reading, sort: { _id: 1 }, projection: { tenant: 1 } } as const;
  let from = '';
  for (;;) {
    const next = await call(() => collection.findOne({ _id: { $gte: from } }, options));
    if (next === null) return tenants;
    tenants.push(next.tenant);
    from = rangeOf(next.tenant).$lt;
  }
};

export const listTenants = async (collections: Collections): Promise<readonly string[]> => {
  const found = await Promise.all(
    tenantCollections.map((name) => tenantsOf(collectionOf(collections, name))),
  );
  return [...new Set(found.flat())].sort();
};

const deleteAll = async (
  collection: mongo.Collection<TenantDocument>,
  filter: mongo.Filter<TenantDocument>,
): Promise<number> => {
  const options = {
    ...reading,
    projection: { _id: 1 },
    limit: documentsPerStep,
    batchSize: documentsPerStep,
  };
  let total = 0;
  for (;;) {
    const found = await call(() => collection.find(filter, options).toArray());
    if (found.length === 0) return total;
    const ids = found.map(({ _id }) => _id);
    const { deletedCount } = await call(() => collection.deleteMany({ _id: { $in: ids } }, writing));
    total += deletedCount;
  }
};

export const purgeTenant = async (collections: Collections, tenant: string): Promise<number> => {
  let total = 0;
  for (const name of tenantCollections) {
    total += await deleteAll(collectionOf(collections, name), { _id: rangeOf(tenant), tenant });
  }
  return total;
};

/** The fields that hold the sub, in the order of removal. No index has them all: this is rare, and runs in steps. */
const accountFields = [
  ['artifacts', 'account'],
  ['apiKeys', 'sub'],
  ['devices', 'sub'],
  ['pictures', 'sub'],
  ['mails', 'sub'],
  ['usage', 'sub'],
  ['accounts', 'sub'],
] as const;

export const purgeAccount = async (
  collections: Collections,
  tenant: string,
  sub: string,
): Promise<number> => {
  let total = 0;
  for (const [name, field] of accountFields) {
    const owner = name === 'artifacts' ? `${tenant}|${sub}` : sub;
    const filter = { _id: rangeOf(tenant), tenant, [field]: owner };
    total += await deleteAll(collectionOf(collections, name), filter);
  }
  return total;
};

export const dropEphemeral = async (collections: Collections): Promise<void> => {
  for (const name of ['artifacts', 'counters'] as const) {
    await deleteAll(collectionOf(collections, name), { _id: { $gte: '' } });
  }
};
