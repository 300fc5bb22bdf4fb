import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CompactSign } from 'jose';
import { pino } from 'pino';
import { createAudit } from '../../src/audit/audit.ts';
import { createChainKeys } from '../../src/audit/chain/chain-keys.ts';
import { linkBehind } from '../../src/audit/chain/chain-link.ts';
import type { ChainReport } from '../../src/audit/chain/chain-report.ts';
import { verifyCheckpoint } from '../../src/audit/chain/checkpoints.ts';
import { createChainSealer, settleMs } from '../../src/audit/chain/seal-chain.ts';
import { verifyChain } from '../../src/audit/chain/verify-chain.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { AuditLink } from '../../src/storage/storage-audit-chain.ts';
import type { AuditRecord } from '../../src/storage/storage-records.ts';
import { openTampering, type Tampering } from '../support/audit-tampering.ts';
import { eachStore, type OpenedStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const keysFrom = (secret: string, tenant = 'acme') => createChainKeys(tenant, createMasterKey(secret));
const keys = keysFrom('the master key of this installation, 42');
/** Of somebody who can write the store and does not have the master key. */
const otherKeys = keysFrom('a key that somebody else has made up, 17');

eachStore((store) => {
  let opened: OpenedStore;
  let clock: TestClock;
  let storages: readonly [Storage, Storage];
  let tampering: Tampering;
  const log = pino({ enabled: false });

  beforeEach(async () => {
    opened = await store.open();
    clock = createTestClock(Date.UTC(2031, 4, 5));
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
  const seal = (instance = 0, by = keys) =>
    createChainSealer({ chain: at(instance).auditChain, keys: by, clock, log }).seal();
  const note = async (count: number, instance = 0): Promise<void> => {
    const audit = createAudit({ records: at(instance).audit, log, clock });
    for (let n = 0; n < count; n += 1) {
      await audit.note({ action: 'user.edit', outcome: 'success', actor: 'cli', object: `sub-${n}` });
      clock.advance(10);
    }
  };
  const verify = (kept?: Parameters<typeof verifyChain>[0]['kept']): Promise<ChainReport> =>
    verifyChain({ chain: at(1).auditChain, keys, kept });
  const links = async (): Promise<readonly { readonly link: AuditLink; readonly record: AuditRecord }[]> =>
    (await at(0).auditChain.links({ afterSeq: 0, limit: 500 })).map(({ link, record }) => ({
      link,
      record: record as AuditRecord, // before anything is removed
    }));
  /** Two checkpoints: at 6 and at 12. */
  const twelve = async () => {
    for (let half = 0; half < 2; half += 1) {
      await note(6);
      clock.advance(settleMs);
      expect(await seal()).toBe(6);
    }
    return links();
  };
  const found = async () =>
    (await verify()).findings.map(({ kind, seq, toSeq, id }) => ({ kind, seq, toSeq, id }));

  describe('the chain of the audit record', () => {
    it('takes in what is old enough, signs it, and has nothing to complain about', async () => {
      await twelve();
      await note(2);
      const report = await verify();
      expect(report).toMatchObject({
        ...{ findings: [], firstSeq: 1, lastSeq: 12, records: 12, waiting: { count: 2 } },
        checkpoint: { tenant: 'acme', seq: 12, from: 1 },
      });
      clock.advance(settleMs);
      expect(await seal(1)).toBe(2);
      expect(await seal(0)).toBe(0);
      expect(await verify()).toMatchObject({ findings: [], records: 14, waiting: { count: 0 } });
    });

    it('has nothing to complain about after the clock was ahead for a while, and finds what is of long ago', async () => {
      const year = 365 * 24 * 3_600_000;
      const [first] = await twelve();
      clock.advance(year);
      await twelve();
      clock.advance(-year);
      await note(2);
      clock.advance(settleMs);
      await seal();
      await note(2);
      expect(await verify()).toMatchObject({ findings: [], records: 26, waiting: { count: 2 } });
      const forged = { ...(first?.record as AuditRecord), id: 'forged' }; // there are twelve
      await at(0).audit.append({ ...forged, at: forged.at - 3_600_000 });
      expect(await found()).toEqual([{ kind: 'inserted', id: 'forged' }]);
      clock.advance(settleMs);
      await seal();
      expect(await found()).toEqual([{ kind: 'inserted', seq: 27, id: 'forged' }]);
    });

    it('is one chain when many write over two instances while both seal', async () => {
      await Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          for (let round = 0; round < 10; round += 1) {
            await note(4, writer);
            if (round % 3 === 0) clock.advance(settleMs);
            await seal(writer);
          }
        }),
      );
      clock.advance(settleMs);
      await seal();
      const report = await verify();
      expect(report).toMatchObject({ findings: [], firstSeq: 1, lastSeq: 320, records: 320 });
      expect(report.waiting).toEqual({ count: 0 });
      expect(report.checkpoint).toMatchObject({ seq: 320 });
    });

    it('goes on where a process stopped between a link and its mark', async () => {
      const before = await twelve();
      await tampering.unmark();
      await note(1);
      clock.advance(settleMs);
      expect(await seal(1)).toBe(1);
      expect((await links()).slice(0, 12)).toEqual(before);
      expect(await verify()).toMatchObject({ findings: [], records: 13, waiting: { count: 0 } });
      expect(await storages[0].tenantsWithUnmarkedAudit(clock.now())).toEqual([]);
    });
  });

  describe('verifying finds', () => {
    it('a changed record', async () => {
      const { link, record } = (await twelve())[3] as Awaited<ReturnType<typeof twelve>>[number];
      await tampering.changeRecord({ ...record, actor: 'somebody-else' });
      expect((await verify()).findings).toEqual([
        { kind: 'changed', seq: 4, id: record.id, at: record.at, text: expect.any(String) },
      ]);
      await tampering.changeRecord(record);
      expect(await found()).toEqual([]);
      await tampering.putLink(linkBehind(undefined, { ...record, actor: 'x' }, otherKeys));
      expect(link.recordId).toBe(record.id);
      expect(await found()).toContainEqual({ kind: 'inserted', seq: 1, id: record.id });
    });

    it('a removed record, and one that was removed with its link', async () => {
      const all = await twelve();
      await tampering.removeRecord(all[3]?.record.id ?? '');
      expect((await verify()).findings).toEqual([
        {
          ...{ kind: 'removed', seq: 4, toSeq: 4, id: all[3]?.record.id, at: all[3]?.record.at },
          text: expect.any(String),
        },
      ]);
      await tampering.removeLinks(4, 4);
      expect(await found()).toEqual([{ kind: 'removed', seq: 4, toSeq: 4 }]);
    });

    it.each([
      ['the end', 10, 12],
      ['the beginning', 1, 3],
      ['the middle', 5, 8],
    ])('that %s was removed', async (_, fromSeq, toSeq) => {
      for (const { link, record } of await twelve())
        if (link.seq >= fromSeq && link.seq <= toSeq) await tampering.removeRecord(record.id);
      await tampering.removeLinks(fromSeq, toSeq);
      expect(await found()).toEqual([{ kind: 'removed', seq: fromSeq, toSeq }]);
    });

    it('an inserted record: beside the chain, with a link of its own, and of long ago', async () => {
      const [first, , , , , , , , , , , last] = await twelve();
      const forged = { ...(first?.record as AuditRecord), id: 'forged' }; // there are twelve
      await tampering.insertRecord(forged);
      expect(await found()).toEqual([{ kind: 'inserted', id: 'forged' }]);
      await tampering.putLink(linkBehind(last?.link, forged, otherKeys));
      expect(await found()).toEqual([{ kind: 'inserted', seq: 13, id: 'forged' }]);
      await expect(seal()).rejects.toMatchObject({ code: 'unavailable' });
      await tampering.removeLinks(13, 13);
      await tampering.removeRecord('forged');
      await at(0).audit.append({ ...forged, at: forged.at - 3_600_000 });
      expect(await found()).toEqual([{ kind: 'inserted', id: 'forged' }]);
      await seal();
      expect(await found()).toEqual([{ kind: 'inserted', seq: 13, id: 'forged' }]);
    });

    it('records that have changed places', async () => {
      const [, , third, fourth] = await twelve();
      const [a, b] = [third?.link as AuditLink, fourth?.link as AuditLink]; // there are twelve
      await tampering.removeLinks(3, 4);
      await tampering.putLink({ ...b, seq: 3 });
      await tampering.putLink({ ...a, seq: 4 });
      expect(await found()).toEqual([
        { kind: 'reordered', seq: 3, id: b.recordId },
        { kind: 'reordered', seq: 4, id: a.recordId },
      ]);
      expect((await verify()).findings[0]?.text).toContain('stands at 3 and belongs at 4');
    });

    it('a chain that somebody without the key has computed anew, checkpoints removed or signed', async () => {
      const all = await twelve();
      await tampering.removeCheckpoints(0);
      let previous: AuditLink | undefined;
      for (const { record } of all) {
        const changed = { ...record, actor: 'somebody-else' };
        await tampering.changeRecord(changed);
        previous = linkBehind(previous, changed, otherKeys);
        await tampering.putLink(previous);
      }
      await expect(seal()).rejects.toMatchObject({ code: 'unavailable' });
      expect(await found()).toHaveLength(12);
    });

    it('a checkpoint that this tenant has not signed, whose chain was changed, or that somebody has kept', async () => {
      const all = await twelve();
      const checkpoint = (await verify()).checkpoint;
      const ofSix = (await at(0).auditChain.checkpoints({ afterSeq: 0, limit: 1 }))[0];
      const sign = (by: typeof keys, typ?: string) =>
        new CompactSign(Buffer.from(JSON.stringify({ ...checkpoint, jws: undefined })))
          .setProtectedHeader({ alg: 'EdDSA', ...(typ === undefined ? {} : { typ }) })
          .sign(by.signingKey);
      const typ = 'drawbridge-audit-checkpoint';
      for (const jws of [
        await sign(otherKeys, typ),
        await sign(keysFrom('the master key of this installation, 42', 'zeta'), typ),
        await sign(keys, 'JWT'),
        await sign(keys),
        ofSix?.jws ?? '',
      ]) {
        await tampering.changeCheckpoint({ seq: 12, at: 0, jws });
        expect(await found()).toEqual([{ kind: 'checkpoint', seq: 12 }]);
        await expect(seal()).rejects.toMatchObject({ code: 'unavailable' });
      }
      const kept = await verifyCheckpoint(checkpoint?.jws ?? '', keys);
      expect(kept).toMatchObject({ seq: 12, hash: all[11]?.link.hash });
      await tampering.removeCheckpoints(7);
      await tampering.removeLinks(10, 12);
      for (const { record } of all.slice(9)) await tampering.removeRecord(record.id);
      expect((await verify(kept)).findings).toMatchObject([{ kind: 'removed', seq: 10, toSeq: 12 }]);
      await note(3);
      clock.advance(settleMs);
      await seal();
      expect((await verify(kept)).findings).toMatchObject([{ kind: 'checkpoint', seq: 12 }]);
    });
  });
});
