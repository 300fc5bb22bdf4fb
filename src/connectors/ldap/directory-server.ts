import type { Clock } from '../../clock.ts';
import type { LdapSource } from '../../config/source/source-definition.ts';
import type { Log } from '../../log.ts';
import { type LdapConnection, openConnection } from './connection.ts';
import { type ConnectionPool, createConnectionPool } from './connection-pool.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { hasEntry } from './filters.ts';
import { createServerHealth, type ServerHealth } from './server-health.ts';
import { misconfigured } from './unreachable.ts';

/** The settings that must be equal for two sources to share connections. */
export type DirectorySettings = Pick<
  LdapSource,
  'urls' | 'startTls' | 'tls' | 'bind' | 'connectTimeoutMs' | 'operationTimeoutMs' | 'poolSize'
>;

export type ConnectionKind = 'service' | 'people';

export interface DirectoryServer {
  readonly health: ServerHealth;
  /** Why it is left alone, while it is. */
  readonly lastFailure: unknown;
  readonly pools: Readonly<Record<ConnectionKind, ConnectionPool>>;
  /**
   * Notes a failure that ended a connection.
   * @param successesBefore `health.successCount` when the operation began
   */
  failed(successesBefore: number, error: unknown): void;
  /** A connection that was open before was silent until the time limit: the others of its age are not used again. */
  foundSilent(): void;
  /** The running check of a server whose quarantine is over; at most one at a time. Never rejects. */
  readonly runningProbe: Promise<void> | undefined;
  probeIfDue(): void;
}

interface DirectoryServerParts {
  readonly settings: DirectorySettings;
  readonly clock: Clock;
  readonly log: Log;
}

/** Number of operations that may run at the same time without a pool; further ones wait. */
const unpooledLimit = 8;

/** An idle connection is asked for an answer that costs the server nothing. */
const longestCheckMs = 500;

export const createDirectoryServer = (url: string, parts: DirectoryServerParts): DirectoryServer => {
  const { settings, clock, log } = parts;
  const health = createServerHealth(clock);
  let runningProbe: Promise<void> | undefined;
  let lastFailure: unknown;

  const failed = (successesBefore: number, error: unknown): void => {
    const forMs = health.failed(successesBefore);
    if (forMs === undefined) return;
    lastFailure = error;
    log.warn({ url, forMs, err: error }, 'a server of a directory failed and is left alone for a while');
    for (const pool of Object.values(pools)) pool.refuseWaiting();
  };

  const foundSilent = (): void => {
    log.info({ url }, 'a connection to a directory was silent: those that are open are replaced');
    for (const pool of Object.values(pools)) pool.distrustOpen();
  };

  const openAs = async (kind: ConnectionKind): Promise<LdapConnection> => {
    const successesBefore = health.successCount;
    try {
      const connection = await openConnection(url, settings);
      if (kind === 'service') await bindAsService(connection, settings);
      return connection;
    } catch (error) {
      failed(successesBefore, error);
      throw error;
    }
  };

  const poolOf = (kind: ConnectionKind, limit: number): ConnectionPool =>
    createConnectionPool({
      open: () => openAs(kind),
      limit: Math.max(1, limit),
      keeps: settings.poolSize > 0,
      longestWaitMs: settings.connectTimeoutMs + settings.operationTimeoutMs,
      clock,
      isAnswering: (connection) => isAnswering(connection, settings),
      foundSilent,
    });

  // Binds of people take a directory longer than searches, so they get the larger part.
  const limit = settings.poolSize > 0 ? settings.poolSize : unpooledLimit;
  const forService = settings.bind.as === 'person' ? 0 : Math.floor(limit / 2);
  const pools = { service: poolOf('service', forService), people: poolOf('people', limit - forService) };

  const probe = async (): Promise<void> => {
    try {
      const connection = await openConnection(url, settings);
      try {
        await bindAsService(connection, settings);
        await requireAnyAnswer(connection, settings);
      } finally {
        connection.close();
      }
      health.recovered();
      lastFailure = undefined;
      log.info({ url }, 'a server of a directory is in use again');
    } catch (err) {
      health.stillFails();
      lastFailure = err;
      log.debug({ url, err }, 'a server of a directory still fails');
    } finally {
      runningProbe = undefined;
    }
  };

  return {
    health,
    pools,
    failed,
    foundSilent,
    get lastFailure() {
      return lastFailure;
    },
    get runningProbe() {
      return runningProbe;
    },
    probeIfDue: () => {
      if (health.isDue && runningProbe === undefined) runningProbe = probe();
    },
  };
};

/** Connections for people are bound by the operation that uses them. */
const bindAsService = async (connection: LdapConnection, settings: DirectorySettings): Promise<void> => {
  const { bind } = settings;
  if (bind.as !== 'service') return;
  const answer = await connection.bind(bind.dn, bind.password, oneStep(settings));
  if (answer.ok && answer.policy !== 'changeAfterReset') return;
  connection.close();
  const why = answer.ok
    ? 'its password must be changed'
    : `code ${answer.code} ${answer.diagnostic}`.trimEnd();
  throw misconfigured({
    reason: 'it refuses the account of this server',
    detail: `${connection.url} refuses the bind of the tenant's own account ${bind.dn}: ${why}`,
  });
};

/** A suspended server still accepts connections, so only an answer proves that it works. Any answer will do. */
const requireAnyAnswer = async (connection: LdapConnection, settings: DirectorySettings): Promise<void> => {
  try {
    const query = { base: '', scope: 'base', filter: hasEntry, attributes: ['1.1'], sizeLimit: 1 } as const;
    await connection.search(query, oneStep(settings));
  } catch (error) {
    if (!connection.isUsable) throw error;
  }
};

const isAnswering = async (connection: LdapConnection, settings: DirectorySettings): Promise<boolean> => {
  const timer = setTimeout(() => connection.close(), Math.min(longestCheckMs, settings.operationTimeoutMs));
  try {
    await requireAnyAnswer(connection, settings);
    return connection.isUsable;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
};

const oneStep = (settings: DirectorySettings): Deadline => startDeadline(settings.operationTimeoutMs);
