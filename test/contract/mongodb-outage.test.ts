import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { type Mongod, startMongod } from '../support/mongod.mjs';
import { mongoUrl } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { requestCalls } from './storage-calls.ts';
import { artifact, startMs, startSeconds, times } from './storage-samples.ts';

const limitMs = 3000;

const isUnavailable = async (call: () => Promise<unknown>): Promise<{ code: unknown; isInTime: boolean }> => {
  const before = performance.now();
  const code = await call().then(
    () => 'answered',
    (error: { code?: unknown }) => error.code ?? error,
  );
  return { code, isInTime: performance.now() - before < limitMs };
};

const define = (): void => {
  let mongod: Mongod;
  let storage: Storage;
  const clock = createTestClock(startMs);

  beforeAll(async () => {
    mongod = await startMongod({ replicaSet: true, ttlMonitorSeconds: 1 });
    storage = await openStorage({ url: mongod.url, clock, log: pino({ enabled: false }) });
  });

  afterAll(async () => {
    await storage.close();
    await mongod.stop();
  });

  const refusedCalls = async () => {
    const calls = Object.entries(requestCalls(storage, 'acme'));
    return Promise.all(calls.map(async ([name, call]) => [name, await isUnavailable(call)] as const));
  };

  const refused = { code: 'unavailable', isInTime: true };

  const untilItAnswers = async (): Promise<number> => {
    const before = performance.now();
    while ((await isUnavailable(() => storage.ping())).code !== 'answered') {
      if (performance.now() - before > 15_000) throw new Error('It does not come back');
    }
    return performance.now() - before;
  };

  describe('MongoDB that fails', () => {
    it('answers unavailable in time when it was killed, comes back by itself, loses nothing acknowledged', async () => {
      const { artifacts } = storage.forTenant('acme');
      const acknowledged: string[] = [];
      let next = 0;
      const outcomes: unknown[] = [];
      const client = async (): Promise<void> => {
        for (;;) {
          next += 1;
          const id = `${next}`;
          try {
            await artifacts.write([
              { op: 'put', artifact: artifact({ id, expiresAt: startSeconds + 9999 }) },
            ]);
            acknowledged.push(id);
            if (acknowledged.length === 300) void mongod.kill();
          } catch (error) {
            outcomes.push((error as { code: unknown }).code);
            return;
          }
        }
      };
      await Promise.all(times(8, client));
      expect(new Set(outcomes)).toEqual(new Set(['unavailable']));
      expect(Object.fromEntries(await refusedCalls())).toEqual(
        Object.fromEntries(Object.keys(requestCalls(storage, 'acme')).map((name) => [name, refused])),
      );
      await mongod.restart();
      await untilItAnswers();
      const loaded = await artifacts.load(acknowledged.map((id) => ({ kind: 'AccessToken', id })));
      expect(loaded.artifacts).toHaveLength(acknowledged.length);
      await artifacts.write([{ op: 'put', artifact: artifact() }]);
    });

    it('answers unavailable in time when it hangs, and goes on when it does', async () => {
      mongod.pause();
      try {
        expect(Object.fromEntries(await refusedCalls())).toEqual(
          Object.fromEntries(Object.keys(requestCalls(storage, 'acme')).map((name) => [name, refused])),
        );
      } finally {
        mongod.resume();
      }
      await untilItAnswers();
    });

    it('cannot be opened when no server answers, and says so in time', async () => {
      const url = 'mongodb://somebody:hidden-word@127.0.0.1:9/drawbridge';
      const before = performance.now();
      const opened = openStorage({ url, clock, log: pino({ enabled: false }) });
      const error = await opened.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'unavailable' });
      expect(String(error) + (error as { detail?: string }).detail).not.toContain('hidden-word');
      // no request waits for this
      expect(performance.now() - before).toBeLessThan(3 * limitMs);
    });

    it('deletes what has expired', async () => {
      const past = createTestClock(Date.UTC(2020, 1, 1));
      const old = await openStorage({ url: mongod.url, clock: past, log: pino({ enabled: false }) });
      const { artifacts } = old.forTenant('old');
      await artifacts.write([{ op: 'put', artifact: artifact({ expiresAt: past.now() / 1000 + 60 }) }]);
      const isThere = async () =>
        (await artifacts.load([{ kind: 'AccessToken', id: 'token-1' }])).artifacts.length;
      expect(await isThere()).toBe(1);
      const before = performance.now();
      while ((await isThere()) === 1 && performance.now() - before < 10_000);
      expect(await isThere()).toBe(0);
      await old.close();
    });
  });
};

if (mongoUrl() === undefined) describe.skip('on mongodb (mongod is missing)', define);
else define();
