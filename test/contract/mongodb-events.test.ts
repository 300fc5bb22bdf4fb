import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { pino } from 'pino';
import { isAppError } from '../../src/errors.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { startChild } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { type Mongod, startMongod } from '../support/mongod.mjs';
import { type Gate, openGate } from '../support/mongod-gate.ts';
import { mongoUrl } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { event, startMs, times } from './storage-samples.ts';

const recoversWithinMs = 10_000;

const define = (): void => {
  describe.each([
    ['a replica set (change streams)', true],
    ['a server that stands alone (polls)', false],
  ])('events of %s', (_, replicaSet) => {
    let mongod: Mongod;
    /** A database of the test's own. */
    let database = 0;
    let isKilled = false;
    let storages: Storage[];
    let gate: Gate | undefined;
    let logged: string[];
    const clock = createTestClock(startMs);

    beforeAll(async () => {
      mongod = await startMongod({ replicaSet });
    });
    afterAll(() => mongod.stop());

    beforeEach(() => {
      storages = [];
      logged = [];
      database += 1;
    });

    afterEach(async () => {
      await Promise.all(storages.map((storage) => storage.close()));
      await gate?.close();
      gate = undefined;
      if (isKilled) await restart();
    });

    const kill = (): Promise<void> => {
      isKilled = true;
      return mongod.kill();
    };
    const restart = async (): Promise<void> => {
      await mongod.restart();
      isKilled = false;
    };

    const ownUrl = (url = mongod.url): string =>
      url.replace('/?', `/events-${database}?`).replace(/\/$/, `/events-${database}`);

    const open = async (url = ownUrl()): Promise<Storage> => {
      const log = pino({}, { write: (line) => void logged.push(JSON.parse(line).msg) });
      const storage = await openStorage({ url, clock, log });
      storages.push(storage);
      return storage;
    };

    const listen = async (storage: Storage): Promise<string[]> => {
      const heard: string[] = [];
      await storage.watchEvents({ event: ({ id }) => heard.push(id), lost: () => heard.push('lost') });
      return heard;
    };

    const publish = (storage: Storage, id: string) => storage.forTenant('acme').events.publish(event({ id }));

    const publishWhenItCan = (storage: Storage, id: string) =>
      eventually(
        'the store answers',
        () =>
          publish(storage, id).then(
            () => true,
            () => false,
          ),
        recoversWithinMs,
      );

    it('are heard within a second, also by the publisher', async () => {
      const [first, second] = [await open(), await open()];
      const heard = [await listen(first), await listen(second)];
      await publish(first, 'e1');
      await eventually('both hear it', () => heard.every(({ length }) => length === 1), recoversWithinMs);
      await Promise.all(times(50, (n) => publish(n % 2 ? first : second, `p${n}`)));
      await eventually('both hear all', () => heard.every(({ length }) => length === 51), recoversWithinMs);
      for (const one of heard) expect(new Set(one).size).toBe(51);
    });

    it('are heard from another process, which ends when it has closed the store', async () => {
      const heard = await listen(await open());
      const publisher = startChild('./storage-child.ts', ['publish', ownUrl(), 'from-there']);
      expect(await publisher.exited).toBe(0);
      await eventually('it is heard', () => heard.length === 1, recoversWithinMs);
      expect(heard).toEqual(['from-there']);
    });

    it('are heard once each when the store is killed in the middle and comes back', async () => {
      const [first, second] = [await open(), await open()];
      const heard = await listen(second);
      await publish(first, 'before');
      const acknowledged = ['before'];
      const write = async (name: string): Promise<void> => {
        for (let n = 0; ; n += 1) {
          const id = `${name}-${n}`;
          const isDone = await publish(first, id).then(
            () => true,
            () => false,
          );
          if (!isDone) return;
          acknowledged.push(id);
          if (acknowledged.length === 100) void kill();
        }
      };
      await Promise.all([write('a'), write('b'), write('c')]);
      await eventually('the outage is noticed', () => logged.length > 0, recoversWithinMs);
      await restart();
      await publishWhenItCan(first, 'after');
      acknowledged.push('after');
      await eventually('the last is heard', () => heard.includes('after'), recoversWithinMs);
      const isMissing = (id: string) => !heard.includes(id);
      await eventually('none is missing', () => !acknowledged.some(isMissing), recoversWithinMs);
      expect(new Set(heard).size).toBe(heard.length);
      expect(heard).not.toContain('lost');
      expect(logged).toEqual([
        'revocation events cannot be read; trying again',
        'revocation events are read again',
      ]);
      await publish(first, 'last');
      await eventually('it goes on', () => heard.includes('last'), recoversWithinMs);
    });

    it('are heard, once each, by one who could not reach the store when they were published', async () => {
      gate = await openGate(mongod.port);
      const [first, second] = [await open(), await open(ownUrl(gate.url))];
      const heard = await listen(second);
      await publish(first, 'before');
      await eventually('it is heard', () => heard.length === 1, recoversWithinMs);
      gate.cut();
      await eventually('the outage is noticed', () => logged.length > 0, recoversWithinMs);
      for (const n of times(5, (i) => i)) await publish(first, `meanwhile-${n}`);
      gate.restore();
      await eventually('all are heard', () => heard.length === 6, recoversWithinMs);
      await publish(first, 'after');
      await eventually('it goes on', () => heard.length === 7, recoversWithinMs);
      expect(heard).toEqual(['before', ...times(5, (n) => `meanwhile-${n}`), 'after']);
    });

    it('are heard after the store has hung', async () => {
      const storage = await open();
      const heard = await listen(storage);
      mongod.pause();
      try {
        // the signal may come a moment after the next answer
        let attempts = 0;
        const isRefused = (error: unknown): boolean => isAppError(error, 'unavailable');
        const hangs = (): Promise<boolean> => {
          attempts += 1;
          return publish(storage, `while it hangs ${attempts}`).then(() => false, isRefused);
        };
        await eventually('it hangs', hangs, recoversWithinMs);
      } finally {
        mongod.resume();
      }
      await publishWhenItCan(storage, 'after');
      await eventually('it is heard', () => heard.includes('after'), recoversWithinMs);
      expect(new Set(heard).size).toBe(heard.length);
      expect(heard).not.toContain('lost');
    });

    it('can be closed while the store is away', async () => {
      const storage = await open();
      const heard = await listen(storage);
      await kill();
      await eventually('it is noticed', () => logged.length > 0, recoversWithinMs);
      await storage.close();
      expect(heard).toEqual([]);
    });

    it('are refused as unavailable when the store cannot be reached', async () => {
      const storage = await open();
      await kill();
      await expect(listen(storage)).rejects.toMatchObject({ code: 'unavailable' });
    });

    if (replicaSet) {
      it('that the server no longer has make watchers report a loss', async () => {
        const storage = await open();
        const heard = await listen(storage);
        const connection = await mongoose.createConnection(ownUrl()).asPromise();
        await connection.db?.collection('events').drop();
        await connection.close();
        await eventually('it is noticed', () => heard.length > 0, recoversWithinMs);
        await publish(storage, 'next');
        await eventually('the next is heard', () => heard.length > 1, recoversWithinMs);
        expect(heard).toEqual(['lost', 'next']);
      });
    } else {
      it('that may have been deleted before they were read make watchers forget all', async () => {
        const storage = await open();
        const heard = await listen(storage);
        clock.advance(299_000);
        await publish(storage, 'in time');
        await eventually('it is heard', () => heard.length > 0, recoversWithinMs);
        clock.advance(301_000);
        await eventually('it is noticed', () => heard.length > 1, recoversWithinMs);
        await publish(storage, 'next');
        await eventually('the next is heard', () => heard.length > 2, recoversWithinMs);
        expect(heard).toEqual(['in time', 'lost', 'next']);
      });
    }
  });
};

if (mongoUrl() === undefined) describe.skip('on mongodb (mongod is missing)', define);
else define();
