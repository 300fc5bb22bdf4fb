import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { createFileWriting } from '../../src/audit/stream/file.ts';

const batch = { tenant: 'acme', fromSeq: 1, toSeq: 1, lines: ['{"seq":1}'] };
const open = new AbortController().signal;

it('a file of audit records is a regular one: no pipe, no link', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-file-'));
  try {
    const at = (name: string) => join(folder, name);
    execFileSync('mkfifo', [at('pipe')]);
    await writeFile(at('other'), '');
    await symlink(at('other'), at('link'));
    const writing = createFileWriting();
    for (const name of ['pipe', 'link'])
      expect(await writing.targetOf(at(name)).deliver(batch, open)).toEqual({
        isDelivered: false,
        words: 'not a regular file',
      });
    expect(await readFile(at('other'), 'utf8')).toBe('');
    expect(await writing.targetOf(at('new')).deliver(batch, open)).toMatchObject({ isDelivered: true });
    expect(await readFile(at('new'), 'utf8')).toBe('{"seq":1}\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('a file system that hangs is given up, not asked again meanwhile, and does not hold up the end', async () => {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const append = (path: string) => {
    begun.push(path);
    return new Promise<void>((resolve) => void ends.push(resolve));
  };
  const writing = createFileWriting({ append, timeoutMs: 20, closingTimeoutMs: 20 });
  const timedOut = { isDelivered: false, words: 'timeout' };
  const to = (path: string) => writing.targetOf(path).deliver(batch, open);
  for (const path of ['/one', '/one', '/two', '/three']) expect(await to(path)).toEqual(timedOut);
  // of the few threads of Node two are held at most
  expect(begun).toEqual(['/one', '/two']);
  for (const end of ends) end();
  await new Promise(setImmediate);
  const closing = new AbortController();
  const patient = createFileWriting({ append, timeoutMs: 600_000, closingTimeoutMs: 20 });
  const last = patient.targetOf('/one').deliver(batch, closing.signal);
  closing.abort();
  expect(await last).toEqual(timedOut);
  const again = to('/one');
  ends.at(-1)?.();
  expect(await again).toMatchObject({ isDelivered: true });
});
