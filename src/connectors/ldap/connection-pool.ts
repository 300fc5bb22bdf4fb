import type { Clock } from '../../clock.ts';
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
  readonly clock: Clock;
  /** Does an idle connection still answer? Never rejects, and takes a short time at most. */
  readonly isAnswering: (connection: LdapConnection) => Promise<boolean>;
  /** An idle connection did not answer. */
  readonly foundSilent: () => void;
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
  /** No connection that is open now is used again; whoever uses one finishes with it. */
  distrustOpen(): void;
  /** Closes connections that were not used since the last call but one. */
  sweep(): void;
  /** Connections that are open or opening. */
  readonly size: number;
  close(): void;
}

/** A connection, or the slot in which a new one may be opened. */
type Turn = LdapConnection | 'slot';

interface Waiting {
  readonly give: (turn: Turn) => void;
  readonly refuse: (error: Error) => void;
}

/** An idle connection that answered so lately is believed to be alive. */
const believedForMs = 1_000;
/** A wait is a few hundred bytes; beyond this the answer is no. */
const longestQueue = 1_000;

/**
 * Connections of one kind to one server. A connection has one user at a time, and is forgotten after any error. Each has
 * a slot, from before it is opened until it is closed; a connection or slot that is given back goes to the caller that
 * waits longest, so no caller waits while there are idle connections or free slots.
 */
export const createConnectionPool = (options: PoolOptions): ConnectionPool => {
  const { open, limit, keeps, longestWaitMs, clock } = options;
  const idle: LdapConnection[] = [];
  const answeredAt = new WeakMap<LdapConnection, number>();
  const distrusted = new WeakSet<LdapConnection>();
  const lent = new Set<LdapConnection>();
  const unusedSinceSweep = new Set<LdapConnection>();
  // insertion order is the order of turns
  const waiting = new Set<Waiting>();
  /** Slots of connections that are lent or being opened. */
  let taken = 0;
  let isAsking = false;
  let isClosed = false;

  const size = (): number => idle.length + taken;

  const takeIdle = (): LdapConnection | undefined => {
    for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
      unusedSinceSweep.delete(connection);
      if (connection.isUsable) {
        taken += 1;
        return connection;
      }
      connection.close();
    }
    return undefined;
  };

  const giveNext = (turn: Turn): boolean => {
    const [next] = waiting;
    if (next === undefined) return false;
    waiting.delete(next);
    next.give(turn);
    return true;
  };

  const handBackConnection = (connection: LdapConnection): void => {
    if (giveNext(connection)) return;
    taken -= 1;
    answeredAt.set(connection, clock.now());
    idle.push(connection);
  };

  const handBackSlot = (): void => {
    if (!giveNext('slot')) taken -= 1;
  };

  const release = (connection: LdapConnection): void => {
    lent.delete(connection);
    if (connection.isUsable && keeps && !isClosed && !distrusted.has(connection)) {
      handBackConnection(connection);
      return;
    }
    connection.close();
    handBackSlot();
  };

  const leaseOf = (connection: LdapConnection, isReused: boolean): Lease => {
    let isReleased = false;
    lent.add(connection);
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

  const openInSlot = async (): Promise<Lease> => {
    try {
      return leaseOf(await open(), false);
    } catch (error) {
      handBackSlot();
      throw error;
    }
  };

  const reuse = async (connection: LdapConnection): Promise<Lease> => {
    if (clock.now() - (answeredAt.get(connection) ?? 0) < believedForMs) return leaseOf(connection, true);
    if (!isAsking) {
      isAsking = true;
      const isAlive = await options.isAnswering(connection);
      isAsking = false;
      if (isAlive) return leaseOf(connection, true);
      options.foundSilent();
    }
    connection.close();
    return openInSlot();
  };

  const wait = (deadline: Deadline): Promise<Turn> =>
    new Promise((resolve, reject) => {
      const waitMs = Math.min(longestWaitMs, deadline.leftMs());
      const entry: Waiting = {
        give: (turn) => {
          clearTimeout(timer);
          resolve(turn);
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

  const refuseAll = (error: Error): void => {
    for (const entry of [...waiting]) entry.refuse(error);
  };

  return {
    acquire: async (deadline) => {
      if (isClosed) throw unreachable('the server is shutting down');
      deadline.check();
      const ready = takeIdle();
      if (ready !== undefined) return reuse(ready);
      if (size() < limit) {
        taken += 1;
        return openInSlot();
      }
      if (waiting.size >= longestQueue) throw unreachable('too many wait for a connection to the directory');
      const turn = await wait(deadline);
      return turn === 'slot' ? openInSlot() : leaseOf(turn, true);
    },
    refuseWaiting: () => refuseAll(unreachable('the server of the directory has failed')),
    distrustOpen: () => {
      for (const connection of idle.splice(0)) connection.close();
      for (const connection of lent) distrusted.add(connection);
    },
    sweep: () => {
      for (const connection of idle.splice(0)) {
        if (connection.isUsable && !unusedSinceSweep.has(connection)) {
          unusedSinceSweep.add(connection);
          idle.push(connection);
        } else {
          unusedSinceSweep.delete(connection);
          connection.close();
        }
      }
    },
    get size() {
      return size();
    },
    close: () => {
      isClosed = true;
      for (const connection of idle.splice(0)) connection.close();
      refuseAll(unreachable('the server is shutting down'));
    },
  };
};
