import { definedOnly } from '../defined-only.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { inPages } from './in-pages.ts';

const limit = 500;

/** All accounts of a tenant, by sub, a page at a time. */
export const eachAccount = (records: Pick<AccountRecords, 'list'>): AsyncIterable<AccountRecord> =>
  inPages(limit, (last?: AccountRecord) => records.list({ limit, ...definedOnly({ afterSub: last?.sub }) }));
