import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exchange } from './demo/http-exchange.ts';
import { median } from './load/run-load.ts';
import { openTargetClient } from './load/target-client.ts';
import type { Table } from './report/tables.ts';
import { plainTenantYaml, serviceClient } from './targets/fixtures.ts';
import { startTarget, type TargetProcess } from './targets/target-process.ts';

export interface TenantsResult {
  readonly files: number;
  readonly listeningMs: number;
  readonly checkedMs: number;
  readonly coldDiscoveryMs: readonly number[];
  readonly coldTokenMs: readonly number[];
  readonly warmLimit: number;
  readonly touched: number;
  readonly rssMiB: {
    readonly checked: number;
    /** As many warm as the limit allows. */
    readonly warm: number;
    /** After as many again, and again. */
    readonly after: number;
  };
}

export interface TenantsOptions {
  readonly count: number;
  /** Node that the server runs on. */
  readonly node: string;
  readonly progress: (line: string) => void;
}

/** Many tenant files on the embedded store: the start, the first answers of cold tenants, and memory. */
export const measureTenants = async ({ count, node, progress }: TenantsOptions): Promise<TenantsResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-tenants-'));
  const tenantsDirectory = join(folder, 'tenants');
  mkdirSync(tenantsDirectory);
  const ids = Array.from({ length: count }, (_, number) => `tenant-${String(number).padStart(5, '0')}`);
  for (const id of ids) writeFileSync(join(tenantsDirectory, `${id}.yaml`), plainTenantYaml(id));
  const touched = ids.slice(0, Math.min(120, count));
  const warmLimit = Math.ceil(touched.length / 3);
  const task = {
    kind: 'drawbridge' as const,
    storageUrl: `file:${join(folder, 'data')}`,
    hashing: { memoryKiB: 19_456, iterations: 2, parallelism: 1 },
    secretKey: randomBytes(32).toString('base64url'),
    tenantsDirectory,
    warmLimit,
  };
  try {
    progress(`tenants: keys for ${touched.length}`);
    const first = await startTarget({ task, node });
    for (const id of touched) await discover(first, id);
    await first.stop();

    progress(`tenants: start with ${count} files`);
    const startedAt = performance.now();
    const server = await startTarget({ task, node });
    const listeningMs = performance.now() - startedAt;
    const checkedMs = await untilReady(server, startedAt);
    const checkedRss = await rssMiB(server);

    const coldDiscoveryMs: number[] = [];
    const coldTokenMs: number[] = [];
    let warmRss = checkedRss;
    for (const [at, id] of touched.entries()) {
      if (at === warmLimit) warmRss = await rssMiB(server);
      const calledAt = performance.now();
      if (at % 2 === 0) {
        await discover(server, id);
        coldDiscoveryMs.push(performance.now() - calledAt);
      } else {
        await askToken(server, id);
        coldTokenMs.push(performance.now() - calledAt);
      }
    }
    const rss = { checked: checkedRss, warm: warmRss, after: await rssMiB(server) };
    await server.stop();
    return {
      ...{ files: count, listeningMs, checkedMs, coldDiscoveryMs, coldTokenMs },
      ...{ warmLimit, touched: touched.length, rssMiB: rss },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const discover = async ({ origin }: TargetProcess, id: string): Promise<void> => {
  (await openTargetClient(`${origin}/oauth/${id}`)).close();
};

const askToken = async ({ origin }: TargetProcess, id: string): Promise<void> => {
  const { client_id, client_secret } = serviceClient;
  const credentials = Buffer.from(`${client_id}:${client_secret}`).toString('base64');
  const answer = await exchange(new URL(`${origin}/oauth/${id}/token`), {
    form: { grant_type: 'client_credentials' },
    headers: { Authorization: `Basic ${credentials}` },
  });
  if (answer.status !== 200)
    throw new Error(`expected a token of ${id}, saw ${answer.status}: ${answer.text}`);
};

const untilReady = async ({ origin }: TargetProcess, startedAt: number): Promise<number> => {
  for (;;) {
    const { status } = await exchange(new URL(`${origin}/readyz`));
    const passed = performance.now() - startedAt;
    if (status === 200) return passed;
    if (passed > 120_000) throw new Error('the files were not checked within two minutes');
    await delay(25);
  }
};

const rssMiB = async (server: TargetProcess): Promise<number> => (await server.usage()).rssBytes / 2 ** 20;

export const tenantsTable = (result: TenantsResult): Table => {
  const { rssMiB: rss, coldDiscoveryMs, coldTokenMs, warmLimit } = result;
  const aim = (value: number, most: number, unit: string): string =>
    `≤ ${most} ${unit} ${value <= most ? '✓' : '✗'}`;
  const spread = (values: readonly number[]): string =>
    `median ${median(values).toFixed(0)} ms, most ${Math.max(...values).toFixed(0)} ms`;
  const seconds = (value: number): string => `${(value / 1000).toFixed(2)} s`;
  return {
    title: `${result.files} tenant files (embedded store)`,
    head: ['what', 'seen', 'aim'],
    rows: [
      [
        'from the start of the process to listening',
        seconds(result.listeningMs),
        aim(result.listeningMs / 1000, 2, 's'),
      ],
      ['… to all files checked', seconds(result.checkedMs), aim(result.checkedMs / 1000, 10, 's')],
      [
        'first answer of a cold tenant, discovery',
        spread(coldDiscoveryMs),
        aim(median(coldDiscoveryMs), 50, 'ms'),
      ],
      [
        'first answer of a cold tenant, client credentials',
        spread(coldTokenMs),
        aim(median(coldTokenMs), 50, 'ms'),
      ],
      ['memory (RSS) with all files checked', `${rss.checked.toFixed(0)} MiB`, ''],
      [`… with ${warmLimit} warm tenants, which is the limit here`, `${rss.warm.toFixed(0)} MiB`, ''],
      [`… after ${result.touched} tenants under that limit`, `${rss.after.toFixed(0)} MiB`, ''],
    ],
  };
};
