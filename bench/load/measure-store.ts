import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchOptions, StoreName } from '../options.ts';
import { people, tenantId, tenantYaml } from '../targets/fixtures.ts';
import { startTarget, type TargetProcess } from '../targets/target-process.ts';
import type { HashCost, TargetKind } from '../targets/task.ts';
import { type Operation, operations } from './operations.ts';
import { median, percentile, runLoad } from './run-load.ts';
import { signInWithCode } from './sign-in-flows.ts';
import type { BenchMongod } from './store-process.ts';
import { openTargetClient, type TargetClient } from './target-client.ts';

/** Medians over the rounds. CPU is in milliseconds for one operation. */
export interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuMs: number;
  readonly storeCpuMs?: number;
  /** Commands to MongoDB for one operation. */
  readonly trips?: number;
}

export interface OperationResult {
  readonly operation: Operation;
  readonly drawbridge: Figures;
  readonly bare: Figures;
  /** Drawbridge's server CPU as a share of the bare library's: median of the ratios of the rounds. */
  readonly ratio: number;
  readonly ratioRange: readonly [least: number, most: number];
  /** Drawbridge's server CPU in constant answers of node:http. */
  readonly hellos: number;
}

export interface StoreResult {
  readonly store: StoreName;
  readonly hello: Figures;
  readonly operations: readonly OperationResult[];
}

/** The least that argon2 takes: what a sign-in costs beside the hash. */
const leastHash: HashCost = { memoryKiB: 8, iterations: 1, parallelism: 1 };
/** As config/server.yaml has it by default. */
const shippedHash: HashCost = { memoryKiB: 19_456, iterations: 2, parallelism: 1 };

interface Target {
  readonly process: TargetProcess;
  readonly client: TargetClient;
}

