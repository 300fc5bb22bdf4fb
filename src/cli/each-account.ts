import { definedOnly } from '../defined-only.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';

const accountsPerPage = 500;

/** All accounts of a tenant, by sub, a page at a time. */
export async function* eachAccount(records: Pick<AccountRecords, 'list'>): AsyncIterable<AccountRecord> {
  let afterSub: string | undefined;
  for (;;) {
    const page = await records.list({
      limit: accountsPerPage,
      ...definedOnly({ afterSub }),
    });
    yield* page;
    afterSub = page.at(-1)?.sub;
    if (page.length < accountsPerPage) return;
  }
}
