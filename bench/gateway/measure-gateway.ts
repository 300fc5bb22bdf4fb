// What the gateway costs: decisions for other proxies by each kind of credential, and the built-in proxy beside nginx.
import { Pool } from 'undici';
import { median, percentile, runLoad } from '../load/run-load.ts';
import { runPaced } from '../load/run-paced.ts';
import type { BenchOptions } from '../options.ts';
import type { Table } from '../report/tables.ts';
import { type GatewaySite, openGatewaySite, personOf, servicePath } from './gateway-site.ts';
import { startNginx } from './start-nginx.ts';

type Options = Pick<BenchOptions, 'rounds' | 'scale' | 'node' | 'quick'>;
type Headers = Readonly<Record<string, string>>;

const callers = 16;

interface DecisionFigures {
  readonly perSecond: number;
  /** At half of the rate just measured. */
  readonly p99AtHalfMs: number;
  /** At half of the rate that is aimed at. */
  readonly p99AtAimMs: number;
  readonly cpuMs: number;
}

const aimedPerSecond = 5000;

interface Credential {
  readonly label: string;
  readonly count: number;
  /** Whether each call brings a credential that was never seen before; `prepare` is then called for each. */
  readonly isFresh: boolean;
  readonly prepare: (site: GatewaySite, number: number) => Promise<Headers>;
}

const authorization = async (value: string | Promise<string>): Promise<Headers> => ({
  authorization: await value,
});

const credentials: readonly Credential[] = [
  {
    label: 'session cookie',
    count: 8000,
    isFresh: false,
    prepare: async (site, number) => ({ cookie: await site.cookie(personOf(number)) }),
  },
  {
    label: 'JWT of ours',
    count: 8000,
    isFresh: false,
    prepare: (site, number) => authorization(site.jwt(personOf(number))),
  },
  {
    label: 'opaque token of ours',
    count: 8000,
    isFresh: false,
    prepare: (site, number) => authorization(site.opaque(personOf(number))),
  },
  {
    label: 'API key',
    count: 8000,
    isFresh: false,
    prepare: (site) => authorization(site.apiKey()),
  },
  {
    label: 'name and password, remembered',
    count: 8000,
    isFresh: false,
    prepare: (site, number) => authorization(site.basic(personOf(number))),
  },
  {
    label: 'JWT of ours, each for the first time',
    count: 400,
    isFresh: true,
    prepare: (site, number) => authorization(site.jwt(personOf(number))),
  },
  {
    label: 'opaque token of ours, each for the first time',
    count: 400,
    isFresh: true,
    prepare: (site, number) => authorization(site.opaque(personOf(number))),
  },
  {
    label: 'API key, each for the first time',
    count: 400,
    isFresh: true,
    prepare: (site) => authorization(site.apiKey()),
  },
];

/** @param nginx path of the program; without it the built-in proxy has nothing beside it but the service itself */
export const measureGateway = async (
  nginx: string | undefined,
  options: Options,
  progress: (line: string) => void,
): Promise<readonly Table[]> => {
  const site = await openGatewaySite({ node: options.node, basicCache: 60 });
  try {
    return [
      await measureDecisions(site, options, progress),
      await measureProxying(site, nginx, { options, progress }),
    ];
  } finally {
    await site.close();
  }
};

const measureDecisions = async (
  site: GatewaySite,
  options: Options,
  progress: (line: string) => void,
): Promise<Table> => {
  const pool = new Pool(site.server.origin, { connections: callers });
  const ask = async (credential: Headers): Promise<void> => {
    const { statusCode, headers, body } = await pool.request({
      path: '/api/authz/forward-auth',
      method: 'GET',
      headers: {
        'x-forwarded-method': 'GET',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': new URL(site.server.origin).host,
        'x-forwarded-uri': `${servicePath}/orders?page=2`,
        'x-forwarded-for': '192.0.2.1',
        accept: 'application/json',
        ...credential,
      },
    });
    await body.dump();
    if (statusCode !== 200 || headers['remote-user'] === '')
      throw new Error(`expected 200 and a user, saw ${statusCode} ${String(headers['x-error'])}`);
  };
  const results = new Map<string, DecisionFigures[]>();
  // Round 0 warms up, and does not count.
  for (let round = options.quick ? 1 : 0; round <= options.rounds; round += 1) {
    for (const credential of round % 2 === 0 ? credentials : credentials.toReversed()) {
      progress(`gateway, round ${round} of ${options.rounds}: ${credential.label}`);
      const figures = await measureCredential(site, credential, { options, ask });
      if (round > 0) results.set(credential.label, [...(results.get(credential.label) ?? []), figures]);
    }
  }
  await pool.close();
  const of = (label: string, name: keyof DecisionFigures): number =>
    median((results.get(label) ?? []).map((figures) => figures[name]));
  return {
    title: 'Decisions for another proxy (forward-auth, embedded store, hashes of no cost)',
    head: [
      'the caller brings',
      'decisions/s',
      'p99 ms at half of that',
      `p99 ms at ${aimedPerSecond / 2}/s`,
      'server CPU ms',
      'aim',
    ],
    rows: credentials.map(({ label, isFresh }) => [
      label,
      of(label, 'perSecond').toFixed(0),
      isFresh ? '–' : of(label, 'p99AtHalfMs').toFixed(2),
      isFresh ? '–' : of(label, 'p99AtAimMs').toFixed(2),
      of(label, 'cpuMs').toFixed(3),
      isFresh ? '' : `≥ ${aimedPerSecond}/s, < 5 ms, ≤ 0.25 ms ${isGood(of, label) ? '✓' : '✗'}`,
    ]),
  };
};

