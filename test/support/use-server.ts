import { afterAll, describe, it } from '@jest/globals';
import { mongoStore, mongoUrl, sqliteStore, type TestStore } from './stores.ts';
import { startTestServer, type TestServer, type TestServerOptions } from './test-server.ts';

/** A server for all tests of a file. */
export const useServer = async (options: TestServerOptions): Promise<TestServer> => {
  const server = await startTestServer(options);
  afterAll(() => server.close());
  return server;
};

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
    const server = await startTestServer({ ...options, store });
    describe(`on ${store.name}`, () => {
      afterAll(() => server.close());
      define(server, store);
    });
  }
};
