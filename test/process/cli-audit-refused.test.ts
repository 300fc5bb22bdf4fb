import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { databaseFile } from '../../src/storage/sqlite/connection.ts';
import { loadDriver } from '../../src/storage/sqlite/driver.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, serviceTenant } from './installation.ts';

let home: Installation;
let key: { readonly id: string };

const password = 'lantern orbit mosaic';
const imported = JSON.stringify({ username: 'frank', email: 'frank@acme.example' });

beforeAll(async () => {
  await ensureBuilt();
  home = await createInstallation();
  home.putTenant('acme', serviceTenant());
  for (const name of ['one', 'two']) await home.run(['user', 'add', 'acme', name, '--system']);
  await home.run(['user', 'disable', 'acme', 'two']);
  await home.run(['user', 'add', 'acme', 'carol', '--password-stdin'], { input: password });
  key = JSON.parse((await home.run(['api-key', 'create', 'acme', 'one', '--json'])).stdout);
}, 120_000);
afterAll(() => home.remove());

/** All that the commands below could change. */
const state = async () => {
  const database = (await loadDriver())(databaseFile(join(home.folder, 'data')));
  const rows = (table: string) =>
    JSON.stringify(database.prepare(`SELECT * FROM ${table} WHERE tenant = 'acme'`).all());
  const all = ['accounts', 'api_keys', 'api_key_secrets', 'artifacts', 'audit', 'mails'].map(rows);
  database.close();
  return all;
};

const execute = async (sql: string): Promise<void> => {
  const database = (await loadDriver())(databaseFile(join(home.folder, 'data')));
  database.exec(sql);
  database.close();
};

it('no command changes anything while its audit record cannot be written', async () => {
  await execute("CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END");
  const before = await state();
  const commands: readonly (readonly [readonly string[], string?])[] = [
    [['user', 'add', 'acme', 'eve', '--system']],
    [['user', 'passwd', 'acme', 'carol', '--password-stdin'], 'another orbit mosaic'],
    [['user', 'disable', 'acme', 'one']],
    [['user', 'enable', 'acme', 'two']],
    [['user', 'edit', 'acme', 'one', '--name', 'Somebody Else']],
    [['user', 'delete', 'acme', 'one', '--yes']],
    [['user', 'import', 'acme', '-'], imported],
    [['user', 'sessions', 'acme', 'carol', '--end-all']],
    [['api-key', 'create', 'acme', 'one']],
    [['api-key', 'rotate', 'acme', key.id]],
    [['api-key', 'reassign', 'acme', key.id]],
    [['api-key', 'revoke', 'acme', key.id]],
  ];
  for (const [args, input] of commands) {
    const { code, stderr } = await home.run(args, input === undefined ? {} : { input });
    expect([args, code, stderr]).toEqual([args, 1, expect.stringContaining('cannot be recorded')]);
    expect(await state()).toEqual(before);
  }
  await execute('DROP TRIGGER no_audit');
  for (const [args, input] of commands.slice(0, 4))
    expect(await home.run(args, input === undefined ? {} : { input })).toMatchObject({ code: 0 });
}, 120_000);
