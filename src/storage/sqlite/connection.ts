import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { Trip } from '../engine-options.ts';
import { loadDriver } from './driver.ts';
import { folderFailure, toStoreError } from './errors.ts';
import { createGroupCommit, type Job } from './group-commit.ts';
import { migrate } from './schema.ts';
import { createStatements } from './statements.ts';

export interface Connection {
  /** Runs at once, in a transaction of its own, so that several statements see one state. */
  read<T>(name: string, job: Job<T>): Promise<T>;
  /** A read that no request waits for, such as those of a watcher: not counted as a trip. */
  peek<T>(job: Job<T>): T;
  /** Runs with the other writes of this turn. All or nothing; durable when the promise resolves. */
  write<T>(name: string, job: Job<T>): Promise<T>;
  close(): Promise<void>;
}

interface ConnectionOptions {
  readonly folder: string;
  readonly onTrip?: ((trip: Trip) => void) | undefined;
}

export const databaseFile = (folder: string): string => join(folder, 'drawbridge.db');

/** Only the owner may read the files. An existing folder keeps its mode: the operator may have chosen it. */
export const makePrivateFile = (folder: string, file: string): string => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  return file;
};

const openDatabase = async (folder: string) => {
  const open = await loadDriver();
  try {
    const database = open(makePrivateFile(folder, databaseFile(folder)));
    database.exec('PRAGMA busy_timeout = 2000'); // several processes may start at the same moment
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    database.exec('PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF');
    migrate(database);
    database.exec('PRAGMA busy_timeout = 15'); // from here on waiting is asynchronous, see group-commit.ts
    return database;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw (
      folderFailure(folder, error) ??
      new AppError('unavailable', `The store in ${folder} cannot be opened`, { cause: error })
    );
  }
};

export const openConnection = async ({ folder, onTrip }: ConnectionOptions): Promise<Connection> => {
  const database = await openDatabase(folder);
  const sql = createStatements(database);
  const writes = createGroupCommit(sql);
  let closed: Promise<void> | undefined;
  const peek = <T>(job: Job<T>): T => {
    try {
      sql('BEGIN').run();
      try {
        return job(sql);
      } finally {
        sql('COMMIT').run();
      }
    } catch (error) {
      throw toStoreError(error);
    }
  };
  return {
    peek,
    read: async (name, job) => {
      onTrip?.({ name });
      return peek(job);
    },
    write: (name, job) => {
      onTrip?.({ name });
      return writes.enqueue(job);
    },
    close: () => {
      closed ??= writes.close().then(() => {
        // empties the log, so that a copy of the file alone is complete; processes that still write keep the log
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        database.close();
      });
      return closed;
    },
  };
};
