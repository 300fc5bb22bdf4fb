import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';

/** An empty store: its URL for `openStorage` or for the settings of a server. */
export interface OpenedStore {
  readonly url: string;
  cleanup(): Promise<void>;
}

export interface TestStore {
  readonly name: 'sqlite' | 'mongodb';
  open(): Promise<OpenedStore>;
}

/** Set by global-setup.mjs, unless there is no mongod. */
export const mongoUrl = (): string | undefined => process.env.DRAWBRIDGE_TEST_MONGODB_URL;

export const sqliteStore: TestStore = {
  name: 'sqlite',
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'drawbridge-store-'));
    return { url: `file:${folder}`, cleanup: () => rm(folder, { recursive: true, force: true }) };
  },
};

/** A database of its own, so that test files do not meet. */
export const mongoStore: TestStore = {
  name: 'mongodb',
  open: async () => {
    const server = mongoUrl();
    if (server === undefined) throw new Error('There is no mongod');
    const name = `drawbridge-${randomBytes(6).toString('hex')}`;
    const url = server.replace(/\/(?=\?|$)/, `/${name}`);
    const cleanup = async (): Promise<void> => {
      // a third of a second, and most files run on SQLite alone
      const { default: mongoose } = await import('mongoose');
      const connection = await mongoose.createConnection(url).asPromise();
      await connection.dropDatabase();
      await connection.close();
    };
    return { url, cleanup };
  },
};

/** The same tests on both engines. Without a mongod its half is a named skip. */
export const eachStore = (define: (store: TestStore) => void): void => {
  describe('on sqlite', () => define(sqliteStore));
  if (mongoUrl() === undefined) describe.skip('on mongodb (mongod is missing)', () => define(mongoStore));
  else describe('on mongodb', () => define(mongoStore));
};

/** What no engine can change, among tests on both: on the embedded one alone. */
export const describeOnce = (store: TestStore, name: string, define: () => void): void => {
  if (store === sqliteStore) describe(name, define);
};
