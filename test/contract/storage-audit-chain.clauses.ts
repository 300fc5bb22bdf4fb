import { describe, expect, it } from '@jest/globals';
import type { GetBench } from './storage.contract.ts';
import { auditLink, auditRecord, startMs, times } from './storage-samples.ts';

export const auditChainClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme');
  const elsewhere = () => bench().second.forTenant('acme');
  const append = async (...ids: readonly string[]): Promise<void> => {
    for (const [n, id] of ids.entries()) await open().audit.append(auditRecord({ id, at: startMs + n }));
  };

  describe('the chain of the audit record', () => {
    it('hands out records without a mark by time and id, and says which have their link already', async () => {
      await open().audit.append(auditRecord({ id: 'b', at: startMs }));
      await open().audit.append(auditRecord({ id: 'a', at: startMs }));
      await open().audit.append(auditRecord({ id: 'c', at: startMs - 1 }));
      await open().audit.append(auditRecord({ id: 'd', at: startMs + 1 }));
      const { auditChain } = elsewhere();
      const find = async () =>
        (await auditChain.unmarked({ untilMs: startMs, limit: 3 })).map(
          ({ record, isLinked }) => `${record.id} ${isLinked}`,
        );
      expect(await find()).toEqual(['c false', 'a false', 'b false']);
      expect(await auditChain.append([auditLink({ recordId: 'c' })])).toBe(true);
      expect(await find()).toEqual(['c true', 'a false', 'b false']);
      await auditChain.mark(['c', 'a']);
      expect(await find()).toEqual(['b false']);
      expect(await bench().second.tenantsWithUnmarkedAudit(startMs - 1)).toEqual([]);
      expect(await bench().second.tenantsWithUnmarkedAudit(startMs)).toEqual(['acme']);
      await auditChain.mark(['b']);
      expect(await bench().second.tenantsWithUnmarkedAudit(startMs)).toEqual([]);
      expect((await elsewhere().audit.list({ limit: 1 }))[0]).toEqual(
        auditRecord({ id: 'd', at: startMs + 1 }),
      );
    });

    it('takes a number and a record once, and nothing behind one that is taken', async () => {
      const link = (seq: number, recordId: string) => auditLink({ seq, recordId });
      expect(await open().auditChain.append([link(1, 'a'), link(2, 'b')])).toBe(true);
      expect(await elsewhere().auditChain.append([link(2, 'c'), link(3, 'd')])).toBe(false);
      expect(await elsewhere().auditChain.append([link(3, 'a'), link(4, 'd')])).toBe(false);
      expect(await elsewhere().auditChain.last()).toEqual(link(2, 'b'));
      const wins = await Promise.all(
        times(20, (n) =>
          (n % 2 === 0 ? open() : elsewhere()).auditChain.append([link(3, `x${n}`), link(4, `y${n}`)]),
        ),
      );
      expect(wins.filter(Boolean)).toHaveLength(1);
      const winner = wins.indexOf(true);
      const stored = (await open().auditChain.links({ afterSeq: 2, limit: 9 })).map(
        (one) => one.link.recordId,
      );
      expect(stored).toEqual([`x${winner}`, `y${winner}`]);
    });

    it('is listed by number with its records, in pages, and the records with their numbers', async () => {
      await append('a', 'b', 'c');
      const { auditChain } = elsewhere();
      await auditChain.append(
        ['c', 'gone', 'a'].map((recordId, n) =>
          auditLink({ seq: n + 1, recordId, hash: `hash of ${recordId}` }),
        ),
      );
      await auditChain.mark(['a']);
      const links = async (afterSeq: number, limit: number) =>
        (await auditChain.links({ afterSeq, limit })).map(({ link, record }) => [
          link.seq,
          link.hash,
          record?.id,
        ]);
      expect(await links(0, 2)).toEqual([
        [1, 'hash of c', 'c'],
        [2, 'hash of gone', undefined],
      ]);
      expect(await links(2, 2)).toEqual([[3, 'hash of a', 'a']]);
      const numbers = async (after?: { readonly at: number; readonly id: string }) =>
        (await auditChain.records({ limit: 2, ...(after === undefined ? {} : { after }) })).map(
          ({ record, seq, isMarked }) => [record.id, seq, isMarked],
        );
      expect(await numbers()).toEqual([
        ['a', 3, true],
        ['b', undefined, false],
      ]);
      expect(await numbers({ at: startMs + 1, id: 'b' })).toEqual([['c', 1, false]]);
    });

    it('is removed by numbers and ids, of this tenant alone', async () => {
      const other = bench().first.forTenant('zeta');
      for (const { audit, auditChain } of [open(), other]) {
        for (const id of ['a', 'b', 'c']) await audit.append(auditRecord({ id }));
        await auditChain.append(['a', 'b', 'c'].map((recordId, n) => auditLink({ seq: n + 1, recordId })));
        for (const seq of [1, 2, 3])
          await auditChain.insertCheckpoint({ seq, at: startMs + seq, jws: `jws ${seq}` });
      }
      const { auditChain } = elsewhere();
      await auditChain.removeRecords(['a', 'c', 'never there']);
      await auditChain.removeLinks({ fromSeq: 2, toSeq: 3 });
      await auditChain.removeCheckpoints({ fromSeq: 1, toSeq: 2 });
      const page = { afterSeq: 0, limit: 9 };
      const left = async (tenant: ReturnType<typeof open>) => [
        (await tenant.audit.list({ limit: 9 }))
          .map(({ id }) => id)
          .toSorted()
          .join(''),
        (await tenant.auditChain.links(page)).map(({ link }) => link.seq).join(''),
        (await tenant.auditChain.checkpoints(page)).map(({ seq }) => seq).join(''),
      ];
      expect(await left(open())).toEqual(['b', '1', '3']);
      expect(await left(other)).toEqual(['abc', '123', '123']);
    });

    it('exchanges a checkpoint for whoever has read it, one of twenty', async () => {
      const checkpoint = { seq: 7, at: startMs, jws: 'first' };
      await open().auditChain.insertCheckpoint(checkpoint);
      const wins = await Promise.all(
        times(20, (n) =>
          (n % 2 === 0 ? open() : elsewhere()).auditChain.replaceCheckpoint(
            { ...checkpoint, jws: `${n}` },
            'first',
          ),
        ),
      );
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect((await open().auditChain.lastCheckpoint())?.jws).toBe(`${wins.indexOf(true)}`);
      expect(await open().auditChain.replaceCheckpoint({ ...checkpoint, seq: 8 }, 'first')).toBe(false);
    });

    it('finds the last checkpoint up to a number that is old enough', async () => {
      const { auditChain } = open();
      for (const seq of [5, 10, 15]) await auditChain.insertCheckpoint({ seq, at: startMs + seq, jws: 'x' });
      const find = async (seq: number, untilMs: number) =>
        (await elsewhere().auditChain.checkpointUpTo({ seq, untilMs: startMs + untilMs }))?.seq;
      expect([await find(14, 99), await find(15, 99), await find(99, 14), await find(99, 10)]).toEqual([
        ...[10, 15, 10, 10],
      ]);
      expect([await find(4, 99), await find(99, 4)]).toEqual([undefined, undefined]);
    });

    it('keeps one checkpoint for a number', async () => {
      const checkpoint = (seq: number, jws = `jws ${seq}`) => ({ seq, at: startMs + seq, jws });
      const { auditChain } = open();
      expect(await auditChain.lastCheckpoint()).toBeUndefined();
      for (const seq of [9, 10, 100]) expect(await auditChain.insertCheckpoint(checkpoint(seq))).toBe(true);
      expect(await auditChain.insertCheckpoint(checkpoint(10, 'other'))).toBe(false);
      expect(await elsewhere().auditChain.lastCheckpoint()).toEqual(checkpoint(100));
      expect(await elsewhere().auditChain.checkpoints({ afterSeq: 9, limit: 1 })).toEqual([checkpoint(10)]);
    });
  });
};
