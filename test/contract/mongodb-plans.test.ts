import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { pino } from 'pino';
import type { Trip } from '../../src/storage/engine-options.ts';
import { eventsSince } from '../../src/storage/mongodb/event-polls.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { type Command, collect, explainable, explanationsOf } from '../support/mongodb-explain.ts';
import { mongoStore, mongoUrl, type OpenedStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { fill, requestCalls } from './storage-calls.ts';
import { artifact, delivery, event, mail, session, startMs, startSeconds, times } from './storage-samples.ts';

const define = (): void => {
  let store: OpenedStore;
  let connection: mongoose.Connection;
  let storage: Storage;
  const trips: Trip[] = [];
  const clock = createTestClock(startMs);

  beforeAll(async () => {
    store = await mongoStore.open();
    connection = await mongoose.createConnection(store.url).asPromise();
    const options = { url: store.url, clock, log: pino({ enabled: false }) };
    storage = await openStorage({ ...options, onTrip: (trip) => trips.push(trip) });
  });

  afterAll(async () => {
    await storage.close();
    await connection.close();
    await store.cleanup();
  });

  describe('MongoDB', () => {
    it('reads no collection from end to end for any call', async () => {
      const { artifacts } = storage.forTenant('other');
      const many = times(300, (n) => artifact({ id: `${n}`, grantId: `g${n}`, expiresAt: startSeconds + n }));
      await artifacts.write(many.map((one) => ({ op: 'put', artifact: one })));
      const sessions = times(100, (n) => session({ id: `${n}`, accountId: `${n}` }));
      const ofAcme = storage.forTenant('acme');
      await ofAcme.artifacts.write(sessions.map((one) => ({ op: 'put', artifact: one })));
      for (const tenant of ['other', 'acme']) {
        const waiting = times(100, (n) => delivery({ id: `w-${n}`, nextAttemptAt: startMs + 9999 }));
        await storage.forTenant(tenant).deliveries.add(waiting);
        const mails = times(100, (n) => mail({ id: `w-${n}`, nextAttemptAt: startMs + 9999 }));
        await storage.forTenant(tenant).mails.add(mails);
      }
      await fill(storage, 'acme');
      await fill(storage, 'zeta');
      for (const [name, call] of Object.entries(requestCalls(storage, 'acme'))) {
        trips.splice(0);
        await call();
        const commands = trips.filter((trip) => explainable.includes(trip.name));
        for (const trip of commands) {
          for (const explain of explanationsOf(trip.name, trip.detail as Command)) {
            const plan = await connection.db?.command({ explain, verbosity: 'executionStats' });
            const stages = collect(plan, 'stage');
            const strategies = collect(plan, 'strategy');
            const lookedAt = [
              ...collect(plan, 'totalDocsExamined'),
              ...collect(plan, 'collectionScans').map(Number),
            ].map(Number);
            expect({ name, scans: stages.filter((stage) => stage === 'COLLSCAN') }).toEqual({
              name,
              scans: [],
            });
            expect({ name, strategies: strategies.filter((one) => one !== 'IndexedLoopJoin') }).toEqual({
              name,
              strategies: [],
            });
            expect(Math.max(0, ...lookedAt)).toBeLessThan(30);
          }
        }
      }
    });

    it('looks at no other tenant to claim a delivery', async () => {
      const waiting = times(200, (n) => delivery({ id: `x-${n}`, nextAttemptAt: startMs - 1 - n }));
      await storage.forTenant('busy').deliveries.add(waiting);
      await storage.forTenant('calm').deliveries.add([delivery()]);
      trips.splice(0);
      expect(await storage.forTenant('calm').deliveries.claim(startMs, startMs)).toMatchObject({
        attempts: 1,
      });
      const [claim] = trips;
      const [explain] = explanationsOf('findAndModify', claim?.detail as Command);
      const plan = await connection.db?.command({ explain, verbosity: 'executionStats' });
      expect(Math.max(...collect(plan, 'totalKeysExamined').map(Number))).toBeLessThan(5);
    });

    it('reads no event but the newest when it polls', async () => {
      const { events } = storage.forTenant('acme');
      for (const n of times(50, (i) => i)) await events.publish(event({ id: `${n}` }));
      const old = new Date(Date.now() - 60_000);
      const collection = connection.db?.collection('events');
      await collection?.updateMany({ id: { $ne: '49' } }, { $set: { publishedAt: old } });
      const explain = { aggregate: 'events', pipeline: eventsSince(10_000), cursor: {} };
      const plan = await connection.db?.command({ explain, verbosity: 'executionStats' });
      expect(collect(plan, 'stage')).not.toContain('COLLSCAN');
      expect(Math.max(...collect(plan, 'totalDocsExamined').map(Number))).toBe(1);
    });

    it('sees a scan when there is one', async () => {
      const explain = { find: 'artifacts', filter: { payload: 'x' } };
      const plan = await connection.db?.command({ explain, verbosity: 'executionStats' });
      expect(collect(plan, 'stage')).toContain('COLLSCAN');
    });

    it('writes with majority and journal, and bounds every command in time', async () => {
      trips.splice(0);
      await fill(storage, 'writes');
      for (const call of Object.values(requestCalls(storage, 'writes'))) await call();
      const ofKind = (...names: string[]) => trips.filter(({ name }) => names.includes(name));
      const writes = ofKind('insert', 'update', 'delete', 'findAndModify');
      expect(writes.length).toBeGreaterThan(15);
      const writeConcern = { w: 'majority', j: true, wtimeout: expect.any(Number) };
      for (const { detail } of writes) {
        expect(detail).toMatchObject({ writeConcern, maxTimeMS: expect.any(Number) });
      }
      for (const { detail } of ofKind('find', 'aggregate')) {
        expect(detail).toMatchObject({ readConcern: { level: 'majority' }, maxTimeMS: expect.any(Number) });
      }
    });

    it('keeps documents by tenant, and lets the server delete what has expired', async () => {
      const artifacts = (await connection.db?.collection('artifacts').indexes()) ?? [];
      expect(artifacts).toContainEqual(
        expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
      );
      const counters = (await connection.db?.collection('counters').indexes()) ?? [];
      expect(counters).toContainEqual(
        expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
      );
      const deliveries = (await connection.db?.collection('deliveries').indexes()) ?? [];
      expect(deliveries).toContainEqual(
        expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
      );
      const devices = (await connection.db?.collection('devices').indexes()) ?? [];
      expect(devices).toContainEqual(
        expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
      );
      const events = (await connection.db?.collection('events').indexes()) ?? [];
      expect(events).toContainEqual(
        expect.objectContaining({ key: { publishedAt: 1 }, expireAfterSeconds: 600 }),
      );
      for (const name of [
        'artifacts',
        'accounts',
        'keys',
        'counters',
        'usage',
        'audit',
        'auditLinks',
        'auditCheckpoints',
        'auditStreams',
        'deliveries',
        'mails',
        'devices',
        'pictures',
        'apiKeys',
      ]) {
        const indexes = (await connection.db?.collection(name).indexes()) ?? [];
        const firstFields = indexes.map(({ key }) => Object.keys(key)[0]);
        expect(
          firstFields.filter(
            (field) => !['_id', 'tenant', 'record', 'expiresAt', 'nextAttemptAt'].includes(String(field)),
          ),
        ).toEqual([]);
        const document = await connection.db?.collection(name).findOne({ tenant: 'zeta' });
        expect(String(document?._id)).toMatch(/^zeta\|/);
      }
    });
  });
};

if (mongoUrl() === undefined) describe.skip('on mongodb (mongod is missing)', define);
else define();
