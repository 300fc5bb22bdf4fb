import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { type BarePerson, type BareStore, models, snakeCase } from './bare-store.ts';

/** One table for each model; every write is a transaction of its own and on disk when it returns. */
export const openSqliteStore = async (folder: string): Promise<BareStore> => {
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'bare.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, username TEXT UNIQUE, person TEXT)');
  const byId = database.prepare('SELECT person FROM people WHERE id = ?');
  const byName = database.prepare('SELECT person FROM people WHERE username = ?');
  const addPerson = database.prepare('INSERT OR REPLACE INTO people VALUES (?, ?, ?)');
  const toPerson = (row: unknown): BarePerson | undefined =>
    row === undefined ? undefined : JSON.parse((row as { person: string }).person); // its own column

  const adapterOf = (model: string): Adapter => {
    const table = snakeCase(model);
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (id TEXT PRIMARY KEY, payload TEXT NOT NULL, grantId TEXT, userCode TEXT,
        uid TEXT, expiresAt INTEGER, consumedAt INTEGER)`,
    );
    for (const column of ['grantId', 'userCode', 'uid', 'expiresAt']) {
      database.exec(
        `CREATE INDEX IF NOT EXISTS ${table}_${column} ON ${table} (${column}) WHERE ${column} IS NOT NULL`,
      );
    }
    const put = database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?, ?, ?, ?, NULL)`);
    const finders = Object.fromEntries(
      ['id', 'userCode', 'uid'].map((column) => [
        column,
        database.prepare(`SELECT payload, expiresAt, consumedAt FROM ${table} WHERE ${column} = ?`),
      ]),
    );
    const find = async (column: string, value: string): Promise<AdapterPayload | undefined> => {
      const row = finders[column]?.get(value) as
        | { payload: string; expiresAt: number | null; consumedAt: number | null }
        | undefined; // its own columns
      if (row === undefined || (row.expiresAt !== null && row.expiresAt <= Date.now())) return undefined;
      return { ...JSON.parse(row.payload), ...(row.consumedAt === null ? {} : { consumed: row.consumedAt }) };
    };
    const consume = database.prepare(`UPDATE ${table} SET consumedAt = ? WHERE id = ?`);
    const destroy = database.prepare(`DELETE FROM ${table} WHERE id = ?`);
    const revoke = database.prepare(`DELETE FROM ${table} WHERE grantId = ?`);
    return {
      upsert: async (id, payload, expiresIn) => {
        const { grantId = null, userCode = null, uid = null } = payload;
        const expiresAt = expiresIn === undefined ? null : Date.now() + expiresIn * 1000;
        put.run(id, JSON.stringify(payload), grantId, userCode, uid, expiresAt);
      },
      find: (id) => find('id', id),
      findByUserCode: (userCode) => find('userCode', userCode),
      findByUid: (uid) => find('uid', uid),
      consume: async (id) => {
        consume.run(Math.floor(Date.now() / 1000), id);
      },
      destroy: async (id) => {
        destroy.run(id);
      },
      revokeByGrantId: async (grantId) => {
        revoke.run(grantId);
      },
    };
  };
  const adapters = new Map<string, Adapter>(models.map((model) => [model, adapterOf(model)]));

  return {
    adapter: (model) => {
      const adapter = adapters.get(model);
      if (adapter === undefined) throw new Error(`there is no table for ${model}`);
      return adapter;
    },
    people: {
      add: async (person) => {
        addPerson.run(person.id, person.username, JSON.stringify(person));
      },
      findById: async (id) => toPerson(byId.get(id)),
      findByName: async (username) => toPerson(byName.get(username)),
    },
    close: async () => database.close(),
  };
};
