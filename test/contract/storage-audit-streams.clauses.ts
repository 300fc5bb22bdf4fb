import { describe, expect, it } from '@jest/globals';
import { longestLeaseMs, longestPauseMs } from '../../src/storage/storage-audit-streams.ts';
import type { GetBench } from './storage.contract.ts';
import { startMs, times } from './storage-samples.ts';

export const auditStreamClauses = (bench: GetBench): void => {
  const open = (n = 0) => (n % 2 === 0 ? bench().first : bench().second).forTenant('acme').auditStreams;
  const turn = (holder: string, nowMs = startMs) => ({ holder, nowMs, leaseUntilMs: nowMs + 1000 });
  const fresh = { seq: 0, failures: 0, nextAttemptAt: 0 };

  describe('the streams of audit records', () => {
    it('are held by one of twenty, until it gives them back or its lease ends', async () => {
      const claimed = await Promise.all(times(20, (n) => open(n).claim('webhook', turn(`process-${n}`))));
      expect(claimed.filter((state) => state !== undefined)).toEqual([fresh]);
      const holder = `process-${claimed.findIndex((state) => state !== undefined)}`;
      expect(await open(1).claim('webhook', turn('other', startMs + 999))).toBeUndefined();
      expect(await open(0).claim('file', turn('other'))).toEqual(fresh);
      expect(await open(1).claim('webhook', turn(holder, startMs + 500))).toEqual(fresh);
      expect(await open(0).claim('webhook', turn('other', startMs + 1499))).toBeUndefined();
      expect(await open(0).claim('webhook', turn('other', startMs + 1500))).toEqual(fresh);
      const released = { holder: 'other', leaseUntilMs: 0 };
      expect(await open(1).settle('webhook', { ...fresh, seq: 7 }, released)).toBe(true);
      expect(await open(1).claim('webhook', turn('third', startMs + 1501))).toEqual({ ...fresh, seq: 7 });
    });

    it('are moved by their holder alone, and by nobody before the next attempt', async () => {
      await open().claim('webhook', turn('one'));
      const after = {
        seq: 5,
        failures: 2,
        nextAttemptAt: startMs + 9000,
        lastAttemptAt: startMs,
        lastOutcome: '500',
      };
      expect(await open(1).settle('webhook', after, turn('two'))).toBe(false);
      expect(await open(1).settle('nothing', after, turn('one'))).toBe(false);
      expect(await open(1).settle('webhook', after, { holder: 'one', leaseUntilMs: 0 })).toBe(true);
      for (const holder of ['one', 'two'])
        expect(await open().claim('webhook', turn(holder, startMs + 8999))).toBeUndefined();
      expect(await open().claim('webhook', turn('two', startMs + 9000))).toEqual(after);
      expect(await open().settle('webhook', after, turn('one'))).toBe(false);
      expect(await open(1).list()).toEqual([{ target: 'webhook', ...after }]);
      expect(await bench().first.forTenant('zeta').auditStreams.list()).toEqual([]);
    });

    it('are taken from one whose clock was far ahead', async () => {
      const year = 365 * 24 * 3_600_000;
      const ahead = { holder: 'ahead', nowMs: startMs, leaseUntilMs: startMs + year };
      expect(await open().claim('webhook', ahead)).toEqual(fresh);
      expect(await open(1).claim('webhook', turn('one'))).toEqual(fresh);
      const failed = { ...fresh, failures: 1, nextAttemptAt: startMs + year };
      await open().settle('webhook', failed, { holder: 'one', leaseUntilMs: startMs + year });
      expect(await open(1).claim('webhook', turn('two'))).toEqual(failed);
      const paused = { ...fresh, nextAttemptAt: startMs + longestPauseMs };
      await open().settle('webhook', paused, { holder: 'two', leaseUntilMs: 0 });
      expect(await open(1).claim('webhook', turn('three'))).toBeUndefined();
      await open().settle('webhook', fresh, { holder: 'two', leaseUntilMs: startMs + longestLeaseMs });
      expect(await open(1).claim('webhook', turn('three'))).toBeUndefined();
    });
  });
};
