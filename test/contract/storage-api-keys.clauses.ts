import { describe, expect, it } from '@jest/globals';
import type { GetBench } from './storage.contract.ts';
import { account, apiKey, apiKeySecret, startMs, times } from './storage-samples.ts';

export const apiKeyClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').apiKeys;
  const elsewhere = () => bench().second.forTenant('acme').apiKeys;

  describe('API keys', () => {
    it('are found by each of their public ids, together with their owner', async () => {
      await bench().first.forTenant('acme').accounts.insert(account());
      const rotated = apiKey({ secrets: [apiKeySecret('new'), apiKeySecret('old', startMs + 1000)] });
      expect(await open().insert(rotated)).toBe(true);
      for (const publicId of ['new', 'old'])
        expect(await elsewhere().findByPublicId(publicId)).toEqual({ key: rotated, owner: account() });
      expect(await open().findByPublicId('unknown')).toBeUndefined();
      expect(await bench().first.forTenant('zeta').apiKeys.findByPublicId('new')).toBeUndefined();
    });

    it('are found without an owner when the account is gone', async () => {
      await open().insert(apiKey());
      expect(await open().findByPublicId('public-1')).toEqual({ key: apiKey() });
    });

    it('refuse an id and a public id that are taken, and leave their owner alone', async () => {
      await open().insert(apiKey());
      expect(await elsewhere().insert(apiKey({ secrets: [apiKeySecret('other')] }))).toBe(false);
      expect(await elsewhere().insert(apiKey({ id: 'key-2' }))).toBe(false);
      const second = apiKey({ id: 'key-2', secrets: [apiKeySecret('other')] });
      expect(await open().insert(second)).toBe(true);
      const taking = { ...second, secrets: [apiKeySecret('public-1')], version: 2 };
      expect(await open().replace(taking)).toBe(false);
      expect(await open().list({ limit: 5 })).toEqual([apiKey(), second]);
    });

    it('are the only one of an owner for one of 20 callers, beside keys that are not', async () => {
      const only = (n: number) =>
        apiKey({ id: `only-${n}`, isOnly: true, secrets: [apiKeySecret(`p-${n}`)] });
      const inserted = await Promise.all(
        times(20, (n) => (n % 2 === 0 ? open() : elsewhere()).insert(only(n))),
      );
      expect(inserted.filter(Boolean)).toHaveLength(1);
      expect(await open().insert(apiKey())).toBe(true);
      const n = inserted.indexOf(true);
      await open().remove(`only-${n}`);
      expect(await open().insert(only(n))).toBe(true);
      expect(await open().find(`only-${n}`)).toEqual(only(n));
    });

    it('are replaced by one of 20 callers, without their use, and no old secret is found then', async () => {
      await open().insert(apiKey({ note: 'before', expiresAt: startMs }));
      await open().used('key-1', { nowMs: startMs, address: '192.0.2.1', minimumGapMs: 0 });
      const next = (n: number) => apiKey({ secrets: [apiKeySecret(`next-${n}`)], roles: ['a'], version: 2 });
      const replaced = await Promise.all(
        times(20, (n) => (n % 2 === 0 ? open() : elsewhere()).replace(next(n))),
      );
      expect(replaced.filter(Boolean)).toHaveLength(1);
      const use = { lastUsedAt: startMs, lastUsedFrom: '192.0.2.1' };
      const now = { ...next(replaced.indexOf(true)), ...use };
      expect(await open().find('key-1')).toEqual(now);
      expect(await open().findByPublicId('public-1')).toBeUndefined();
      expect(await open().replace(apiKey({ id: 'absent', version: 2 }))).toBe(false);
    });

    it('note a use once in a while', async () => {
      await open().insert(apiKey());
      const use = (seconds: number, address: string) =>
        open().used('key-1', { nowMs: startMs + seconds * 1000, address, minimumGapMs: 60_000 });
      await use(0, '192.0.2.1');
      await use(59, '192.0.2.2');
      expect(await elsewhere().find('key-1')).toMatchObject({
        lastUsedAt: startMs,
        lastUsedFrom: '192.0.2.1',
      });
      await use(60, '192.0.2.3');
      const found = await elsewhere().findByPublicId('public-1');
      expect(found?.key).toMatchObject({
        lastUsedAt: startMs + 60_000,
        lastUsedFrom: '192.0.2.3',
        version: 1,
      });
      await open().used('absent', { nowMs: startMs, address: '192.0.2.1', minimumGapMs: 0 });
      expect(await open().find('absent')).toBeUndefined();
    });

    it('are listed in pages, of one owner or of all, and by their expiry', async () => {
      const some = times(5, (n) =>
        apiKey({
          ...{ id: `key-${n}`, sub: n < 3 ? 'alice' : 'bob', secrets: [apiKeySecret(`p-${n}`)] },
          ...(n === 4 ? {} : { expiresAt: startMs + (n === 0 ? 2 : 1) }),
        }),
      );
      for (const key of some) await open().insert(key);
      const idsOf = async (page: Promise<readonly { readonly id: string }[]>) =>
        (await page).map(({ id }) => id);
      expect(await idsOf(open().list({ limit: 2 }))).toEqual(['key-0', 'key-1']);
      expect(await idsOf(open().list({ afterId: 'key-1', limit: 9 }))).toEqual(['key-2', 'key-3', 'key-4']);
      expect(await idsOf(open().list({ sub: 'alice', afterId: 'key-0', limit: 9 }))).toEqual([
        'key-1',
        'key-2',
      ]);
      const first = await open().expiring({ beforeMs: startMs + 3, limit: 2 });
      expect(first.map(({ id }) => id)).toEqual(['key-1', 'key-2']);
      const after = { expiresAt: startMs + 1, id: 'key-2' };
      expect(await idsOf(open().expiring({ beforeMs: startMs + 3, after, limit: 9 }))).toEqual([
        'key-3',
        'key-0',
      ]);
      expect(await idsOf(open().expiring({ beforeMs: startMs + 2, limit: 9 }))).toEqual([
        'key-1',
        'key-2',
        'key-3',
      ]);
    });

    it('are found from the time of their notice on, with their tenants, and marked by one of 20 callers', async () => {
      const due = async (nowMs: number, limit = 9, keys = open()) =>
        (await keys.dueForNotice({ nowMs, limit })).map(({ id }) => id);
      const tenantsDue = async (nowMs: number) =>
        (await bench().second.tenantsWithDueKeyNotices(nowMs)).toSorted();
      for (const [n, noticeAt] of [3000, 1000, 2000].entries())
        await open().insert(apiKey({ id: `key-${n}`, secrets: [apiKeySecret(`p-${n}`)], noticeAt }));
      await open().insert(apiKey({ id: 'none', secrets: [apiKeySecret('none')], expiresAt: 1 }));
      await bench()
        .first.forTenant('globex')
        .apiKeys.insert(apiKey({ noticeAt: 2000 }));
      expect(await due(999)).toEqual([]);
      expect(await due(1000, 9, elsewhere())).toEqual(['key-1']);
      expect(await due(9999, 2)).toEqual(['key-1', 'key-2']);
      expect([await tenantsDue(999), await tenantsDue(1000), await tenantsDue(2000)]).toEqual([
        ...[[], ['acme'], ['acme', 'globex']],
      ]);
      expect(await open().noticed('key-1', 999)).toBe(false);
      const marked = await Promise.all(
        times(20, (n) => (n % 2 === 0 ? open() : elsewhere()).noticed('key-1', 1000)),
      );
      expect(marked.filter(Boolean)).toHaveLength(1);
      expect(await open().find('key-1')).toEqual(apiKey({ id: 'key-1', secrets: [apiKeySecret('p-1')] }));
      // the version stays, so that a replacement at the same time is not refused
      const again = apiKey({ id: 'key-1', secrets: [apiKeySecret('p-1')], noticeAt: 4000, version: 2 });
      expect(await open().replace(again)).toBe(true);
      expect(await due(4000)).toEqual(['key-2', 'key-0', 'key-1']);
      const { noticeAt: _, ...silent } = { ...again, version: 3 };
      expect(await open().replace(silent)).toBe(true);
      expect(await due(4000)).toEqual(['key-2', 'key-0']);
    });

    it('are removed by one of 20 callers, and with their owner', async () => {
      await open().insert(apiKey());
      const removed = await Promise.all(
        times(20, (n) => (n % 2 === 0 ? open() : elsewhere()).remove('key-1')),
      );
      expect(removed.filter(Boolean)).toEqual([apiKey()]);
      expect(await open().findByPublicId('public-1')).toBeUndefined();
      await open().insert(apiKey());
      await bench().first.purgeAccount('acme', 'alice');
      expect(await open().findByPublicId('public-1')).toBeUndefined();
    });
  });
};
