import { describe, expect, it } from '@jest/globals';
import type { GetBench } from './storage.contract.ts';
import { mail, startMs, times } from './storage-samples.ts';

const dayMs = 86_400_000;

const outcome = (state: 'pending' | 'delivered' | 'failed', at = startMs) => ({
  state,
  nextAttemptAt: at + 5000,
  lastAttemptAt: at,
  lastOutcome: '451',
});

/** A queue as that of the deliveries, whose clauses hold here too; and what mails alone have. */
export const mailClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').mails;
  const elsewhere = () => bench().second.forTenant('acme').mails;
  const either = (n: number) => (n % 2 ? open() : elsewhere());

  describe('mails', () => {
    it('are listed as they were added, newest first', async () => {
      const { sub, content, ...bare } = mail({ id: 'm-0' });
      await open().add([bare, mail({ id: 'm-1' })]);
      await elsewhere().add([mail({ id: 'm-1', purpose: 'another' })]);
      expect(await elsewhere().list({ limit: 9 })).toEqual([mail({ id: 'm-1' }), bare]);
      expect(await open().list({ beforeId: 'm-1', limit: 9 })).toEqual([bare]);
    });

    it('are found by the account that they are about, newest first', async () => {
      const { sub, ...ofNobody } = mail({ id: 'm-4' });
      await open().add([1, 2, 3].map((n) => mail({ id: `m-${n}` })));
      await open().add([ofNobody, mail({ id: 'm-5', sub: 'bob' })]);
      expect(await elsewhere().ofAccount(sub ?? '', 2)).toEqual([mail({ id: 'm-3' }), mail({ id: 'm-2' })]);
      expect(await open().ofAccount('bob', 9)).toEqual([mail({ id: 'm-5', sub: 'bob' })]);
      expect(await open().ofAccount('carol', 9)).toEqual([]);
    });

    it('are had once each by 20 who claim at once', async () => {
      await open().add(times(10, (n) => mail({ id: `m-${n}` })));
      const claimed = await Promise.all(times(20, (n) => either(n).claim(startMs, startMs + 1000)));
      const ids = claimed.flatMap((one) => (one === undefined ? [] : [one.id]));
      expect([...ids].sort()).toEqual(times(10, (n) => `m-${n}`));
    });

    it('have no content any more once they are settled', async () => {
      await open().add(['a', 'b', 'c'].map((id) => mail({ id })));
      await open().settle('a', outcome('pending'));
      await open().settle('b', outcome('delivered'));
      await open().settle('c', outcome('failed'));
      const { content, ...rest } = mail();
      expect(await elsewhere().list({ limit: 9 })).toEqual([
        { ...rest, id: 'c', ...outcome('failed') },
        { ...rest, id: 'b', ...outcome('delivered') },
        mail({ id: 'a', ...outcome('pending') }),
      ]);
    });

    it('are due when they are released, and not before', async () => {
      await open().add([mail({ nextAttemptAt: startMs + 60_000 })]);
      expect(await elsewhere().claim(startMs, startMs + 1000)).toBeUndefined();
      await elsewhere().release('m-1', startMs);
      expect(await open().claim(startMs, startMs + 1000)).toMatchObject({ id: 'm-1', attempts: 1 });
      await open().release('m-1', startMs);
      expect(await open().claim(startMs, startMs + 1000)).toBeUndefined();
    });

    it('can be taken back until somebody attempts them', async () => {
      await open().add([mail({ id: 'a' }), mail({ id: 'b' }), mail({ id: 'c', state: 'kept' })]);
      await open().claim(startMs, startMs + 1000);
      for (const id of ['a', 'b', 'c', 'never']) await elsewhere().remove(id);
      expect(await open().list({ limit: 9 })).toEqual([expect.objectContaining({ attempts: 1 })]);
    });

    it('that are kept are never attempted, and absent after 7 days', async () => {
      const { first, clock } = bench();
      await open().add([mail({ state: 'kept' })]);
      expect(await elsewhere().claim(startMs + 1, startMs + 1000)).toBeUndefined();
      expect(await first.tenantsWithDueMails(startMs + 1)).toEqual([]);
      clock.advance(7 * dayMs - 1);
      expect(await elsewhere().list({ limit: 9 })).toEqual([mail({ state: 'kept' })]);
      clock.advance(1);
      expect(await elsewhere().list({ limit: 9 })).toEqual([]);
    });

    it('that are due name their tenants', async () => {
      const { first, second } = bench();
      await first.forTenant('zeta').mails.add([mail()]);
      await first.forTenant('later').mails.add([mail({ nextAttemptAt: startMs + 1 })]);
      expect(await second.tenantsWithDueMails(startMs)).toEqual(['zeta']);
      expect(await second.tenantsWithDueDeliveries(startMs)).toEqual([]);
    });
  });
};
