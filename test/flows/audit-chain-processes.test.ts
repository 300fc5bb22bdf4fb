import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { createChainKeys } from '../../src/audit/chain/chain-keys.ts';
import { createChainSealer, settleMs } from '../../src/audit/chain/seal-chain.ts';
import { verifyChain } from '../../src/audit/chain/verify-chain.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { startChild } from '../support/child.ts';
import { heapInUse } from '../support/heap.ts';
import { eachStore, type OpenedStore, sqliteStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const secret = 'the master key of this installation, 42';
const keys = createChainKeys('acme', createMasterKey(secret));
const log = pino({ enabled: false });

eachStore((store) => {
  let opened: OpenedStore;
  let clock: TestClock;
  let storage: Storage;

  beforeEach(async () => {
    opened = await store.open();
    clock = createTestClock(Date.UTC(2031, 4, 5));
    storage = await openStorage({ url: opened.url, clock, log });
  });
  afterEach(async () => {
    await storage.close();
    await opened.cleanup();
  });

  const acme = () => storage.forTenant('acme');
  const seal = () => createChainSealer({ chain: acme().auditChain, keys, clock, log }).seal();
  const verify = () => verifyChain({ chain: acme().auditChain, keys });

  describe('the chain of the audit record', () => {
    it('is whole after processes that write and seal were killed at any moment', async () => {
      for (const sealed of [3, 40, 90]) {
        const children = [1, 2].map(() =>
          startChild('./audit-child.ts', [opened.url, secret, String(clock.now())]),
        );
        await Promise.all(children.map((child) => child.waitForLine((line) => Number(line) > sealed)));
        for (const child of children) child.process.kill('SIGKILL');
        await Promise.all(children.map(({ exited }) => exited));
        clock.advance(24 * 3_600_000);
        expect((await verify()).findings).toEqual([]);
      }
      await seal();
      const { findings, records, lastSeq, waiting } = await verify();
      expect({ findings, waiting }).toEqual({ findings: [], waiting: { count: 0 } });
      expect(records).toBe(lastSeq);
      expect(records).toBeGreaterThan(250);
    });
  });

  if (store === sqliteStore)
    it('verifies 100,000 records with flat memory', async () => {
      const { audit } = acme();
      for (let from = 0; from < 100_000; from += 2_000)
        await Promise.all(
          Array.from({ length: 2_000 }, (_, n) =>
            audit.append({
              ...{ id: `record-${from + n}`, at: clock.now() + from + n, action: 'sign_in.page' },
              ...{ outcome: 'success', actor: 'alice', reason: 'x'.repeat(200) },
            }),
          ),
        );
      clock.advance(100_000 + settleMs);
      expect(await seal()).toBe(100_000);
      const before = heapInUse();
      const used: number[] = [];
      let pages = 0;
      const { auditChain } = acme();
      const chain: typeof auditChain = {
        ...auditChain,
        links: async (page) => {
          pages += 1;
          if (pages % 50 === 0) used.push(heapInUse() - before);
          return auditChain.links(page);
        },
      };
      expect(await verifyChain({ chain, keys })).toMatchObject({ findings: [], records: 100_000 });
      expect(used.length).toBeGreaterThan(3);
      expect(Math.max(...used)).toBeLessThan(10_000_000);
    }, 300_000);
});
