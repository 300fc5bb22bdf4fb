import { describe, expect, it } from '@jest/globals';
import type { GetBench } from './storage.contract.ts';
import { device, startMs, times } from './storage-samples.ts';

const minimumGapMs = 60_000;

export const deviceRecordClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').devices;
  const elsewhere = () => bench().second.forTenant('acme').devices;
  const either = (n: number) => (n % 2 ? open() : elsewhere());
  const listIds = async (page: { sub?: string; afterId?: string; limit: number }) =>
    (await elsewhere().list(page)).map(({ id }) => id);

  describe('devices', () => {
    it('are found as they signed in, with every field or with few', async () => {
      const { name, model, serial, sessionId, ...plain } = device({ id: 'plain' });
      expect(await open().signIn(device())).toBeUndefined();
      expect(await open().signIn(plain)).toBeUndefined();
      expect(await elsewhere().find('device-1')).toEqual(device());
      expect(await elsewhere().find('plain')).toEqual(plain);
      expect(await elsewhere().find('never')).toBeUndefined();
    });

    it('that sign in again keep their first time and their name, and return the former record', async () => {
      await open().signIn(device());
      await open().rename('device-1', '$mine');
      const again = device({
        name: 'Named',
        model: 'M2',
        grantId: 'g2',
        createdAt: startMs + 5,
        lastSeenAt: startMs + 5,
      });
      expect(await elsewhere().signIn(again)).toEqual(device({ name: '$mine' }));
      expect(await open().find('device-1')).toEqual({ ...again, name: '$mine', createdAt: startMs });
    });

    it('that sign in again lose what they no longer state, and may get a first name', async () => {
      const { name, serial, sessionId, ...plain } = device({ id: 'plain' });
      await open().signIn(plain);
      const { model, ...named } = { ...plain, name: '$first' };
      expect(await open().signIn(named)).toEqual(plain);
      expect(await open().find('plain')).toEqual(named);
    });

    it.each([20, 100])('that sign in %i times at once each replace another one', async (count) => {
      const before = await Promise.all(
        times(count, (n) => either(n).signIn(device({ grantId: `g-${n}`, createdAt: startMs + n }))),
      );
      const stored = await open().find('device-1');
      const replaced = before.flatMap((one) => (one === undefined ? [] : [one.grantId]));
      expect(before.filter((one) => one === undefined)).toHaveLength(1);
      expect([...replaced, stored?.grantId].sort()).toEqual(times(count, (n) => `g-${n}`).sort());
    });

    it('are listed by id in pages, of one person or of all', async () => {
      for (const id of ['d', 'b', 'e', 'a', 'c']) {
        await open().signIn(device({ id, sub: ['b', 'd'].includes(id) ? 'bob' : 'alice' }));
      }
      expect(await listIds({ limit: 9 })).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(await listIds({ limit: 2 })).toEqual(['a', 'b']);
      expect(await listIds({ afterId: 'b', limit: 2 })).toEqual(['c', 'd']);
      expect(await listIds({ sub: 'alice', limit: 2 })).toEqual(['a', 'c']);
      expect(await listIds({ sub: 'alice', afterId: 'c', limit: 2 })).toEqual(['e']);
      expect(await listIds({ sub: 'bob', limit: 9 })).toEqual(['b', 'd']);
      expect(await listIds({ sub: 'carol', limit: 9 })).toEqual([]);
      expect(await open().list({ sub: 'bob', limit: 1 })).toEqual([device({ id: 'b', sub: 'bob' })]);
    });

    it('are renamed where they are', async () => {
      await open().signIn(device());
      expect(await elsewhere().rename('device-1', '$name "x"')).toBe(true);
      expect(await open().find('device-1')).toEqual(device({ name: '$name "x"' }));
      expect(await elsewhere().rename('device-1', '$name "x"')).toBe(true);
      expect(await elsewhere().rename('never', 'x')).toBe(false);
      expect(await open().find('never')).toBeUndefined();
    });

    it('are seen later and later, a little damped, and never come back by that', async () => {
      await open().signIn(device());
      const seenAt = async (nowMs: number) => {
        await elsewhere().seen('device-1', { nowMs, minimumGapMs });
        return (await open().find('device-1'))?.lastSeenAt;
      };
      expect(await seenAt(startMs + minimumGapMs - 1)).toBe(startMs);
      expect(await seenAt(startMs + minimumGapMs)).toBe(startMs + minimumGapMs);
      expect(await seenAt(startMs + minimumGapMs + 1)).toBe(startMs + minimumGapMs);
      expect(await seenAt(startMs)).toBe(startMs + minimumGapMs);
      await open().remove('device-1');
      expect(await seenAt(startMs + 9 * minimumGapMs)).toBeUndefined();
    });

    it('are removed by one of 20 who try, and are as new afterwards', async () => {
      await open().signIn(device());
      const removed = await Promise.all(times(20, (n) => either(n).remove('device-1')));
      expect(removed.filter((one) => one !== undefined)).toEqual([device()]);
      expect(await open().find('device-1')).toBeUndefined();
      expect(await open().list({ limit: 9 })).toEqual([]);
      expect(await open().signIn(device({ name: 'New' }))).toBeUndefined();
      expect(await open().find('device-1')).toEqual(device({ name: 'New' }));
    });

    it('are absent from the moment they expire', async () => {
      const { first, clock } = bench();
      await open().signIn(device({ expiresAt: startMs + 1000 }));
      await open().signIn(device({ id: 'other', expiresAt: startMs + 2000 }));
      clock.advance(999);
      expect(await open().find('device-1')).toBeDefined();
      clock.advance(1);
      expect(await open().find('device-1')).toBeUndefined();
      expect(await listIds({ limit: 9 })).toEqual(['other']);
      expect(await listIds({ sub: 'alice', limit: 9 })).toEqual(['other']);
      expect(await open().rename('device-1', 'x')).toBe(false);
      expect(await open().remove('device-1')).toBeUndefined();
      await first.sweep();
      const anew = device({ name: 'New', createdAt: startMs + 1000, expiresAt: startMs + 3000 });
      expect(await open().signIn(anew)).toBeUndefined();
      clock.advance(1000);
      expect(await open().signIn(device({ id: 'other', name: 'New' }))).toBeUndefined();
      expect(await open().find('device-1')).toEqual(anew);
      expect(await open().find('other')).toEqual(device({ id: 'other', name: 'New' }));
    });
  });
};
