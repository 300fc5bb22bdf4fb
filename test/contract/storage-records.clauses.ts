import { describe, expect, it } from '@jest/globals';
import type { GetBench } from './storage.contract.ts';
import { auditRecord, key, startMs, times } from './storage-samples.ts';

export const recordClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme');
  const elsewhere = () => bench().second.forTenant('acme');
  const either = (n: number) => (n % 2 ? open() : elsewhere());

  describe('keys', () => {
    it('fill a slot once', async () => {
      expect(await open().keys.putIfAbsent(key())).toEqual(key());
      expect(await elsewhere().keys.putIfAbsent(key({ kid: 'kid-2' }))).toEqual(key());
      expect(await elsewhere().keys.putIfAbsent(key({ kid: 'kid-3', slot: 'RS256/2' }))).toMatchObject({
        kid: 'kid-3',
      });
      expect((await elsewhere().keys.list()).map(({ kid }) => kid).sort()).toEqual(['kid-1', 'kid-3']);
      expect(await open().keys.list()).toContainEqual(key());
    });

    it.each([20, 100])('fill a slot by one of %i who try', async (count) => {
      const stored = await Promise.all(
        times(count, (n) => either(n).keys.putIfAbsent(key({ kid: `kid-${n}`, sealed: `${n}` }))),
      );
      expect(new Set(stored.map(({ kid }) => kid)).size).toBe(1);
      expect(await open().keys.list()).toEqual([stored[0]]);
    });
  });

  describe('counters', () => {
    const hit = (nowMs: number, points = 1) => ({ points, windowMs: 1000, nowMs });

    it('count within a window that starts with the first hit', async () => {
      const { counters } = open();
      expect(await counters.find('k', startMs)).toBeUndefined();
      expect(await counters.add('k', hit(startMs))).toEqual({ count: 1, endsAt: startMs + 1000 });
      expect(await counters.add('k', hit(startMs + 500, 3))).toEqual({ count: 4, endsAt: startMs + 1000 });
      expect(await elsewhere().counters.find('k', startMs + 999)).toEqual({
        count: 4,
        endsAt: startMs + 1000,
      });
      expect(await counters.find('other', startMs)).toBeUndefined();
    });

    it('start anew when the window has ended', async () => {
      const { counters } = open();
      await counters.add('k', hit(startMs, 9));
      expect(await counters.find('k', startMs + 1000)).toBeUndefined();
      expect(await counters.add('k', hit(startMs + 1000, 2))).toEqual({ count: 2, endsAt: startMs + 2000 });
    });

    it('start anew after a reset', async () => {
      const { counters } = open();
      await counters.add('k', hit(startMs, 9));
      await elsewhere().counters.reset('k');
      expect(await counters.find('k', startMs)).toBeUndefined();
      expect(await counters.add('k', hit(startMs + 1))).toEqual({ count: 1, endsAt: startMs + 1001 });
    });

    it('are exact under 100 parallel hits', async () => {
      const states = await Promise.all(times(100, (n) => either(n).counters.add('k', hit(startMs))));
      expect(states.map(({ count }) => count).sort((a, b) => a - b)).toEqual(times(100, (n) => n + 1));
    });
  });

  describe('use of the password grant', () => {
    it('is reported per client', async () => {
      const use = (clientId: string, sub: string, nowMs: number) =>
        open().usage.record({ clientId, sub, nowMs });
      expect(await open().usage.report()).toEqual([]);
      await use('b', 'alice', startMs + 5);
      await use('b', 'bob', startMs + 9);
      await use('b', 'alice', startMs + 7);
      await use('a.$x', 'alice', startMs);
      const report = [...(await elsewhere().usage.report())].sort((a, b) =>
        a.clientId.localeCompare(b.clientId),
      );
      expect(report).toEqual([
        { clientId: 'a.$x', count: 1, lastUsedAt: startMs, distinctUsers: 1 },
        { clientId: 'b', count: 3, lastUsedAt: startMs + 9, distinctUsers: 2 },
      ]);
    });

    it('is counted exactly under 100 parallel uses', async () => {
      await Promise.all(
        times(100, (n) => either(n).usage.record({ clientId: 'a', sub: `s${n % 3}`, nowMs: startMs + n })),
      );
      expect(await open().usage.report()).toEqual([
        { clientId: 'a', count: 100, lastUsedAt: startMs + 99, distinctUsers: 3 },
      ]);
    });
  });

  describe('audit', () => {
    it('is listed newest first, in pages', async () => {
      const records = times(6, (n) =>
        auditRecord({ id: `id-${(n * 5) % 7}`, at: startMs + Math.floor(n / 2) }),
      );
      for (const record of records) await open().audit.append(record);
      const newestFirst = [...records].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
      const { audit } = elsewhere();
      expect(await audit.list({ limit: 10 })).toEqual(newestFirst);
      expect(await audit.list({ limit: 3 })).toEqual(newestFirst.slice(0, 3));
      for (const [index, record] of newestFirst.entries()) {
        expect(await audit.list({ beforeId: record.id, limit: 2 })).toEqual(
          newestFirst.slice(index + 1, index + 3),
        );
      }
      expect(await audit.list({ beforeId: 'never', limit: 2 })).toEqual([]);
    });

    it('is listed of one person: as actor, and as object of others', async () => {
      const records = times(12, (n) =>
        auditRecord({
          id: `id-${(n * 5) % 12}`,
          at: startMs + Math.floor(n / 3),
          actor: n % 3 === 0 ? 'alice' : 'cli',
          ...(n % 4 === 0 ? { object: 'alice' } : n % 4 === 1 ? { object: 'bob' } : {}),
        }),
      );
      for (const record of records) await open().audit.append(record);
      await bench()
        .first.forTenant('zeta')
        .audit.append(auditRecord({ id: 'elsewhere' }));
      const hers = records
        .filter(({ actor, object }) => actor === 'alice' || object === 'alice')
        .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
      expect(hers.length).toBeGreaterThan(5);
      const { audit } = elsewhere();
      expect(await audit.list({ sub: 'alice', limit: 20 })).toEqual(hers);
      for (const [index, { id: beforeId }] of hers.entries())
        expect(await audit.list({ sub: 'alice', beforeId, limit: 2 })).toEqual(
          hers.slice(index + 1, index + 3),
        );
      expect(await audit.list({ sub: 'alice', beforeId: 'never', limit: 2 })).toEqual([]);
      expect(await audit.list({ sub: 'nobody', limit: 2 })).toEqual([]);
    });

    it('keeps every field', async () => {
      const full = auditRecord({
        object: 'o',
        address: '::1',
        clientId: 'c',
        reason: 'locked',
        requestId: 'r',
        outcome: 'failure',
      });
      await open().audit.append(full);
      expect(await open().audit.list({ limit: 1 })).toEqual([full]);
    });
  });
};
