import type { mongo } from 'mongoose';
import { AppError } from '../../errors.ts';
import type { AccountRecord } from '../storage.ts';
import type { ApiKeyRecord } from '../storage-api-keys.ts';
import type { AuditCheckpoint, AuditLink } from '../storage-audit-chain.ts';
import type { DeviceRecord } from '../storage-devices.ts';
import type { PictureRecord } from '../storage-pictures.ts';
import type { AuditRecord, KeyRecord, StoredRecord } from '../storage-records.ts';
import { toAccount, toDocument } from './account-documents.ts';
import { toApiKeyDocument, toApiKeyRecord } from './api-keys.ts';
import { toAuditRecord, toCheckpoint, toCheckpointDocument, toLink, toLinkDocument } from './audit-chain.ts';
import { toDeviceDocument, toDeviceRecord } from './devices.ts';
import type {
  AccountDocument,
  ApiKeyDocument,
  AuditCheckpointDocument,
  AuditDocument,
  AuditLinkDocument,
  DeviceDocument,
  PictureDocument,
} from './documents.ts';
import { isDuplicate } from './errors.ts';
import { call, reading, writing } from './limits.ts';
import type { Collections } from './models.ts';
import { toPictureDocument, toPictureRecord } from './pictures.ts';
import { usageKey } from './records.ts';

const recordsPerStep = 200;

/** In pages by `_id`: each is a call of its own with its own time limit, however long the backup takes. */
async function* documentsOf<T extends { readonly _id: string }>(collection: mongo.Collection<T>) {
  const options = { ...reading, sort: { _id: 1 }, limit: recordsPerStep, batchSize: recordsPerStep } as const;
  let last = '';
  for (;;) {
    const filter = { _id: { $gt: last } } as mongo.Filter<T>; // every `_id` is a text, which T's own says as well
    const page = await call(() => collection.find(filter, options).toArray());
    for (const document of page) yield document;
    const end = page.at(-1);
    if (end === undefined) return;
    last = end._id;
  }
}

export async function* exportRecords(collections: Collections): AsyncIterable<StoredRecord> {
  for await (const { _id, value } of documentsOf(collections.installation)) {
    yield { collection: 'installation', tenant: '', key: _id, value };
  }
  for await (const { _id, tenant, ...value } of documentsOf(collections.keys)) {
    yield { collection: 'keys', tenant, key: value.slot, value };
  }
  for await (const document of documentsOf(collections.accounts)) {
    const value = toAccount(document as AccountDocument);
    yield { collection: 'accounts', tenant: document.tenant, key: value.sub, value };
  }
  for await (const { _id, tenant, ...value } of documentsOf(collections.usage)) {
    yield { collection: 'usage', tenant, key: JSON.stringify([value.clientId, value.sub]), value };
  }
  // before the records: a record that is written and linked meanwhile is then in the backup without its link, which is made anew
  for await (const document of documentsOf(collections.auditCheckpoints)) {
    const value = toCheckpoint(document as AuditCheckpointDocument);
    yield { collection: 'auditCheckpoints', tenant: document.tenant, key: String(value.seq), value };
  }
  for await (const document of documentsOf(collections.auditLinks)) {
    const value = toLink(document as AuditLinkDocument);
    yield { collection: 'auditLinks', tenant: document.tenant, key: String(value.seq), value };
  }
  for await (const document of documentsOf(collections.audit)) {
    const value = toAuditRecord(document as AuditDocument);
    yield { collection: 'audit', tenant: document.tenant, key: value.id, value };
  }
  for await (const document of documentsOf(collections.pictures)) {
    const value = toPictureRecord(document as PictureDocument);
    yield { collection: 'pictures', tenant: document.tenant, key: value.sub, value };
  }
  for await (const document of documentsOf(collections.devices)) {
    const value = toDeviceRecord(document as DeviceDocument);
    yield { collection: 'devices', tenant: document.tenant, key: value.id, value };
  }
  for await (const document of documentsOf(collections.apiKeys)) {
    const value = toApiKeyRecord(document as ApiKeyDocument);
    yield { collection: 'apiKeys', tenant: document.tenant, key: value.id, value };
  }
}

interface Replacement {
  readonly collection: StoredRecord['collection'];
  readonly _id: string;
  readonly document: object;
}

const toReplacement = ({ collection, tenant, key, value }: StoredRecord): Replacement => {
  if (collection === 'installation') return { collection, _id: key, document: { value } };
  if (collection === 'accounts') {
    const { _id, ...document } = toDocument(tenant, value as AccountRecord);
    return { collection, _id, document };
  }
  if (collection === 'devices') {
    const { _id, ...document } = toDeviceDocument(tenant, value as DeviceRecord);
    return { collection, _id, document };
  }
  if (collection === 'apiKeys') {
    const { _id, ...document } = toApiKeyDocument(tenant, value as ApiKeyRecord);
    return { collection, _id, document };
  }
  if (collection === 'pictures') {
    const { _id, ...document } = toPictureDocument(tenant, value as PictureRecord);
    return { collection, _id, document };
  }
  if (collection === 'auditLinks') {
    const { _id, ...document } = toLinkDocument(tenant, value as AuditLink);
    return { collection, _id, document };
  }
  if (collection === 'auditCheckpoints') {
    const { _id, ...document } = toCheckpointDocument(tenant, value as AuditCheckpoint);
    return { collection, _id, document };
  }
  if (collection === 'usage') {
    const use = value as { readonly clientId: string; readonly sub: string };
    return { collection, _id: usageKey(tenant, use), document: { ...use, tenant } };
  }
  return { collection, _id: `${tenant}|${key}`, document: { ...(value as KeyRecord | AuditRecord), tenant } };
};

const replaceAll = async (collections: Collections, replacements: readonly Replacement[]): Promise<void> => {
  for (const name of new Set(replacements.map(({ collection }) => collection))) {
    const group = replacements.filter((replacement) => replacement.collection === name);
    const collection = collections[name] as unknown as mongo.Collection<{ _id: string }>; // all have a text `_id`
    const operations = group.map(({ _id, document }) => ({
      replaceOne: { filter: { _id }, replacement: document, upsert: true },
    }));
    await call(() => collection.bulkWrite(operations, { ...writing, ordered: true }));
  }
};

/** @throws AppError('invalid_request') when a record contradicts a stored one, such as by a login that is taken */
export const importRecords = async (
  collections: Collections,
  records: AsyncIterable<StoredRecord>,
): Promise<number> => {
  let total = 0;
  let batch: Replacement[] = [];
  const flush = async (): Promise<void> => {
    try {
      await replaceAll(collections, batch);
    } catch (error) {
      const cause = (error as { cause?: unknown }).cause;
      if (!isDuplicate(cause)) throw error;
      throw new AppError(
        'invalid_request',
        'A record of the backup contradicts one that is stored; purge its tenant first',
        { cause },
      );
    }
    total += batch.length;
    batch = [];
  };
  for await (const record of records) {
    batch.push(toReplacement(record));
    if (batch.length === recordsPerStep) await flush();
  }
  if (batch.length > 0) await flush();
  return total;
};
