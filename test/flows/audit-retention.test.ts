import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createAudit } from '../../src/audit/audit.ts';
import { createChainKeys } from '../../src/audit/chain/chain-keys.ts';
import { verifyCheckpoint } from '../../src/audit/chain/checkpoints.ts';
import { createChainPruner } from '../../src/audit/chain/prune-chain.ts';
import { createChainSealer, settleMs } from '../../src/audit/chain/seal-chain.ts';
import { verifyChain } from '../../src/audit/chain/verify-chain.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { createLog } from '../../src/log.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { AuditChainRecords } from '../../src/storage/storage-audit-chain.ts';
import { openTampering, type Tampering } from '../support/audit-tampering.ts';
import { eachStore, type OpenedStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const keys = createChainKeys('acme', createMasterKey('the master key of this installation, 42'));
const day = 24 * 3_600_000;
const retentionMs = 30 * day;

eachStore((store) => {
  let opened: OpenedStore;
  let clock: TestClock;
  let storages: readonly [Storage, Storage];
  let tampering: Tampering;
  let lines: string[];
  let log: ReturnType<typeof createLog>;

  beforeEach(async () => {
    delivered = Number.POSITIVE_INFINITY;
    opened = await store.open();
    clock = createTestClock(Date.UTC(2031, 4, 5));
    lines = [];
    log = createLog({ level: 'info' }, { write: (line) => void lines.push(line) });
    const open = () => openStorage({ url: opened.url, clock, log });
    storages = [await open(), await open()];
    tampering = await openTampering(opened.url);
  });
  afterEach(async () => {
    await tampering.close();
    for (const storage of storages) await storage.close();
    await opened.cleanup();
  });

  const at = (instance: number) => (storages[instance % 2] as Storage).forTenant('acme'); // there are two
  const auditAt = (instance: number) => createAudit({ records: at(instance).audit, log, clock });
  const seal = async (): Promise<void> => {
    clock.advance(settleMs);
    await createChainSealer({ chain: at(0).auditChain, keys, clock, log }).seal();
  };
  let delivered = Number.POSITIVE_INFINITY;
  const prune = (instance = 0, chain: AuditChainRecords = at(instance).auditChain): Promise<number> => {
    const deliveredTo = async () => delivered;
    const audit = auditAt(instance);
    return createChainPruner({ chain, keys, audit, deliveredTo, retentionMs, clock, log }).prune();
  };
  const verify = (kept?: Parameters<typeof verifyChain>[0]['kept']) =>
    verifyChain({ chain: at(1).auditChain, keys, kept });
  /** Five records and a checkpoint each day. */
  const days = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      for (let one = 0; one < 5; one += 1)
        await auditAt(one).note({
          action: 'user.edit',
          outcome: 'success',
          actor: 'cli',
          object: `sub-${one}`,
        });
      await seal();
      clock.advance(day - settleMs);
    }
  };
  const found = async () => (await verify()).findings.map(({ kind, seq, toSeq }) => [kind, seq, toSeq]);
  const noted = async () =>
    (await at(0).audit.list({ limit: 500 })).filter(({ action }) => action === 'audit.pruned');

  describe('the retention of the audit record', () => {
    it('removes what is too old, up to a checkpoint, and the rest verifies from there', async () => {
      await days(40);
      const kept = await verifyCheckpoint(
        (await at(0).auditChain.checkpoints({ afterSeq: 0, limit: 1 }))[0]?.jws ?? '',
        keys,
      );
      expect(await prune()).toBe(50);
      expect(await prune(1)).toBe(0);
      expect(await verify()).toMatchObject({
        ...{ findings: [], firstSeq: 51, lastSeq: 200, records: 150, mark: { seq: 50 } },
      });
      expect(await noted()).toEqual([
        expect.objectContaining({
          ...{ actor: 'drawbridge', actorKind: 'server' },
          reason: '50: 1 to 50, of 2031-05-14T00:00:05.000Z and before',
        }),
      ]);
      expect(await verify(kept)).toMatchObject({ findings: [], isKeptTooOld: true });
      await days(3);
      expect(await prune()).toBe(15);
      expect(await verify()).toMatchObject({ findings: [], firstSeq: 66, mark: { seq: 65 } });
    });

    it('removes all of a tenant in which nothing happens, and the chain goes on', async () => {
      await days(1);
      clock.advance(400 * day);
      for (const instance of [0, 1]) expect(await prune(instance)).toBe(0);
      await seal();
      expect(await prune()).toBe(0);
      expect(await noted()).toMatchObject([{ outcome: 'failure', actor: 'drawbridge' }]);
      clock.advance(7 * day);
      expect(await prune()).toBe(5);
      expect(await verify()).toMatchObject({
        findings: [],
        records: 1,
        mark: { seq: 5 },
        waiting: { count: 1 },
      });
      await days(2);
      expect(await verify()).toMatchObject({ findings: [], firstSeq: 6, lastSeq: 17, records: 12 });
    });

    it('removes nothing at an instance whose clock is years ahead, also when that one writes records', async () => {
      await days(40);
      clock.advance(730 * day);
      expect(await prune()).toBe(0);
      expect(lines.filter((line) => line.includes('check the clock'))).toHaveLength(1);
      for (let n = 0; n < 3; n += 1) {
        await days(1);
        expect(await prune()).toBe(0);
      }
      clock.advance(-733 * day);
      expect(await prune()).toBe(50);
    });

    it('keeps all that is younger, and what is a day older at most', async () => {
      await days(30);
      expect(await prune()).toBe(0);
      clock.advance(day - 1);
      expect(await prune()).toBe(0);
      clock.advance(1);
      expect(await prune()).toBe(5);
    });

    it('waits for what is not delivered yet, thirty days at most', async () => {
      await days(40);
      delivered = 7;
      expect(await prune()).toBe(5);
      delivered = 0;
      expect(await prune()).toBe(0);
      await days(31);
      expect(await prune()).toBeGreaterThan(0);
      expect(await verify()).toMatchObject({ findings: [], firstSeq: 56 });
    });

    it('is whole after a process was stopped at any step, and another one finishes', async () => {
      await days(40);
      for (let step = 0; ; step += 1) {
        let left = step;
        const { auditChain } = at(0);
        const chain = new Proxy(auditChain, {
          get: (target, name: keyof AuditChainRecords) =>
            /^(?:remove|replace)/.test(name)
              ? async (...args: never[]) => {
                  if (left === 0) throw new Error('stopped');
                  left -= 1;
                  return (target[name] as (...args: never[]) => unknown)(...args);
                }
              : target[name],
        });
        const outcome = await prune(0, chain).catch((error: Error) => error.message);
        expect(await found()).toEqual([]);
        await days(1);
        expect(await found()).toEqual([]);
        if (outcome !== 'stopped') {
          expect(step).toBeGreaterThanOrEqual(5);
          break;
        }
        if (step % 2 === 1) await prune(1);
        expect(await found()).toEqual([]);
        await days(3);
      }
      await prune(1);
      const { findings, mark, firstSeq, lastSeq, records } = await verify();
      expect(findings).toEqual([]);
      expect(mark?.seq).toBe(firstSeq - 1);
      expect(records).toBe(lastSeq - firstSeq + 1);
    });

    it('is one when two instances remove at once, while records are sealed and verified', async () => {
      await days(60);
      const outcomes = await Promise.all([
        ...Array.from({ length: 8 }, (_, n) => prune(n)),
        ...Array.from({ length: 4 }, () => verify()),
        days(1),
      ]);
      for (const outcome of outcomes) if (typeof outcome === 'object') expect(outcome.findings).toEqual([]);
      await seal();
      const report = await verify();
      expect(report).toMatchObject({ findings: [], firstSeq: (report.mark?.seq ?? 0) + 1 });
      expect(report.mark?.seq).toBeGreaterThanOrEqual(150);
      expect((await noted()).length).toBeGreaterThan(0);
      expect(lines.filter((line) => line.includes('were changed'))).toEqual([]);
    });

    it('leaves what was changed where it is, as evidence', async () => {
      await days(40);
      const [, , third] = await at(0).auditChain.links({ afterSeq: 0, limit: 3 });
      await tampering.removeRecord(third?.link.recordId ?? '');
      expect(await prune()).toBe(0);
      expect(await found()).toEqual([['removed', 3, 3]]);
      expect(lines.filter((line) => line.includes('drawbridge audit verify acme'))).toHaveLength(1);
      expect(await noted()).toEqual([]);
    });
  });

  describe('after that, verifying finds', () => {
    beforeEach(async () => {
      await days(40);
      await prune();
      await seal();
    });

    it.each([
      ['behind the checkpoint', 51, 60],
      ['in the middle', 100, 110],
    ])('records that somebody else has removed %s', async (_, fromSeq, toSeq) => {
      for (const { link } of await at(0).auditChain.links({
        afterSeq: fromSeq - 1,
        limit: toSeq - fromSeq + 1,
      }))
        await tampering.removeRecord(link.recordId);
      await tampering.removeLinks(fromSeq, toSeq);
      expect(await found()).toEqual([['removed', fromSeq, toSeq]]);
    });

    it('the oldest part that was removed with its checkpoints, also with the one that says where the chain begins', async () => {
      const { auditChain } = at(0);
      for (const { link } of await auditChain.links({ afterSeq: 50, limit: 50 }))
        await tampering.removeRecord(link.recordId);
      await tampering.removeLinks(51, 100);
      await auditChain.removeCheckpoints({ fromSeq: 50, toSeq: 100 });
      expect(await found()).toEqual([['removed', 1, 100]]);
      expect(await prune()).toBe(0);
    });

    it('a later checkpoint that claims to be the beginning', async () => {
      const { auditChain } = at(0);
      const [mark, next] = await auditChain.checkpoints({ afterSeq: 0, limit: 2 });
      for (const jws of [mark?.jws ?? '', `${next?.jws}x`]) {
        await auditChain.removeCheckpoints({ fromSeq: 50, toSeq: 50 });
        await tampering.changeCheckpoint({ seq: 55, at: 0, jws });
        expect(await found()).toEqual(expect.arrayContaining([['checkpoint', 55, undefined]]));
        expect(await found()).toEqual(expect.arrayContaining([['removed', 1, 50]]));
      }
    });
  });
});