const isGood = (of: (label: string, name: keyof DecisionFigures) => number, label: string): boolean =>
  of(label, 'perSecond') >= aimedPerSecond && of(label, 'p99AtAimMs') < 5 && of(label, 'cpuMs') <= 0.25;

const measureCredential = async (
  site: GatewaySite,
  { count, isFresh, prepare }: Credential,
  { options, ask }: { readonly options: Options; readonly ask: (credential: Headers) => Promise<void> },
): Promise<DecisionFigures> => {
  const total = Math.max(callers, Math.ceil(count * options.scale));
  const prepared: Headers[] = [];
  for (let number = 0; number < (isFresh ? total : callers); number += 1)
    prepared.push(await prepare(site, number));
  let next = 0;
  const call = (): Promise<void> => {
    const credential = prepared[next++ % prepared.length];
    return credential === undefined ? Promise.reject(new Error('nothing was prepared')) : ask(credential);
  };
  if (!isFresh) for (const credential of prepared) await ask(credential);
  const before = await site.server.usage();
  const { done, seconds } = await runLoad({
    callers: Array.from({ length: callers }, () => call),
    count: total,
    limitMs: 60_000,
  });
  const after = await site.server.usage();
  const perSecond = done / seconds;
  const cpuMs = (after.cpuMicros - before.cpuMicros) / 1000 / done;
  if (isFresh) return { perSecond, cpuMs, p99AtHalfMs: Number.NaN, p99AtAimMs: Number.NaN };
  const p99At = async (rate: number): Promise<number> => {
    const { latencies } = await runPaced({ call, perSecond: rate, seconds: options.quick ? 0.3 : 2 });
    return percentile(latencies, 0.99);
  };
  return {
    perSecond,
    cpuMs,
    p99AtHalfMs: await p99At(perSecond / 2),
    p99AtAimMs: await p99At(aimedPerSecond / 2),
  };
};

interface Way {
  readonly label: string;
  readonly origin: string;
  readonly path: string;
  readonly headers: Headers;
}

interface ProxyFigures {
  readonly aloneP50Ms: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const measureProxying = async (
  site: GatewaySite,
  program: string | undefined,
  { options, progress }: { readonly options: Options; readonly progress: (line: string) => void },
): Promise<Table> => {
  const nginx = program === undefined ? undefined : await startNginx(program, site.service.origin);
  const ways: readonly Way[] = [
    { label: 'the service itself', origin: site.service.origin, path: '/', headers: {} },
    ...(nginx === undefined
      ? []
      : [{ label: 'nginx proxy_pass', origin: nginx.origin, path: '/', headers: {} }]),
    { label: 'Node and undici alone', origin: site.relay.origin, path: '/', headers: {} },
    {
      label: 'built-in proxy, session cookie',
      origin: site.server.origin,
      path: `${servicePath}/`,
      headers: { cookie: await site.cookie(personOf(0)) },
    },
  ];
  const results = new Map<string, ProxyFigures[]>();
  try {
    for (let round = options.quick ? 1 : 0; round <= options.rounds; round += 1) {
      for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
        progress(`gateway, round ${round} of ${options.rounds}: ${way.label}`);
        const figures = await measureWay(way, options);
        if (round > 0) results.set(way.label, [...(results.get(way.label) ?? []), figures]);
      }
    }
  } finally {
    await nginx?.close();
  }
  const of = (label: string, name: keyof ProxyFigures): number =>
    median((results.get(label) ?? []).map((figures) => figures[name]));
  const [direct] = ways;
  const added = (label: string): number =>
    direct === undefined ? Number.NaN : of(label, 'aloneP50Ms') - of(direct.label, 'aloneP50Ms');
  const ratio = added('built-in proxy, session cookie') / added('nginx proxy_pass');
  return {
    title: 'The same answer of the same service, reached directly and through a proxy',
    head: [
      'way',
      'p50 ms, one caller',
      'added ms',
      `requests/s, ${callers} callers`,
      'p50 ms',
      'p99 ms',
      'aim',
    ],
    rows: ways.map(({ label }) => [
      label,
      of(label, 'aloneP50Ms').toFixed(3),
      label === direct?.label ? '–' : added(label).toFixed(3),
      of(label, 'perSecond').toFixed(0),
      of(label, 'p50Ms').toFixed(2),
      of(label, 'p99Ms').toFixed(2),
      label.startsWith('built-in') && nginx !== undefined
        ? `adds ≤ 2× what nginx adds: ${ratio.toFixed(2)}× ${ratio <= 2 ? '✓' : '✗'}`
        : '',
    ]),
  };
};

const measureWay = async ({ origin, path, headers }: Way, { scale }: Options): Promise<ProxyFigures> => {
  const pool = new Pool(origin, { connections: callers });
  const call = async (): Promise<void> => {
    const { statusCode, body } = await pool.request({ path, method: 'GET', headers });
    await body.dump();
    if (statusCode !== 200) throw new Error(`expected 200, saw ${statusCode}`);
  };
  const load = (count: number, atOnce: number) =>
    runLoad({
      callers: Array.from({ length: atOnce }, () => call),
      count: Math.max(atOnce, Math.ceil(count * scale)),
      limitMs: 30_000,
    });
  const alone = await load(1500, 1);
  const together = await load(6000, callers);
  await pool.close();
  return {
    aloneP50Ms: percentile(alone.latencies, 0.5),
    perSecond: together.done / together.seconds,
    p50Ms: percentile(together.latencies, 0.5),
    p99Ms: percentile(together.latencies, 0.99),
  };
};
