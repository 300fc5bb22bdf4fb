import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mongo } from 'mongoose';
import { packageRoot } from '../../src/package-root.ts';
import { processCpuMicros } from './process-cpu.ts';

/** What a MongoDB has done since it started. */
export interface StoreMeter {
  /** User and system time in microseconds; undefined where it cannot be seen. */
  readonly cpuMicros: number | undefined;
  /** Commands that read or write documents: each is a round trip. */
  readonly trips: number;
}

/** A MongoDB to measure on. */
export interface BenchMongod {
  /** @param database a name; each target has its own */
  urlOf(database: string): string;
  readonly version: string;
  meter(): Promise<StoreMeter>;
  /** Drops the databases, and stops it when we started it. */
  close(): Promise<void>;
}

/** What the tests' support folder offers; it is not part of the build. */
interface MongodHelper {
  startMongod(options: {
    readonly replicaSet: boolean;
  }): Promise<{ readonly url: string; stop(): Promise<void> }>;
}

/** @param url of one that runs; undefined: one of our own is started, as the tests do it */
export const openMongod = async (url: string | undefined): Promise<BenchMongod> => {
  const helper = pathToFileURL(join(packageRoot(), 'test/support/mongod.mjs')).href;
  const own =
    url === undefined
      ? await ((await import(helper)) as MongodHelper).startMongod({ replicaSet: true })
      : undefined;
  const client = await mongo.MongoClient.connect(url ?? own?.url ?? '');
  const databases = new Set<string>();
  const readStatus = () => client.db('admin').command({ serverStatus: 1 });
  const status = await readStatus();
  return {
    urlOf: (database) => {
      databases.add(database);
      const target = new URL(url ?? own?.url ?? '');
      target.pathname = `/${database}`;
      return target.href;
    },
    version: String(status.version),
    meter: async () => ({
      cpuMicros: await processCpuMicros(Number(status.pid), 'mongod'),
      trips: countTrips((await readStatus()).metrics.commands),
    }),
    close: async () => {
      for (const database of databases) await client.db(database).dropDatabase();
      await client.close();
      await own?.stop();
    },
  };
};

const tripCommands = ['find', 'getMore', 'aggregate', 'insert', 'update', 'delete', 'findAndModify'] as const;

const countTrips = (commands: Readonly<Record<string, { readonly total?: unknown }>>): number =>
  tripCommands.reduce((sum, name) => sum + Number(commands[name]?.total ?? 0), 0);
