import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { createChainKeys } from '../../src/audit/chain/chain-keys.ts';
import { createChainSealer } from '../../src/audit/chain/seal-chain.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { openTampering } from '../support/audit-tampering.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, serviceTenant } from './installation.ts';

describe('audit', () => {
  let home: Installation;
  const data = () => join(home.folder, 'data');
  const clock = { now: () => Date.now() + 60_000 };
  const log = pino({ enabled: false });

  /** As a running server does each minute. */
  const seal = async (): Promise<void> => {
    const storage = await openStorage({ url: `file:${data()}`, clock, log });
    const masterKey = createMasterKey(readFileSync(join(data(), 'master.key'), 'utf8'));
    const { auditChain: chain } = storage.forTenant('acme');
    await createChainSealer({ chain, keys: createChainKeys('acme', masterKey), clock, log }).seal();
    await storage.close();
  };

  beforeAll(async () => {
    await ensureBuilt();
    home = await createInstallation();
    home.putTenant('acme', serviceTenant());
    for (const name of ['one', 'two']) await home.run(['user', 'add', 'acme', name, '--system']);
  }, 120_000);
  afterAll(() => home.remove());

  const verify = (...more: readonly string[]) => home.run(['audit', 'verify', 'acme', ...more]);

  it('export and tail write the records in three formats', async () => {
    const lines = async (...args: readonly string[]) => {
      const { code, stdout } = await home.run(['audit', ...args]);
      expect(code).toBe(0);
      return stdout.trimEnd().split('\n');
    };
    const names = (found: readonly string[]) => found.map((line) => JSON.parse(line).action);
    expect(names(await lines('export', 'acme'))).toEqual(['user.add', 'user.add']);
    expect(await lines('export', 'acme', '--format', 'csv')).toEqual([
      expect.stringMatching(/^"seq","time",/),
      ...[1, 2].map(() => expect.stringContaining('"acme","user.add","success","cli"')),
    ]);
    expect(await lines('export', 'acme', '--format', 'cef', '--since', '1h')).toEqual(
      [1, 2].map(() => expect.stringMatching(/^CEF:0\|Drawbridge\|Drawbridge\|[\w.-]+\|user\.add\|/)),
    );
    expect(await lines('export', 'acme', '--until', '1h')).toEqual(['']);
    const all = await lines('tail', 'acme');
    expect(names(all)).toEqual(['user.add', 'user.add']);
    expect(await lines('tail', 'acme', '-n', '1')).toEqual(all.slice(-1));
    for (const wrong of [
      ['export', 'acme', '--since', 'yesterday'],
      ['tail', 'acme', '-n', '0'],
    ])
      expect(await home.run(['audit', ...wrong])).toMatchObject({ code: 2, stdout: '' });
  });

  it('streams shows how far a receiver is, and doctor reports one that takes nothing', async () => {
    home.putTenant('globex', serviceTenant());
    expect((await home.run(['audit', 'streams', 'globex'])).stdout).toBe(
      'The file of globex has no audit.stream.\n',
    );
    home.putTenant('globex', serviceTenant({ audit: { stream: { file: '/nowhere/globex.jsonl' } } }));
    const shown = await home.run(['audit', 'streams', 'globex']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^RECEIVER +HAS +OF +WAITING .*\nfile +0 +0 +0 +- +0 +- +- +-\n$/);
    const storage = await openStorage({ url: `file:${data()}`, clock, log });
    const { auditStreams } = storage.forTenant('globex');
    const holder = 'somebody';
    await auditStreams.claim('file', { holder, nowMs: 0, leaseUntilMs: 0 });
    await auditStreams.settle(
      'file',
      { seq: 0, failures: 3, nextAttemptAt: 0, lastOutcome: 'ENOENT' },
      { holder, leaseUntilMs: 0 },
    );
    const doctor = async () => (await home.run(['doctor', 'globex'])).stdout;
    expect(await doctor()).toContain('audit.stream.file takes no records: ENOENT at the last of 3 attempts.');
    const beyond = { seq: 1_000_000, failures: 0, nextAttemptAt: 0 };
    await auditStreams.settle('file', beyond, { holder, leaseUntilMs: 0 });
    await storage.close();
    expect(await doctor()).toContain('audit.stream.file is at 1000000, and the chain ends at 0');
  });

  it('verify says what is in the chain, what waits, and what was changed', async () => {
    const waiting = await verify();
    expect(waiting).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 records are not in it yet'),
    });
    await seal();
    const good = await verify();
    expect(good).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringMatching(/^2 records are in the chain of acme, 1 to 2, /),
    });
    const checkpoint = good.stdout.trimEnd().split('\n').at(-1) ?? '';
    expect(await verify('--checkpoint', checkpoint)).toMatchObject({ code: 0 });
    expect(await verify('--checkpoint', `${checkpoint}x`)).toMatchObject({ code: 2 });
    expect(await home.run(['audit', 'verify', 'acmee'])).not.toMatchObject({ code: 0 });

    const report = JSON.parse((await verify('--json')).stdout);
    expect(report).toMatchObject({ findings: [], records: 2, checkpoint: { seq: 2, jws: checkpoint } });
    const tampering = await openTampering(`file:${data()}`);
    await tampering.removeLinks(2, 2);
    await tampering.removeCheckpoints(0);
    await tampering.close();
    expect(await verify('--checkpoint', checkpoint)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('removed: 2 is not in the chain any more.'),
      stderr: expect.stringContaining('not as Drawbridge has written it'),
    });
  });
});
