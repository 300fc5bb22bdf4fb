import { afterEach, describe, expect, it } from '@jest/globals';
import type { Storage } from '../../src/storage/storage.ts';
import type { TenantEvent } from '../../src/storage/storage-endings.ts';
import { eventually } from '../support/eventually.ts';
import type { GetBench } from './storage.contract.ts';
import { event, times } from './storage-samples.ts';

const withinMs = 1000;

export const eventClauses = (bench: GetBench): void => {
  const watches: { close(): Promise<void> }[] = [];

  /** Grows with what is heard; `lost` stands where events may be missing. */
  const listen = async (storage: Storage, onEvent = (): void => {}) => {
    const heard: (TenantEvent | 'lost')[] = [];
    const watch = await storage.watchEvents({
      event: (one) => {
        heard.push(one);
        onEvent();
      },
      lost: () => heard.push('lost'),
    });
    watches.push(watch);
    return heard;
  };

  const ids = (heard: readonly (TenantEvent | 'lost')[]) =>
    heard.map((one) => (one === 'lost' ? one : one.id));

  const publish = (storage: Storage, id: string, tenant = 'acme') =>
    storage.forTenant(tenant).events.publish(event({ id }));

  describe('events', () => {
    afterEach(async () => {
      await Promise.all(watches.splice(0).map((watch) => watch.close()));
    });

    it('are heard by all who watch, the publisher included, within a second, with every field', async () => {
      const { first, second } = bench();
      const heard = [await listen(first), await listen(second), await listen(second)];
      const full = event({ what: 'session', id: 's', sub: '$alice', reason: 'signed_out' });
      await first.forTenant('acme').events.publish(full);
      await eventually('all hear it', () => heard.every(({ length }) => length === 1), withinMs);
      for (const one of heard) expect(one).toEqual([{ ...full, tenant: 'acme' }]);
    });

    it('are heard once each, of all tenants, and none from before', async () => {
      const { first, second } = bench();
      await publish(first, 'before');
      const heard = await listen(second);
      const expected = times(60, (n) => `e${n}`);
      await Promise.all(
        expected.map((id, n) => publish(n % 2 ? first : second, id, n % 3 === 0 ? 'zeta' : 'acme')),
      );
      await publish(first, 'after');
      await eventually('the last is heard', () => ids(heard).includes('after'), withinMs);
      await eventually('all are heard', () => heard.length >= 61, withinMs);
      expect(ids(heard).sort()).toEqual([...expected, 'after'].sort());
      expect(heard[0]).toHaveProperty('tenant');
    });

    it('are heard in the order in which one process published them', async () => {
      const { first, second } = bench();
      const heard = await listen(second);
      for (const n of times(10, (i) => i)) await publish(first, `e${n}`);
      await eventually('all are heard', () => heard.length === 10, withinMs);
      expect(ids(heard)).toEqual(times(10, (n) => `e${n}`));
    });

    it('go on after a listener has failed', async () => {
      const { first, second } = bench();
      const heard = await listen(second, () => {
        throw new Error('a listener of no good');
      });
      await publish(first, 'e1');
      await publish(first, 'e2');
      await eventually('both are heard', () => heard.length === 2, withinMs);
    });

    it('are no longer reported when the watch or the storage is closed', async () => {
      const { first, second } = bench();
      const [ended, closed, open] = [await listen(first), await listen(second), await listen(first)];
      await watches[0]?.close();
      await second.close();
      await publish(first, 'e1');
      await eventually('it is heard', () => open.length === 1, withinMs);
      expect([ended, closed]).toEqual([[], []]);
    });

    it('outlive their tenant, so that its end is heard', async () => {
      const { first, second } = bench();
      const heard = await listen(second);
      await publish(first, 'e1');
      await first.purgeTenant('acme');
      await eventually('it is heard', () => heard.length === 1, withinMs);
      expect(await first.listTenants()).toEqual([]);
    });

    it('are not counted as trips while there are no events', async () => {
      const { first, second, trips } = bench();
      const heard = await listen(first);
      trips.splice(0);
      await publish(second, 'e1');
      await eventually('it is heard', () => heard.length === 1, withinMs);
      expect(trips).toEqual([]);
    });
  });
};
