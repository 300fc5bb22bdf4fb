import type { LdapConnection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { unreachable } from './unreachable.ts';

export interface PoolOptions {
  /** @throws AppError `unavailable` */
  readonly open: () => Promise<LdapConnection>;
  /** Connections at the same time, at least one. */
  readonly limit: number;
  /** False: a connection is closed after one use. */
  readonly keeps: boolean;
  readonly longestWaitMs: number;
}

export interface Lease {
  readonly connection: LdapConnection;
  /** It was open before, so it may have been lost since. */
  readonly isReused: boolean;
  release(): void;
}

export interface ConnectionPool {
  /** @throws AppError `unavailable`: it cannot be opened, or too many wait, or it took too long */
  acquire(deadline: Deadline): Promise<Lease>;
  /** Those who wait learn at once that they wait in vain. */
  refuseWaiting(): void;
  /** Closes what nobody has used since the last time but one. */
  sweep(): void;
  /** Connections that are open or opening. */
  readonly size: number;
  close(): void;
}

interface Waiting {
  readonly give: (connection: LdapConnection | undefined) => void;
  readonly refuse: (error: Error) => void;
}

/** A wait is a few hundred bytes; beyond this the answer is no. */
const longestQueue = 1_000;

/** Connections of one kind to one server. A connection has one user at a time, and is forgotten after any error. */
export const createConnectionPool = (options: PoolOptions): ConnectionPool => {
  const { open, limit, keeps, longestWaitMs } = options;
  const idle: LdapConnection[] = [];
  const stale = new Set<LdapConnection>();
  // insertion order is the order of turns
  const waiting = new Set<Waiting>();
  let size = 0;
  let isClosed = false;

  const discard = (connection?: LdapConnection): void => {
    connection?.close();
    size -= 1;
  };

  const takeIdle = (): LdapConnection | undefined => {
    for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
      stale.delete(connection);
      if (connection.isUsable) return connection;
      discard(connection);
    }
    return undefined;
  };

  /** Hands a connection, or the room for a new one, to whoever waits longest. */
  const passOn = (connection: LdapConnection | undefined): boolean => {
    const [next] = waiting;
    if (next === undefined) return false;
    waiting.delete(next);
    next.give(connection);
    return true;
  };

  const release = (connection: LdapConnection): void => {
    if (connection.isUsable && keeps && !isClosed) {
      if (!passOn(connection)) idle.push(connection);
      return;
    }
    connection.close();
    if (isClosed || !passOn(undefined)) size -= 1;
  };

  const leaseOf = (connection: LdapConnection, isReused: boolean): Lease => {
    let isReleased = false;
    return {
      connection,
      isReused,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        release(connection);
      },
    };
  };

  /** Its room is counted already. */
  const openNew = async (): Promise<Lease> => {
    try {
      return leaseOf(await open(), false);
    } catch (error) {
      if (!passOn(undefined)) size -= 1;
      throw error;
    }
  };

  const wait = (deadline: Deadline): Promise<LdapConnection | undefined> =>
    new Promise((resolve, reject) => {
      const waitMs = Math.min(longestWaitMs, deadline.leftMs());
      const entry: Waiting = {
        give: (connection) => {
          clearTimeout(timer);
          resolve(connection);
        },
        refuse: (error) => {
          clearTimeout(timer);
          waiting.delete(entry);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        entry.refuse(unreachable('all connections to the directory are in use'));
      }, waitMs);
      waiting.add(entry);
    });

  return {
    acquire: async (deadline) => {
      if (isClosed) throw unreachable('the server is shutting down');
      deadline.check();
      const ready = takeIdle();
      if (ready !== undefined) return leaseOf(ready, true);
      if (size < limit) {
        size += 1;
        return openNew();
      }
      if (waiting.size >= longestQueue) throw unreachable('too many wait for a connection to the directory');
      const given = await wait(deadline);
      return given === undefined ? openNew() : leaseOf(given, true);
    },
    refuseWaiting: () => {
      const error = unreachable('the server of the directory has failed');
      for (const entry of [...waiting]) entry.refuse(error);
    },
    sweep: () => {
      for (const connection of [...idle]) {
        if (connection.isUsable && !stale.has(connection)) {
          stale.add(connection);
          continue;
        }
        idle.splice(idle.indexOf(connection), 1);
        stale.delete(connection);
        discard(connection);
      }
    },
    get size() {
      return size;
    },
    close: () => {
      isClosed = true;
      for (const connection of idle.splice(0)) discard(connection);
      const error = unreachable('the server is shutting down');
      for (const entry of [...waiting]) entry.refuse(error);
    },
  };
};
