// What sign-ins cost whose people are kept elsewhere: in a directory with and without its pool, and at another provider.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { exchange } from './demo/http-exchange.ts';
import { type BenchDirectory, startDirectory } from './directory/start-slapd.ts';
import { processCpuMicros } from './load/process-cpu.ts';
import { median, percentile, runLoad } from './load/run-load.ts';
import { signInWithCode } from './load/sign-in-flows.ts';
import { openTargetClient, type TargetClient } from './load/target-client.ts';
import type { BenchOptions } from './options.ts';
import type { Table } from './report/tables.ts';
import { migratorClient, people, tenantId, tenantYaml } from './targets/fixtures.ts';
import { startTarget, type TargetProcess } from './targets/target-process.ts';

interface Scenario {
  readonly tenant: string;
  readonly label: string;
  readonly count: number;
  /** Tenant whose same flow the figures are compared with. */
  readonly baseline: string;
  readonly flow: (target: TargetClient, caller: number) => Promise<unknown>;
}

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuMs: number;
  readonly directoryCpuMs?: number;
}

const personOf = (caller: number) => {
  const person = people[caller % people.length];
  if (person === undefined) throw new Error('there are no people');
  return person;
};

const passwordGrant: Scenario['flow'] = (target, caller) => {
  const { username, password } = personOf(caller);
  const form = { grant_type: 'password', username, password, scope: 'openid profile email' };
  return target.post(target.endpoint('token_endpoint'), form, migratorClient);
};

const codeFlow: Scenario['flow'] = (target, caller) => signInWithCode(target, personOf(caller));

/** Hashes cost next to nothing here, so that the ways to the people are what is compared. */
const scenarios: readonly Scenario[] = [
  { tenant: tenantId, label: 'password grant, local list', count: 160, baseline: '', flow: passwordGrant },
  {
    tenant: 'pooled',
    label: '… LDAP over TLS, connections kept',
    count: 160,
    baseline: `password grant, local list`,
    flow: passwordGrant,
  },
  {
    tenant: 'unpooled',
    label: '… LDAP over TLS, a connection for each operation',
    count: 160,
    baseline: `password grant, local list`,
    flow: passwordGrant,
  },
  { tenant: tenantId, label: 'code flow, local list', count: 64, baseline: '', flow: codeFlow },
  {
    tenant: 'branch',
    label: '… at an upstream (both sides in this server)',
    count: 64,
    baseline: 'code flow, local list',
    flow: codeFlow,
  },
];

