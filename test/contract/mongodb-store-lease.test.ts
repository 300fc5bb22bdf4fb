import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { createLog } from '../../src/log.ts';
import type { StorageRole } from '../../src/storage/engine-options.ts';
import type { LeaseDocument } from '../../src/storage/mongodb/documents.ts';
import { leaseMs, takeStoreLease } from '../../src/storage/mongodb/store-lease.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { StoreInUse } from '../../src/storage/store-in-use.ts';
import { startChild } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { mongoStore, mongoUrl, type OpenedStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';

const define = (): void => {
  const log = createLog({ level: 'silent' });
  let store: OpenedStore;
  let connection: mongoose.Connection;
  let open: Storage[];

  beforeEach(async () => {
    store = await mongoStore.open();
    connection = await mongoose.createConnection(store.url).asPromise();
    open = [];
  });
  afterEach(async () => {
    await Promise.all(open.map((storage) => storage.close()));
    await connection.close();
    await store.cleanup();
  });

  const openAs = async (role: StorageRole): Promise<Storage> => {
    const storage = await openStorage({ url: store.url, clock: createTestClock(0), log, role });
    open.push(storage);
    return storage;
  };
  const isInUseFor = async (role: StorageRole): Promise<boolean> => {
    try {
      await (await openAs(role)).close();
      return false;
    } catch (error) {
      if (!(error instanceof StoreInUse)) throw error;
      return true;
    }
  };
  const leases = () => connection.collection<LeaseDocument>('leases');

  it('lets servers, workers and the command line share it', async () => {
    for (const role of ['server', 'server', 'worker', 'cli'] as const) await openAs(role);
    expect(await leases().countDocuments()).toBe(2);
  });

  it('gives it to a restore alone, once all servers have ended', async () => {
    const first = await openAs('server');
    const second = await openAs('server');
    await openAs('cli');
    expect(await isInUseFor('restore')).toBe(true);
    await first.close();
    expect(await isInUseFor('restore')).toBe(true);
    await second.close();
    const restore = await openAs('restore');
    expect(await isInUseFor('restore')).toBe(true);
    expect(await isInUseFor('server')).toBe(true);
    expect(await isInUseFor('worker')).toBe(false);
    await restore.close();
    expect(await isInUseFor('server')).toBe(false);
  });

  it('lets no more than one of a server and a restore begin at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const outcomes = await Promise.all(
        [openAs('restore'), openAs('server')].map((one) => one.catch(() => undefined)),
      );
      expect(outcomes.filter((storage) => storage !== undefined).length).toBeLessThanOrEqual(1);
      await Promise.all(outcomes.map((storage) => storage?.close()));
    }
  });

  it('is free again when the lease of a server that was killed has run out, and not before', async () => {
    const child = startChild('./storage-child.ts', ['serve', store.url, 'held']);
    await child.waitForLine((line) => line === 'serving');
    child.process.kill('SIGKILL');
    await child.exited;
    const [lease] = await leases().find().toArray();
    const { localTime } = await connection.getClient().db().command({ hello: 1 });
    const leftMs = (lease?.expiresAt.getTime() ?? 0) - (localTime as Date).getTime();
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(leaseMs);
    expect(await isInUseFor('restore')).toBe(true);
    // as if the time had passed; the server deletes such documents later
    await leases().updateOne({}, [{ $set: { expiresAt: '$$NOW' } }]);
    expect(await isInUseFor('restore')).toBe(false);
  });

  it('is renewed while the server runs', async () => {
    const short = await takeStoreLease({ leases: leases(), holder: 'server', log, lifeMs: 300 });
    const [first] = await leases().find().toArray();
    const isLater = async (): Promise<boolean> => {
      const [now] = await leases().find().toArray();
      return (now?.expiresAt.getTime() ?? 0) > (first?.expiresAt.getTime() ?? 0) + 600;
    };
    await eventually('the lease lasts longer than its first life', isLater, 10_000);
    expect(await isInUseFor('restore')).toBe(true);
    await short.release();
    expect(await leases().countDocuments()).toBe(0);
  });
};

if (mongoUrl() === undefined) describe.skip('the use of a MongoDB store (mongod is missing)', define);
else describe('the use of a MongoDB store', define);
