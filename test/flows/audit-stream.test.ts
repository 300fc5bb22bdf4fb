// Audit records on their way to other systems, over real HTTP and into real files.
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createAudit } from '../../src/audit/audit.ts';
import { createChainKeys } from '../../src/audit/chain/chain-keys.ts';
import { createChainSealer, settleMs } from '../../src/audit/chain/seal-chain.ts';
import { recordsPerBatch } from '../../src/audit/stream/audit-stream.ts';
import type { AuditRules, TenantDefinition } from '../../src/config/tenant/tenant-definition.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { createLog } from '../../src/log.ts';
import { type AuditStreaming, startAuditStreaming } from '../../src/server/audit-streaming.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { type AuditReceiver, openAuditReceiver } from '../support/audit-receiver.ts';
import { startChild } from '../support/child.ts';
import { dumpStore } from '../support/dump-store.ts';
import { eventually } from '../support/eventually.ts';
import { eachStore, type OpenedStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const masterKey = createMasterKey('the master key of this installation, 42');
const key = Buffer.from('a key of thirty-two random bytes');
const secret = `whsec_${key.toString('base64')}`;
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

eachStore((store) => {
  let opened: OpenedStore;
  let clock: TestClock;
  let storages: readonly [Storage, Storage];
  let streamings: readonly AuditStreaming[];
  let streams: Record<string, AuditRules['stream']>;
  let receiver: AuditReceiver;
  let lines: string[];
  let log: ReturnType<typeof createLog>;
  let folder: string;

  beforeEach(async () => {
    opened = await store.open();
    clock = createTestClock(Date.UTC(2031, 4, 5));
    lines = [];
    log = createLog({ level: 'debug' }, { write: (line) => void lines.push(line) });
    const open = () => openStorage({ url: opened.url, clock, log });
    storages = [await open(), await open()];
    receiver = await openAuditReceiver(key);
    folder = await mkdtemp(join(tmpdir(), 'drawbridge-stream-'));
    streams = { acme: { webhook: { url: receiver.url, secret } } };
    const known = () =>
      Object.entries(streams).map(([id, stream]) => ({ id, audit: { stream } }) as TenantDefinition); // what is looked at
    streamings = storages.map((storage) => startAuditStreaming({ storage, tenants: { known }, clock, log }));
  });
  afterEach(async () => {
    await receiver.close();
    for (const streaming of streamings) await streaming.close();
    for (const storage of storages) await storage.close();
    await opened.cleanup();
    await rm(folder, { recursive: true });
  });

  const at = (instance: number, tenant = 'acme') => (storages[instance % 2] as Storage).forTenant(tenant); // there are two
  const auditOf = (tenant = 'acme') => createAudit({ records: at(0, tenant).audit, log, clock });
  const note = async (count: number, tenant = 'acme'): Promise<void> => {
    const audit = auditOf(tenant);
    for (let n = 0; n < count; n += 1)
      await audit.note({ action: 'user.edit', outcome: 'success', actor: 'cli', object: `sub-${n}` });
    clock.advance(settleMs);
    const keys = createChainKeys(tenant, masterKey);
    await createChainSealer({ chain: at(0, tenant).auditChain, keys, clock, log }).seal();
  };
  const look = async (): Promise<void> => {
    await Promise.all(streamings.map((streaming) => streaming.look()));
  };
  const stateOf = async (tenant = 'acme') => (await at(1, tenant).auditStreams.list())[0];

  describe('the webhook of a tenant', () => {
    it('gets each record once, in the order of the chain, signed, from two instances', async () => {
      for (let round = 0; round < 5; round += 1) {
        const writing = note(60);
        for (let n = 0; n < 4; n += 1) await look();
        await writing;
      }
      await look();
      expect(receiver.taken).toEqual(numbers(1, 300));
      for (const { isSigned, headers, seqs } of receiver.requests) {
        expect(isSigned).toBe(true);
        expect(headers['webhook-id']).toBe(`audit_acme_${seqs[0]}_${seqs.at(-1)}`);
        expect(seqs.length).toBeLessThanOrEqual(recordsPerBatch);
      }
      const [first] = JSON.parse(receiver.requests[0]?.body ?? '').data.records;
      expect(first).toMatchObject({
        ...{ seq: 1, tenant: 'acme', action: 'user.edit', actorKind: 'operator' },
      });
      expect(JSON.parse(receiver.requests[0]?.body ?? '')).toMatchObject({
        ...{ type: 'audit.records', data: { tenant: 'acme' } },
      });
    });

    it('that is down, or refuses, gets them later, in order, and none is left out', async () => {
      await note(20);
      for (const how of [500, 302, 410, 429]) {
        receiver.answer(how);
        clock.advance(300_000);
        await look();
      }
      expect(receiver.requests).toHaveLength(4); // no redirect was followed
      const port = Number(new URL(receiver.url).port);
      await receiver.close();
      clock.advance(300_000);
      await look();
      expect(await stateOf()).toMatchObject({ seq: 0, failures: 5, lastOutcome: 'ECONNREFUSED' });
      await note(130);
      receiver = await openAuditReceiver(key, port);
      await look();
      expect(receiver.requests).toEqual([]); // its pause is not over
      clock.advance(300_000);
      await look();
      await look();
      expect(receiver.taken).toEqual(numbers(1, 150));
      expect(await stateOf()).toMatchObject({ seq: 150, failures: 0, lastOutcome: 'HTTP 204' });
      const all = lines.join('');
      expect(all).toContain('audit records are delivered again');
      for (const hidden of [secret, key.toString(), key.toString('base64')]) {
        expect(all).not.toContain(hidden);
        expect(await dumpStore(opened.url)).not.toContain(hidden);
      }
    });

    it('that does not answer holds up neither another tenant nor those who sign in', async () => {
      const other = await openAuditReceiver(key);
      streams = { ...streams, globex: { webhook: { url: other.url, secret } } };
      await note(5);
      await note(5, 'globex');
      receiver.answer('silence');
      const looking = look();
      await eventually('the other tenant has its records', () => other.taken.length === 5, 8_000);
      await auditOf().note({ action: 'sign_in.page', outcome: 'success', actor: 'alice' });
      await eventually('a request is under way', () => receiver.requests.length === 1, 8_000);
      for (const streaming of streamings) await streaming.close();
      await looking;
      await other.close();
      // an attempt that was broken off here counts for nothing, and the next process goes on at once
      expect(await stateOf()).toEqual({ target: 'webhook', seq: 0, failures: 0, nextAttemptAt: 0 });
    });

    it('loses none and gets them in order when a process is killed in the middle', async () => {
      await note(250);
      receiver.answer('silence');
      const child = startChild('./audit-stream-child.ts', [
        opened.url,
        receiver.url,
        secret,
        String(clock.now()),
      ]);
      try {
        await eventually('a request is under way', () => receiver.requests.length === 1, 8_000);
      } finally {
        child.process.kill('SIGKILL');
      }
      await child.exited;
      receiver.answer(204);
      await look();
      expect(receiver.taken).toEqual([]); // the lease of the killed process
      clock.advance(70_000);
      await look();
      expect(receiver.taken).toEqual(numbers(1, 250));
    });

    it('gets them at once when an instance whose clock was ahead has put them off', async () => {
      await note(3);
      const year = 365 * 24 * 3_600_000;
      const ahead = { holder: 'ahead', nowMs: clock.now() + year, leaseUntilMs: clock.now() + year };
      await at(0).auditStreams.claim('webhook', ahead);
      const failed = { seq: 0, failures: 1, nextAttemptAt: clock.now() + year };
      await at(0).auditStreams.settle('webhook', failed, ahead);
      await look();
      expect(receiver.taken).toEqual([1, 2, 3]);
    });

    it('gets all that is kept when its place is beyond the end of the chain', async () => {
      await note(3);
      const turn = { holder: 'somebody', nowMs: clock.now(), leaseUntilMs: 0 };
      await at(0).auditStreams.claim('webhook', turn);
      await at(0).auditStreams.settle('webhook', { seq: 1_000_000, failures: 0, nextAttemptAt: 0 }, turn);
      await look();
      expect(receiver.taken).toEqual([1, 2, 3]);
      expect(lines.filter((line) => line.includes('beyond the end of the chain'))).toHaveLength(1);
      await at(0).auditChain.removeLinks({ fromSeq: 1, toSeq: 3 });
      await look();
      // when the retention of all is over the last checkpoint says where the chain goes on
      expect(await stateOf()).toMatchObject({ seq: 3 });
    });

    it('learns of records that were removed before it got them', async () => {
      await note(3);
      await look();
      await note(3);
      await at(0).auditChain.removeLinks({ fromSeq: 4, toSeq: 5 });
      await look();
      await note(0);
      await look();
      expect(receiver.taken).toEqual([1, 2, 3, 6, 7]);
      expect(JSON.parse(receiver.requests.at(-1)?.body ?? '').data.records[0]).toMatchObject({
        ...{ action: 'audit.stream_gap', actorKind: 'server' },
        reason: 'webhook: 4 to 5 were removed before they were delivered',
      });
    });
  });

  describe('the file of a tenant', () => {
    const seqsIn = async (path: string) =>
      (await readFile(path, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { seq: number }).seq);

    it('gets a line for each record, goes on after a rename, and after a line that was broken off', async () => {
      const path = join(folder, 'acme.jsonl');
      streams = { acme: { file: path } };
      await note(150);
      await look();
      await rename(path, `${path}.1`);
      await note(10);
      await look();
      expect(await seqsIn(`${path}.1`)).toEqual(numbers(1, 150));
      expect(await seqsIn(path)).toEqual(numbers(151, 160));
      await writeFile(path, `${await readFile(path, 'utf8')}{"seq":16`);
      await note(1);
      await look();
      const [broken, last] = (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-2);
      expect(broken).toBe('{"seq":16');
      expect(JSON.parse(last ?? '')).toMatchObject({ seq: 161 });
    });

    it('that cannot be written gets them later', async () => {
      const path = join(folder, 'later', 'acme.jsonl');
      streams = { acme: { file: path } };
      await note(2);
      await look();
      expect(await stateOf()).toMatchObject({ seq: 0, failures: 1, lastOutcome: 'ENOENT' });
      streams = { acme: { file: join(folder, 'acme.jsonl') } };
      clock.advance(1_000);
      await look();
      expect(await seqsIn(join(folder, 'acme.jsonl'))).toEqual([1, 2]);
    });
  });
});
