import { describe, expect, it } from '@jest/globals';
import type { LogoutDelivery } from '../../src/storage/storage-endings.ts';
import type { QueueOutcome } from '../../src/storage/storage-queue.ts';
import type { GetBench } from './storage.contract.ts';
import { delivery, startMs, times } from './storage-samples.ts';

const dayMs = 86_400_000;

const outcome = (state: QueueOutcome['state'], at = startMs) => ({
  state,
  nextAttemptAt: at + 5000,
  lastAttemptAt: at,
  lastOutcome: '$503',
});

export const deliveryClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').deliveries;
  const elsewhere = () => bench().second.forTenant('acme').deliveries;
  const either = (n: number) => (n % 2 ? open() : elsewhere());
  const listIds = async (page: { beforeId?: string; limit: number }) =>
    (await elsewhere().list(page)).map(({ id }) => id);

  describe('deliveries', () => {
    it('are listed as they were added, newest first, in pages', async () => {
      const all = times(5, (n) => delivery({ id: `d-${n}`, clientId: `app-${n}` }));
      await open().add([]);
      await open().add([all[3], all[0], all[4]].filter((one) => one !== undefined));
      await elsewhere().add([all[1], all[2]].filter((one) => one !== undefined));
      expect(await elsewhere().list({ limit: 9 })).toEqual([...all].reverse());
      expect(await listIds({ limit: 2 })).toEqual(['d-4', 'd-3']);
      expect(await listIds({ beforeId: 'd-3', limit: 2 })).toEqual(['d-2', 'd-1']);
      expect(await listIds({ beforeId: 'd-1', limit: 2 })).toEqual(['d-0']);
      expect(await listIds({ beforeId: 'd-0', limit: 2 })).toEqual([]);
    });

    it('are left as they are when they are added again, and the new ones are added', async () => {
      await open().add([delivery()]);
      await open().claim(startMs, startMs + 1000);
      await elsewhere().add([delivery(), delivery({ id: 'd-0' }), delivery({ id: 'd-2' })]);
      expect(await open().list({ limit: 9 })).toEqual([
        delivery({ id: 'd-2' }),
        delivery({ attempts: 1, nextAttemptAt: startMs + 1000 }),
        delivery({ id: 'd-0' }),
      ]);
    });

    it('are claimed when they are due, the longest due first, for as long as the lease', async () => {
      await open().add([
        delivery({ id: 'a', nextAttemptAt: startMs + 2 }),
        delivery({ id: 'b', nextAttemptAt: startMs + 1 }),
      ]);
      expect(await open().claim(startMs, startMs + 100)).toBeUndefined();
      expect(await elsewhere().claim(startMs + 2, startMs + 100)).toEqual(
        delivery({ id: 'b', attempts: 1, nextAttemptAt: startMs + 100 }),
      );
      expect(await open().claim(startMs + 2, startMs + 200)).toMatchObject({ id: 'a', attempts: 1 });
      expect(await open().claim(startMs + 99, startMs + 300)).toBeUndefined();
      expect(await open().claim(startMs + 100, startMs + 300)).toMatchObject({ id: 'b', attempts: 2 });
    });

    it('are had once each by 20 who claim at once', async () => {
      await open().add(times(20, (n) => delivery({ id: `d-${n}` })));
      const had: string[] = [];
      const work = async (n: number): Promise<void> => {
        for (;;) {
          const claimed = await either(n).claim(startMs, startMs + 1000);
          if (claimed === undefined) return;
          had.push(claimed.id);
        }
      };
      await Promise.all(times(20, work));
      expect(had).toHaveLength(20);
      expect(new Set(had).size).toBe(20);
      expect((await open().list({ limit: 30 })).map(({ attempts }) => attempts)).toEqual(times(20, () => 1));
    });

    it('are had by one of 20 who want the same', async () => {
      await open().add([delivery()]);
      const claimed = await Promise.all(times(20, (n) => either(n).claim(startMs, startMs + 1000)));
      expect(claimed.filter((one) => one !== undefined)).toHaveLength(1);
    });

    it('keep what came of them: tried again when pending, never again when settled', async () => {
      await open().add([delivery()]);
      await open().claim(startMs, startMs + 1000);
      await elsewhere().settle('d-1', outcome('pending'));
      expect(await open().list({ limit: 1 })).toEqual([delivery({ attempts: 1, ...outcome('pending') })]);
      expect(await open().claim(startMs + 4999, startMs + 9999)).toBeUndefined();
      expect(await open().claim(startMs + 5000, startMs + 9999)).toMatchObject({ attempts: 2 });
      await open().settle('d-1', outcome('failed'));
      expect(await open().claim(startMs + dayMs, startMs + 2 * dayMs)).toBeUndefined();
      await open().settle('never', outcome('failed'));
      expect(await open().list({ limit: 9 })).toEqual([delivery({ attempts: 2, ...outcome('failed') })]);
    });

    it('stay delivered, whatever is said later', async () => {
      await open().add([delivery()]);
      await open().settle('d-1', outcome('delivered'));
      await elsewhere().settle('d-1', outcome('failed', startMs + 1));
      await elsewhere().settle('d-1', outcome('pending', startMs + 1));
      expect(await open().list({ limit: 1 })).toEqual([delivery(outcome('delivered'))]);
    });

    it('are kept 7 days while they are pending, and 30 days after their last attempt', async () => {
      const { first, clock } = bench();
      await open().add(['pending', 'delivered', 'failed'].map((id) => delivery({ id })));
      await open().settle('pending', outcome('pending', startMs + dayMs));
      await open().settle('delivered', outcome('delivered', startMs + dayMs));
      await open().settle('failed', outcome('failed', startMs + dayMs));
      const left = async () => {
        await first.sweep();
        return listIds({ limit: 9 });
      };
      clock.advance(7 * dayMs - 1);
      expect(await left()).toEqual(['pending', 'failed', 'delivered']);
      clock.advance(1);
      expect(await listIds({ limit: 9 })).toEqual(['failed', 'delivered']);
      expect(await open().claim(clock.now(), clock.now() + 1)).toBeUndefined();
      expect(await first.tenantsWithDueDeliveries(clock.now())).toEqual([]);
      clock.advance(24 * dayMs - 1);
      expect(await left()).toEqual(['failed', 'delivered']);
      clock.advance(1);
      expect(await listIds({ limit: 9 })).toEqual([]);
    });

    it('that are due name their tenants', async () => {
      const { first, second } = bench();
      const add = (tenant: string, changes: Partial<LogoutDelivery>) =>
        first.forTenant(tenant).deliveries.add([delivery(changes)]);
      expect(await second.tenantsWithDueDeliveries(startMs)).toEqual([]);
      await add('zeta', {});
      await add('zeta', { id: 'd-2' });
      await add('acme', {});
      await add('later', { nextAttemptAt: startMs + 1 });
      await add('settled', {});
      await first.forTenant('settled').deliveries.settle('d-1', outcome('failed', 0));
      expect([...(await second.tenantsWithDueDeliveries(startMs))].sort()).toEqual(['acme', 'zeta']);
      await first.forTenant('acme').deliveries.claim(startMs, startMs + 2);
      expect([...(await second.tenantsWithDueDeliveries(startMs + 1))].sort()).toEqual(['later', 'zeta']);
    });
  });
};
