import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { openStorage } from '../../src/storage/open-storage.ts';
import { databaseFile } from '../../src/storage/sqlite/connection.ts';
import { type Database, loadDriver } from '../../src/storage/sqlite/driver.ts';
import { schemaSteps } from '../../src/storage/sqlite/schema.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { eventually } from '../support/eventually.ts';
import { type OpenedStore, sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { account, event, session, startMs, startSeconds } from './storage-samples.ts';

describe('the file of SQLite', () => {
  let store: OpenedStore;
  let file: Database;
  const logged: string[] = [];
  const clock = createTestClock(startMs);

  beforeEach(async () => {
    store = await sqliteStore.open();
    file = (await loadDriver())(databaseFile(store.url.slice('file:'.length)));
    logged.splice(0);
  });

  afterEach(async () => {
    file.close();
    await store.cleanup();
  });

  const open = (): Promise<Storage> =>
    openStorage({ url: store.url, clock, log: pino({}, { write: (line) => logged.push(line) }) });

  const listen = async (storage: Storage): Promise<readonly string[]> => {
    const heard: string[] = [];
    await storage.watchEvents({ event: ({ id }) => heard.push(id), lost: () => heard.push('lost') });
    return heard;
  };

  const insertEvent = (id: string): string =>
    `INSERT INTO events (tenant, published_at, value) VALUES ('acme', 0, '{"id":"${id}"}');`;

  it('of the release before is brought on, with all that is in it', async () => {
    file.exec(schemaSteps[0] ?? '');
    file.exec('PRAGMA user_version = 1');
    file
      .prepare('INSERT INTO accounts (tenant, sub, value) VALUES (?, ?, ?)')
      .run('acme', 'alice', JSON.stringify(account()));
    file.exec("INSERT INTO logins (tenant, login, sub) VALUES ('acme', 'alice', 'alice')");
    file
      .prepare(
        `INSERT INTO artifacts (tenant, kind, id, payload, expires_at, account_id, authorizations)
          VALUES ('acme', 'Session', 'session-1', ?, ?, 'alice', '{}')`,
      )
      .run(session().payload, startSeconds + 60);
    const storage = await open();
    const { accounts, artifacts, events } = storage.forTenant('acme');
    expect(await accounts.findByLogin('alice')).toEqual(account());
    expect(await artifacts.sessionsOf('alice')).toEqual([session()]);
    expect(await accounts.update('alice', { identityKeys: ['key'] }, 1)).toBe(true);
    expect(await accounts.findByIdentity('key')).toMatchObject({ sub: 'alice', version: 2 });
    const heard = await listen(storage);
    await events.publish(event());
    expect(heard).toEqual(['alice']);
    await storage.close();
    const again = await open();
    expect(await again.forTenant('acme').accounts.findByIdentity('key')).toMatchObject({ sub: 'alice' });
    await again.close();
  });

  it('of a later release is refused', async () => {
    file.exec(`PRAGMA user_version = ${schemaSteps.length + 1}`);
    await expect(open()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('that has lost events before they were read makes watchers forget all', async () => {
    const storage = await open();
    const heard = await listen(storage);
    file.exec(`BEGIN; ${insertEvent('swept')} DELETE FROM events; COMMIT`);
    await eventually('it is noticed', () => heard.length > 0, 1000);
    file.exec(`BEGIN; ${insertEvent('swept')} DELETE FROM events; ${insertEvent('next')} COMMIT`);
    await eventually('the next is heard', () => heard.length > 2, 1000);
    expect(heard).toEqual(['lost', 'lost', 'next']);
    await storage.close();
  });

  it('keeps events for ten minutes', async () => {
    const storage = await open();
    const count = () => (file.prepare('SELECT count(*) AS n FROM events').get() as { n: number }).n;
    await storage.forTenant('acme').events.publish(event());
    clock.advance(599_999);
    await storage.sweep();
    expect(count()).toBe(1);
    clock.advance(1);
    await storage.sweep();
    expect(count()).toBe(0);
    const heard = await listen(storage);
    await storage.forTenant('acme').events.publish(event({ id: 'e2' }));
    expect(heard).toEqual(['e2']);
    await storage.close();
  });

  it('that cannot be read for a while is said once, and nothing is missed', async () => {
    const storage = await open();
    const heard = await listen(storage);
    file.exec('ALTER TABLE events RENAME TO away');
    await eventually('it is logged', () => logged.length > 0, 1000);
    file.exec(insertEvent('e1').replace('INTO events', 'INTO away'));
    file.exec('ALTER TABLE away RENAME TO events');
    await eventually('it is heard', () => heard.length > 0, 1000);
    expect(heard).toEqual(['e1']);
    expect(logged.map((line) => JSON.parse(line).msg)).toEqual([
      'revocation events cannot be read; trying again',
      'revocation events are read again',
    ]);
    await storage.close();
  });
});
