import { afterAll, beforeAll, describe } from '@jest/globals';
import mongoose from 'mongoose';
import { pino } from 'pino';
import { definedOnly } from '../../src/defined-only.ts';
import type { Trip } from '../../src/storage/engine-options.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { mongoStore, mongoUrl, type OpenedStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { storageContract } from './storage.contract.ts';
import { startMs } from './storage-samples.ts';

const define = (): void => {
  let store: OpenedStore;
  let connection: mongoose.Connection;

  beforeAll(async () => {
    store = await mongoStore.open();
    connection = await mongoose.createConnection(store.url).asPromise();
  });

  /** Making a database with its indexes is slow, and so is connecting: all tests share both and empty the database. */
  const empty = async (): Promise<void> => {
    const collections = (await connection.db?.collections()) ?? [];
    await Promise.all(collections.map((collection) => collection.deleteMany({})));
  };

  const clock = createTestClock(startMs);
  const trips: Trip[] = [];
  let shared: { readonly first: Storage; readonly second: Storage; isWhole: boolean } | undefined;

  const closeShared = async (): Promise<void> => {
    await Promise.all([shared?.first.close(), shared?.second.close()]);
    shared = undefined;
  };

  /** A test that closes one of them leaves none to the next test. */
  const openShared = async (onTrip?: (trip: Trip) => void): Promise<Storage> => {
    const options = { url: store.url, clock, log: pino({ enabled: false }), ...definedOnly({ onTrip }) };
    const storage = await openStorage(options);
    const close = (): Promise<void> => {
      if (shared !== undefined) shared.isWhole = false;
      return storage.close();
    };
    return { ...storage, close };
  };

  afterAll(async () => {
    await closeShared();
    await connection.close();
    await store.cleanup();
  });

  storageContract('mongodb', async () => {
    if (shared?.isWhole === false) await closeShared();
    shared ??= {
      first: await openShared((trip) => trips.push(trip)),
      second: await openShared(),
      isWhole: true,
    };
    clock.advance(startMs - clock.now());
    trips.length = 0;
    return { first: shared.first, second: shared.second, clock, trips, cleanup: empty };
  });
};

if (mongoUrl() === undefined) describe.skip('on mongodb (mongod is missing)', define);
else define();