/** Compares on one store: every round does every operation at every target, one after the other. */
export const measureStore = async (
  store: StoreName,
  options: BenchOptions,
  {
    mongod,
    progress,
  }: { readonly mongod: BenchMongod | undefined; readonly progress: (line: string) => void },
): Promise<StoreResult> => {
  const chosen = operations.filter(({ name, isHashed }) =>
    options.only.length === 0 ? !(options.quick && isHashed) : options.only.includes(name),
  );
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-bench-'));
  const targets = new Map<string, Target>();
  const open = async (kind: TargetKind, hashing: HashCost): Promise<void> => {
    const key = `${kind} ${hashing.memoryKiB}`;
    const process_ = await startTarget({
      task: { ...commonTask(folder), kind, hashing, storageUrl: storageUrl(key, { store, folder, mongod }) },
      node: options.node,
      nodeArguments:
        kind === 'drawbridge' && options.profile !== undefined
          ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`]
          : [],
    });
    const issuer = kind === 'drawbridge' ? `${process_.origin}/oauth/${tenantId}` : process_.origin;
    const client = await openTargetClient(issuer);
    // Whatever a target does at its first sign-in, such as storing its people, is not of an operation.
    if (kind !== 'hello') for (const person of people.slice(-1)) await signInWithCode(client, person);
    targets.set(key, { process: process_, client });
  };
  const targetOf = (kind: TargetKind, isHashed: boolean): Target => {
    const target = targets.get(`${kind} ${(isHashed ? shippedHash : leastHash).memoryKiB}`);
    if (target === undefined) throw new Error(`${kind} was not started`);
    return target;
  };

  try {
    await open('hello', leastHash);
    for (const hashing of [leastHash, shippedHash]) {
      if (!chosen.some(({ isHashed }) => isHashed === (hashing === shippedHash))) continue;
      await open('bare', hashing);
      await open('drawbridge', hashing);
    }
    const rounds = new Map<string, Figures[]>();
    // Round 0 warms up, and does not count.
    for (let round = options.quick ? 1 : 0; round <= options.rounds; round += 1) {
      const record = (key: string, figures: Figures): void => {
        if (round > 0) rounds.set(key, [...(rounds.get(key) ?? []), figures]);
      };
      record('hello', await measure(targetOf('hello', false), hello, { options, mongod }));
      for (const operation of chosen) {
        // Whoever goes first may find the machine in another state, so they take turns.
        const kinds: readonly TargetKind[] =
          round % 2 === 0 ? ['drawbridge', 'bare'] : ['bare', 'drawbridge'];
        for (const kind of kinds) {
          const figures = await measure(targetOf(kind, operation.isHashed), operation, {
            options,
            mongod,
          });
          record(`${kind} ${operation.name}`, figures);
          progress(
            `${store}, round ${round} of ${options.rounds}: ${operation.name}, ${kind}: ` +
              `${figures.serverCpuMs.toFixed(2)} ms CPU, ${figures.perSecond.toFixed(0)}/s`,
          );
        }
      }
    }
    const of = (key: string): readonly Figures[] => rounds.get(key) ?? [];
    return {
      store,
      hello: medians(of('hello')),
      operations: chosen.map((operation) => {
        const ours = of(`drawbridge ${operation.name}`);
        const theirs = of(`bare ${operation.name}`);
        const ratios = ours.map(
          ({ serverCpuMs }, at) => serverCpuMs / (theirs[at]?.serverCpuMs ?? Number.NaN),
        );
        return {
          operation,
          drawbridge: medians(ours),
          bare: medians(theirs),
          ratio: median(ratios),
          ratioRange: [Math.min(...ratios), Math.max(...ratios)],
          hellos: median(
            ours.map(({ serverCpuMs }, at) => serverCpuMs / (of('hello')[at]?.serverCpuMs ?? Number.NaN)),
          ),
        };
      }),
    };
  } finally {
    for (const { client, process: process_ } of targets.values()) {
      client.close();
      await process_.stop();
    }
    rmSync(folder, { recursive: true, force: true });
  }
};

const hello: Operation = {
  name: 'hello',
  label: 'hello',
  count: 3000,
  isHashed: false,
  prepare: async (target) => () => target.get(new URL(target.origin)),
};

const commonTask = (folder: string) => {
  const tenantsDirectory = join(folder, 'tenants');
  mkdirSync(tenantsDirectory, { recursive: true });
  writeFileSync(join(tenantsDirectory, `${tenantId}.yaml`), tenantYaml());
  return { tenantsDirectory, secretKey: randomBytes(32).toString('base64url') };
};

const storageUrl = (
  key: string,
  place: { readonly store: StoreName; readonly folder: string; readonly mongod: BenchMongod | undefined },
): string => {
  const name = key.replace(' ', '-');
  if (place.store === 'sqlite') return `file:${join(place.folder, name)}`;
  if (place.mongod === undefined) throw new Error('there is no MongoDB');
  return place.mongod.urlOf(`bench-${name}-${randomBytes(4).toString('hex')}`);
};

/** One operation at one target in one round. */
const measure = async (
  target: Target,
  operation: Operation,
  { options, mongod }: { readonly options: BenchOptions; readonly mongod: BenchMongod | undefined },
): Promise<Figures> => {
  const callers: (() => Promise<unknown>)[] = [];
  for (let caller = 0; caller < options.concurrency; caller += 1) {
    callers.push(await operation.prepare(target.client, caller));
  }
  const [usageBefore, storeBefore] = [await target.process.usage(), await mongod?.meter()];
  const count = Math.max(options.concurrency, Math.round(operation.count * options.scale));
  const { done, seconds, latencies } = await runLoad({ callers, count, limitMs: 20_000 });
  const [usageAfter, storeAfter] = [await target.process.usage(), await mongod?.meter()];
  const perOperation = (micros: number): number => micros / 1000 / done;
  return {
    perSecond: done / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    serverCpuMs: perOperation(usageAfter.cpuMicros - usageBefore.cpuMicros),
    ...(storeBefore?.cpuMicros === undefined || storeAfter?.cpuMicros === undefined
      ? {}
      : { storeCpuMs: perOperation(storeAfter.cpuMicros - storeBefore.cpuMicros) }),
    ...(storeBefore === undefined || storeAfter === undefined
      ? {}
      : { trips: (storeAfter.trips - storeBefore.trips) / done }),
  };
};

const medians = (rounds: readonly Figures[]): Figures => {
  const of = (name: keyof Figures): number => median(rounds.flatMap((figures) => figures[name] ?? []));
  const isSeen = (name: keyof Figures): boolean => rounds.some((figures) => figures[name] !== undefined);
  return {
    perSecond: of('perSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    serverCpuMs: of('serverCpuMs'),
    ...(isSeen('storeCpuMs') ? { storeCpuMs: of('storeCpuMs') } : {}),
    ...(isSeen('trips') ? { trips: of('trips') } : {}),
  };
};