/** @param slapd path of the directory server */
export const measureFederation = async (
  slapd: string,
  options: Pick<BenchOptions, 'rounds' | 'concurrency' | 'scale' | 'node' | 'quick'>,
  progress: (line: string) => void,
): Promise<Table> => {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-federation-'));
  const tenantsDirectory = join(folder, 'tenants');
  mkdirSync(tenantsDirectory);
  const directory = await startDirectory(slapd, {
    people: people.map((person) => ({ ...person, groups: ['staff'] })),
    nesting: {},
    isTls: true,
  });
  let server: TargetProcess | undefined;
  const clients = new Map<string, TargetClient>();
  try {
    server = await startTarget({
      task: {
        kind: 'drawbridge',
        storageUrl: `file:${join(folder, 'data')}`,
        hashing: { memoryKiB: 8, iterations: 1, parallelism: 1 },
        secretKey: randomBytes(32).toString('base64url'),
        tenantsDirectory,
      },
      node: options.node,
    });
    for (const [id, text] of Object.entries(tenantFiles(server.origin, directory)))
      writeFileSync(join(tenantsDirectory, `${id}.yaml`), text);
    for (const { tenant } of scenarios) {
      const issuer = `${server.origin}/oauth/${tenant}`;
      await untilServed(issuer);
      clients.set(tenant, await openTargetClient(issuer));
    }
    const results = new Map<string, Figures[]>();
    // Round 0 warms up, and does not count.
    for (let round = options.quick ? 1 : 0; round <= options.rounds; round += 1) {
      for (const scenario of round % 2 === 0 ? scenarios : scenarios.toReversed()) {
        const client = clients.get(scenario.tenant);
        if (client === undefined) throw new Error(`${scenario.tenant} has no client`);
        const figures = await measure({ scenario, client, server, directory }, options);
        if (round > 0) results.set(scenario.label, [...(results.get(scenario.label) ?? []), figures]);
        progress(`federation, round ${round} of ${options.rounds}: ${scenario.label}`);
      }
    }
    return toTable(results);
  } finally {
    for (const client of clients.values()) client.close();
    await server?.stop();
    await directory.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

const tenantFiles = (origin: string, directory: BenchDirectory): Readonly<Record<string, string>> => {
  const { users: _users, ...withoutPeople } = parse(tenantYaml());
  const ldap = (size: number) => ({
    id: 'directory',
    type: 'ldap',
    url: directory.url,
    tls: { ca: directory.ca },
    bind: directory.service,
    search: { base: directory.peopleBase },
    groups: { from: 'member', base: directory.groupsBase },
    pool: { size },
  });
  const home = parse(tenantYaml());
  const upstreamClient = {
    client_id: 'branch',
    client_secret: 'bench-only-secret-of-the-branch-tenant',
    redirect_uris: [`${origin}/oauth/branch/upstream/home/callback`],
    firstParty: true,
  };
  const upstream = {
    id: 'home',
    type: 'oidc',
    issuer: `${origin}/oauth/${tenantId}`,
    clientId: upstreamClient.client_id,
    clientSecret: upstreamClient.client_secret,
  };
  return {
    [tenantId]: stringify({ ...home, clients: [...home.clients, upstreamClient] }),
    pooled: stringify({ ...withoutPeople, sources: [ldap(8)] }),
    unpooled: stringify({ ...withoutPeople, sources: [ldap(0)] }),
    branch: stringify({ ...withoutPeople, sources: [upstream] }),
  };
};

interface Measurement {
  readonly scenario: Scenario;
  readonly client: TargetClient;
  readonly server: TargetProcess;
  readonly directory: BenchDirectory;
}

const measure = async (
  { scenario, client, server, directory }: Measurement,
  { concurrency, scale }: Pick<BenchOptions, 'concurrency' | 'scale'>,
): Promise<Figures> => {
  const readDirectory = (): Promise<number | undefined> => processCpuMicros(directory.pid(), 'slapd');
  const [before, directoryBefore] = [await server.usage(), await readDirectory()];
  const { done, seconds, latencies } = await runLoad({
    callers: Array.from({ length: concurrency }, (_, caller) => () => scenario.flow(client, caller)),
    count: Math.max(concurrency, Math.ceil(scenario.count * scale)),
    limitMs: 60_000,
  });
  const [after, directoryAfter] = [await server.usage(), await readDirectory()];
  return {
    perSecond: done / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    serverCpuMs: (after.cpuMicros - before.cpuMicros) / 1000 / done,
    ...(directoryBefore === undefined || directoryAfter === undefined
      ? {}
      : { directoryCpuMs: (directoryAfter - directoryBefore) / 1000 / done }),
  };
};

const toTable = (results: ReadonlyMap<string, readonly Figures[]>): Table => {
  const of = (label: string, name: keyof Figures): number =>
    median((results.get(label) ?? []).map((figures) => figures[name] ?? Number.NaN));
  return {
    title: 'People kept elsewhere (embedded store, hashes of no cost)',
    head: [
      'sign-in',
      'operations/s',
      'p50 ms',
      'p99 ms',
      'server CPU ms',
      'directory CPU ms',
      'server CPU ratio',
    ],
    rows: scenarios.map(({ label, baseline }) => [
      label,
      of(label, 'perSecond').toFixed(0),
      of(label, 'p50Ms').toFixed(1),
      of(label, 'p99Ms').toFixed(1),
      of(label, 'serverCpuMs').toFixed(2),
      of(label, 'directoryCpuMs').toFixed(2),
      baseline === '' ? '1' : `${(of(label, 'serverCpuMs') / of(baseline, 'serverCpuMs')).toFixed(2)}×`,
    ]),
  };
};

/** A tenant's file is live within a second. */
const untilServed = async (issuer: string): Promise<void> => {
  const startedAt = performance.now();
  for (;;) {
    const { status } = await exchange(new URL(`${issuer}/.well-known/openid-configuration`));
    if (status === 200) return;
    if (performance.now() - startedAt > 10_000)
      throw new Error(`${issuer} answers ${status}; its file is wrong`);
    await delay(50);
  }
};
