import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { mongoStore, mongoUrl, sqliteStore, type TestStore } from './stores.ts';
import {
  issuerOf,
  publicUrlOf,
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from './test-server.ts';

interface ReservedPort {
  readonly port: number;
  release(): Promise<void>;
}

/** Nobody else gets it, and the process may end without having released it. */
const reservePort = async (): Promise<ReservedPort> => {
  const keeper = createServer().listen(0, '127.0.0.1').unref();
  await once(keeper, 'listening');
  const { port } = keeper.address() as AddressInfo; // it listens on TCP
  return {
    port,
    release: () => new Promise((resolve) => void keeper.close(() => resolve())),
  };
};

/** It starts before the first test that is not skipped. Its address is known before that, the rest is not there yet. */
const useServerAt = ({ port, release }: ReservedPort, options: TestServerOptions): TestServer => {
  let server: TestServer | undefined;
  beforeAll(async () => {
    await release();
    server = await startTestServer({ ...options, port });
  });
  afterAll(() => server?.close());
  const started = (): TestServer => {
    if (server === undefined) throw new Error('a test server starts before the first test, not earlier');
    return server;
  };
  const publicUrl = publicUrlOf(options, port);
  return {
    publicUrl,
    issuer: (tenant) => issuerOf(publicUrl, tenant),
    get storeUrl() {
      return started().storeUrl;
    },
    get storage() {
      return started().storage;
    },
    get instances() {
      return started().instances;
    },
    get tenantsDirectory() {
      return started().tenantsDirectory;
    },
    trips: () => started().trips(),
    tripDetails: () => started().tripDetails(),
    logLines: () => started().logLines(),
    users: (tenant) => started().users(tenant),
    putTenant: (id, content) => started().putTenant(id, content),
    removeTenant: (id) => started().removeTenant(id),
    close: () => started().close(),
  };
};

/** A server for all tests of a file. */
export const useServer = async (options: TestServerOptions): Promise<TestServer> =>
  useServerAt(await reservePort(), options);

/** The same tests with a server on each engine. Without a mongod its half is a named skip. */
export const withEachStore = async (
  options: Omit<TestServerOptions, 'store'>,
  define: (server: TestServer, store: TestStore) => void,
): Promise<void> => {
  for (const store of [sqliteStore, mongoStore]) {
    if (store === mongoStore && mongoUrl() === undefined) {
      describe.skip('on mongodb', () => it('needs a mongod', () => {}));
      continue;
    }
    const reserved = await reservePort();
    describe(`on ${store.name}`, () => define(useServerAt(reserved, { ...options, store }), store));
  }
};
