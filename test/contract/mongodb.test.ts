import { afterAll, beforeAll, describe } from '@jest/globals';
import mongoose from 'mongoose';
import { pino } from 'pino';
import type { Trip } from '../../src/storage/engine-options.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
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

  afterAll(async () => {
    await connection.close();
    await store.cleanup();
  });

  /** Making a database with its indexes is slow, so that all tests share one and empty it. */
  const empty = async (): Promise<void> => {
    const collections = (await connection.db?.collections()) ?? [];
    await Promise.all(collections.map((collection) => collection.deleteMany({})));
  };

  storageContract('mongodb', async () => {
    const clock = createTestClock(startMs);
    const trips: Trip[] = [];
    const options = { url: store.url, clock, log: pino({ enabled: false }) };
    const first = await openStorage({ ...options, onTrip: (trip) => trips.push(trip) });
    const second = await openStorage(options);
    return {
      first,
      second,
      clock,
      trips,
      cleanup: async () => {
        await Promise.all([first.close(), second.close()]);
        await empty();
      },
    };
  });
};

if (mongoUrl() === undefined) describe.skip('on mongodb (mongod is missing)', define);
else define();
