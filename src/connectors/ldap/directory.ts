import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { isAppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { LdapConnection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import {
  type ConnectionKind,
  createDirectoryServer,
  type DirectoryServer,
  type DirectorySettings,
} from './directory-server.ts';
import { unreachable } from './unreachable.ts';

export interface DirectoryUse<T> {
  readonly work: (connection: LdapConnection) => Promise<T>;
  readonly deadline: Deadline;
  /** May the operation be repeated after its connection was lost? */
  readonly isRepeatable: boolean;
}

/** The servers of one directory, the same for every tenant that names them with the same account. */
export interface Directory {
  /**
   * Runs `work` on a connection of this kind to the first working server. A connection of the kind `people` is unbound,
   * or still bound by its last operation, so `work` must bind it first.
   * @throws AppError `unavailable` when no server answers, and any error of `work`
   */
  use<T>(kind: ConnectionKind, use: DirectoryUse<T>): Promise<T>;
}

export interface OpenDirectory extends Directory {
  sweep(): void;
  /** Connections that are open or opening. */
  readonly size: number;
  close(): void;
}

const isLasting = (failure: unknown): boolean => isAppError(failure) && failure.isLasting;

/** Milliseconds that a request waits to learn whether a failed server works again. */
const longestProbeWaitMs = 500;

export const createDirectory = (
  settings: DirectorySettings,
  parts: { readonly clock: Clock; readonly log: Log },
): OpenDirectory => {
  const servers = settings.urls.map((url) => createDirectoryServer(url, { settings, ...parts }));

  const findGood = (tried: ReadonlySet<DirectoryServer>): DirectoryServer | undefined =>
    servers.find((server) => server.health.isGood && !tried.has(server));

  /** In the order of the file: the preferred one is in use again as soon as it is back. */
  const choose = async (
    tried: ReadonlySet<DirectoryServer>,
    deadline: Deadline,
  ): Promise<DirectoryServer | undefined> => {
    for (const server of servers) server.probeIfDue();
    const good = findGood(tried);
    if (good !== undefined) return good;
    const probes = servers.flatMap(({ runningProbe }) => (runningProbe === undefined ? [] : [runningProbe]));
    if (probes.length === 0) return undefined;
    await waitAtMost(
      Math.min(longestProbeWaitMs, deadline.leftMs()),
      probes,
      () => findGood(tried) !== undefined,
    );
    return findGood(tried);
  };

  /** A setting that keeps every server from being used is no outage; one server that may come back makes it one. */
  const failureOfAll = (): unknown => {
    const failures = servers.map(({ lastFailure }) => lastFailure);
    if (failures.every(isLasting)) return failures[0];
    const passing = failures.find((failure) => !isLasting(failure));
    return passing ?? unreachable('all servers of the directory failed lately');
  };

  return {
    use: async (kind, use) => {
      const tried = new Set<DirectoryServer>();
      for (;;) {
        const server = await choose(tried, use.deadline);
        if (server === undefined) throw failureOfAll();
        tried.add(server);
        try {
          return await useServer(server, kind, use);
        } catch (error) {
          if (server.health.isGood || !use.isRepeatable) throw error;
        }
      }
    },
    sweep: () => {
      for (const { pools } of servers) for (const pool of Object.values(pools)) pool.sweep();
    },
    get size() {
      return servers.reduce((sum, { pools }) => sum + pools.service.size + pools.people.size, 0);
    },
    close: () => {
      for (const { pools } of servers) for (const pool of Object.values(pools)) pool.close();
    },
  };
};

/**
 * A connection that was open before may have been lost since, and a firewall or balancer drops one without a word: that
 * is no failure of the server. So the work is repeated, again and again while the server has closed idle connections
 * (each time there is one less of them), and once after a time-out, which replaces all that are open.
 */
const useServer = async <T>(
  server: DirectoryServer,
  kind: ConnectionKind,
  use: DirectoryUse<T>,
): Promise<T> => {
  let timeOuts = 0;
  for (;;) {
    const successesBefore = server.health.successCount;
    const lease = await server.pools[kind].acquire(use.deadline);
    try {
      const value = await use.work(lease.connection);
      server.health.succeeded();
      return value;
    } catch (error) {
      if (lease.connection.isUsable) throw error;
      if (lease.connection.hasTimedOut) timeOuts += 1;
      if (!use.isRepeatable || !lease.isReused || timeOuts > 1) {
        server.failed(successesBefore, error);
        throw error;
      }
      if (lease.connection.hasTimedOut) server.foundSilent();
    } finally {
      lease.release();
    }
  }
};

/** Waits until one of them has settled and `isEnough`, or all have. */
const waitAtMost = async (
  ms: number,
  promises: readonly Promise<void>[],
  isEnough: () => boolean,
): Promise<void> => {
  const timer = new AbortController();
  const over = delay(ms, undefined, { signal: timer.signal }).then(
    () => {},
    () => {},
  );
  const enough = new Promise<void>((resolve) => {
    for (const promise of promises) void promise.then(() => (isEnough() ? resolve() : undefined));
    void Promise.all(promises).then(() => resolve());
  });
  await Promise.race([over, enough]);
  timer.abort();
};
