import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { StorageRole } from '../../src/storage/engine-options.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { ArtifactRef, Storage } from '../../src/storage/storage.ts';
import { type Child, startChild } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { type OpenedStore, sqliteStore } from '../support/stores.ts';
import { artifact, times } from './storage-samples.ts';

const clock = { now: () => Date.UTC(2031, 4, 5) };
const later = clock.now() / 1000 + 3600;

describe('several processes on one SQLite store', () => {
  let store: OpenedStore;
  let children: Child[];

  beforeEach(async () => {
    store = await sqliteStore.open();
    children = [];
  });

  afterEach(async () => {
    for (const child of children) child.process.kill('SIGKILL');
    await Promise.all(children.map(({ exited }) => exited));
    await store.cleanup();
  });

  const open = (role: StorageRole = 'cli'): Promise<Storage> =>
    openStorage({ url: store.url, clock, log: pino({ enabled: false }), role });

  const start = (job: string, name = ''): Child => {
    const child = startChild('./storage-child.ts', [job, store.url, name]);
    children.push(child);
    return child;
  };

  const countLost = async (acknowledged: readonly string[]): Promise<number> => {
    const storage = await open();
    const { artifacts } = storage.forTenant('acme');
    let found = 0;
    for (let from = 0; from < acknowledged.length; from += 500) {
      const refs: ArtifactRef[] = acknowledged
        .slice(from, from + 500)
        .map((id) => ({ kind: 'AccessToken', id }));
      const loaded = await artifacts.load(refs);
      found += loaded.artifacts.filter(({ id, payload }) => payload === `{"id":"${id}"}`).length;
    }
    await storage.close();
    return acknowledged.length - found;
  };

  it('loses nothing acknowledged to SIGKILL, at any moment, and opens without repair', async () => {
    const acknowledged: string[] = [];
    for (const round of times(6, (n) => n)) {
      const writers = times(2, (n) => start('write', `r${round}w${n}`));
      await Promise.all(
        writers.map((writer) => writer.waitForLine((line) => line.endsWith(`-${50 + round * 37}`))),
      );
      for (const writer of writers) writer.process.kill('SIGKILL');
      await Promise.all(writers.map((writer) => writer.exited));
      // The last line may have been cut off by the kill.
      acknowledged.push(
        ...writers.flatMap(({ lines }) => lines.filter((line) => /^r\dw\d-\d+$/.test(line)).slice(0, -1)),
      );
      expect(await countLost(acknowledged)).toBe(0);
    }
    expect(acknowledged.length).toBeGreaterThan(1000);
  });

  it('has 300 codes consumed exactly once each by four processes', async () => {
    const storage = await open();
    const { artifacts } = storage.forTenant('acme');
    const codes = times(300, (n) => artifact({ kind: 'AuthorizationCode', id: `${n}`, expiresAt: later }));
    await artifacts.write(codes.map((code) => ({ op: 'put', artifact: code })));
    const consumers = times(4, () => start('consume'));
    expect(await Promise.all(consumers.map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
    const wins = consumers.flatMap(({ lines }) => lines);
    expect(wins).toHaveLength(300);
    expect(new Set(wins).size).toBe(300);
    await storage.close();
  });

  it('reports to each process what another has ended, within a second', async () => {
    const watcher = start('watch');
    await watcher.waitForLine((line) => line === 'watching');
    const storage = await open();
    await storage.forTenant('acme').events.publish({ what: 'account', id: 'from-here', reason: 'r', at: 1 });
    await eventually('it is heard', () => watcher.lines.includes('from-here'), 1000);
    const heard: string[] = [];
    await storage.watchEvents({ event: ({ id }) => heard.push(id), lost: () => heard.push('lost') });
    const publisher = start('publish', 'from-there');
    expect(await publisher.exited).toBe(0);
    await eventually('all hear it', () => heard.length === 1 && watcher.lines.includes('from-there'), 1000);
    expect(heard).toEqual(['from-there']);
    expect(watcher.lines).toEqual(['watching', 'from-here', 'from-there']);
    await storage.close();
  });

  it('refuses a second server on the same folder, and accepts workers and the command line', async () => {
    const first = start('serve');
    await first.waitForLine((line) => line === 'serving');
    await expect(open('server')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Another Drawbridge server is running'),
    });
    for (const role of ['worker', 'cli'] as const) {
      const storage = await open(role);
      await storage.installation.putIfAbsent(role, 'was here');
      await storage.close();
    }
  });

  it('lets a server start after the former one was killed', async () => {
    const first = start('serve');
    await first.waitForLine((line) => line === 'serving');
    first.process.kill('SIGKILL');
    await first.exited;
    const second = await open('server');
    const third = start('serve');
    await third.waitForLine((line) => line.startsWith('refused: Another Drawbridge server'));
    await second.close();
    const fourth = await open('server');
    await fourth.close();
  });

  it('keeps the files to their owner', async () => {
    const folder = `${store.url.slice('file:'.length)}/new/data`;
    const storage = await openStorage({
      url: `file:${folder}`,
      clock,
      log: pino({ enabled: false }),
      role: 'server',
    });
    await storage.installation.putIfAbsent('a', 'b');
    const mode = (file: string): number => statSync(file).mode & 0o777;
    expect(mode(folder)).toBe(0o700);
    for (const file of ['drawbridge.db', 'drawbridge.db-wal', 'drawbridge.db-shm', 'server.lock']) {
      expect(mode(`${folder}/${file}`)).toBe(0o600);
    }
    await storage.close();
  });
});
