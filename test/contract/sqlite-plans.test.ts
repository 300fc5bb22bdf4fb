import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { openStorage } from '../../src/storage/open-storage.ts';
import { accountSql } from '../../src/storage/sqlite/account-rows.ts';
import { apiKeySql } from '../../src/storage/sqlite/api-keys.ts';
import { artifactSql } from '../../src/storage/sqlite/artifact-sql.ts';
import { auditChainSql } from '../../src/storage/sqlite/audit-chain.ts';
import { auditStreamSql } from '../../src/storage/sqlite/audit-streams.ts';
import { databaseFile } from '../../src/storage/sqlite/connection.ts';
import { deliverySql } from '../../src/storage/sqlite/deliveries.ts';
import { deviceSql } from '../../src/storage/sqlite/devices.ts';
import { type Database, loadDriver } from '../../src/storage/sqlite/driver.ts';
import { eventSql } from '../../src/storage/sqlite/event-log.ts';
import { mailSql } from '../../src/storage/sqlite/mails.ts';
import { pictureSql } from '../../src/storage/sqlite/pictures.ts';
import { recordSql } from '../../src/storage/sqlite/records.ts';
import { type OpenedStore, sqliteStore } from '../support/stores.ts';

describe('SQLite', () => {
  let store: OpenedStore;
  let database: Database;

  beforeAll(async () => {
    store = await sqliteStore.open();
    const clock = { now: () => 0 };
    await (await openStorage({ url: store.url, clock, log: pino({ enabled: false }) })).close();
    const openDatabase = await loadDriver();
    database = openDatabase(databaseFile(store.url.slice('file:'.length)));
  });

  afterAll(async () => {
    database.close();
    await store.cleanup();
  });

  const planOf = (sql: string): readonly string[] =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => (row as { detail: string }).detail);

  /** The tenant and the kind alone leave too many: an id, a user code or a grant has to be looked up as well. */
  const isNarrow = (step: string): boolean =>
    !/SEARCH artifacts /.test(step) || /\b(id|user_code|grant_id|session_uid|account_id)=\?/.test(step);

  /** Reading through the list of phases that the caller gave, or through what was found so far, is no scan of a table. */
  const scansOf = (sql: string): readonly string[] =>
    planOf(sql).filter(
      (step) => /SCAN|TEMP B-TREE/.test(step) && !/json_each|CONSTANT ROW|SCAN found/.test(step),
    );

  it.each(
    [
      artifactSql,
      accountSql,
      recordSql,
      auditChainSql,
      auditStreamSql,
      eventSql,
      deliverySql,
      mailSql,
      deviceSql,
      pictureSql,
      apiKeySql,
    ].flatMap((texts) => Object.entries<string>(texts)),
  )('reads no table from end to end: %s', (_, sql) => {
    expect(scansOf(sql)).toEqual([]);
    expect(planOf(sql).filter((step) => !isNarrow(step))).toEqual([]);
  });

  it.each(Object.entries<string>(artifactSql).filter(([name]) => name.startsWith('signInsBy')))(
    'goes on in the index where a page of sign-ins ended: %s',
    (_, sql) => {
      expect(planOf(sql)).toEqual([
        expect.stringMatching(/\(tenant=\? AND account_id=\? AND .*\(signed_in_at,\w+\)<\(\?,\?\)\)$/),
      ]);
    },
  );

  it('sees a scan when there is one', () => {
    expect(scansOf('SELECT 1 FROM artifacts WHERE payload = ?')).not.toEqual([]);
  });
});
