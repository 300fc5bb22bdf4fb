import { Command, InvalidArgumentError } from 'commander';
import { operations } from './load/operations.ts';

export type StoreName = 'mongodb' | 'sqlite';

export interface BenchOptions {
  /** A smoke run: that everything works, not how fast. */
  readonly quick: boolean;
  /** Names of operations; all when empty. */
  readonly only: readonly string[];
  readonly stores: readonly StoreName[];
  readonly rounds: number;
  readonly concurrency: number;
  /** Times the operations of a round. */
  readonly scale: number;
  /** Node that the targets run on. */
  readonly node: string;
  /** MongoDB to use instead of one of our own. */
  readonly mongodb?: string;
  /** Puts the tables into docs/benchmarks.md. */
  readonly write: boolean;
  /** Tenant files of the part with many; 0 leaves it out. */
  readonly tenants: number;
  /** Measures sign-ins of people kept elsewhere. */
  readonly federation: boolean;
  /** Measures the gateway. */
  readonly gateway: boolean;
  /** Folder for CPU profiles of Drawbridge; what they say is shown at the end. */
  readonly profile?: string;
}

const wholeNumber = (text: string): number => {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('write a whole number');
};

const oneOf =
  (known: readonly string[]) =>
  (text: string): readonly string[] => {
    const names = text.split(',').map((name) => name.trim());
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length === 0) return names;
    throw new InvalidArgumentError(`${unknown.join(', ')} is not known; there are ${known.join(', ')}`);
  };

export const parseBenchOptions = (argv: readonly string[]): BenchOptions => {
  const command = new Command('npm run bench --')
    .description('Measures Drawbridge beside a bare oidc-provider and a constant answer of node:http.')
    .option('--quick', 'a smoke run: one short round, without password hashes', false)
    .option(
      '--only <operations>',
      'names, with commas between',
      oneOf(operations.map(({ name }) => name)),
      [],
    )
    .option('--stores <stores>', 'mongodb, sqlite', oneOf(['mongodb', 'sqlite']), ['mongodb', 'sqlite'])
    .option('--rounds <number>', 'rounds, of which the median counts', wholeNumber)
    .option('--concurrency <number>', 'callers at the same time', wholeNumber, 8)
    .option('--tenants <number>', 'tenant files of the part with many; 0 leaves it out', wholeNumber)
    .option('--federation', 'measure this part alone: people in a directory, or at another provider', false)
    .option('--gateway', 'measure this part alone: decisions for proxies, and the built-in proxy', false)
    .option('--scale <number>', 'so many times the operations of a round', wholeNumber, 1)
    .option('--node <path>', 'run the targets on this Node', process.execPath)
    .option('--mongodb <url>', 'use this MongoDB instead of starting one')
    .option('--profile <folder>', 'write CPU profiles of Drawbridge there (which makes it slower)')
    .option('--write', 'put the tables into docs/benchmarks.md', false)
    .parse([...argv], { from: 'user' });
  const given = command.opts<Partial<BenchOptions>>();
  const quick = given.quick === true;
  const only = given.only ?? [];
  const isPartOnly = given.federation === true || given.gateway === true;
  if (quick && given.write === true) command.error('the figures of --quick do not belong into a document');
  return {
    quick,
    only,
    stores: isPartOnly ? [] : (given.stores ?? []),
    rounds: Math.max(1, given.rounds ?? (quick ? 1 : 5)),
    concurrency: Math.min(64, Math.max(1, given.concurrency ?? 8)),
    federation: given.federation === true || (only.length === 0 && !isPartOnly),
    gateway: given.gateway === true || (only.length === 0 && !isPartOnly),
    tenants: given.tenants ?? (only.length > 0 || isPartOnly ? 0 : quick ? 12 : 1000),
    scale: quick ? 0.08 : Math.max(1, given.scale ?? 1),
    node: given.node ?? process.execPath,
    write: given.write === true,
    ...(given.mongodb === undefined ? {} : { mongodb: given.mongodb }),
    ...(given.profile === undefined ? {} : { profile: given.profile }),
  };
};
