// Sends the logout tokens that wait in the store to the apps. The process that claims a token first sends it.
import { setTimeout as delay } from 'node:timers/promises';
import type { RevocationHub } from '../accounts/revocation-hub.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { LogoutToken } from '../oidc/tokens/logout-tokens.ts';
import type { Storage } from '../storage/storage.ts';
import type { LogoutDelivery } from '../storage/storage-endings.ts';
import { type LogoutOutcome, postLogout } from './delivery.ts';

export interface LogoutOutbox {
  /** Gives deliveries under way two seconds to finish; those that do not will be tried again. */
  close(): Promise<void>;
}

export interface LogoutOutboxParts {
  readonly storage: Pick<Storage, 'forTenant' | 'tenantsWithDueDeliveries'>;
  /**
   * Undefined when the app no longer has a `backchannel_logout_uri`.
   * @throws AppError `unavailable` when the tenant is not served here now
   */
  readonly tokenFor: (tenant: string, delivery: LogoutDelivery) => Promise<LogoutToken | undefined>;
  readonly hub: Pick<RevocationHub, 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Longer than an attempt can take. The delivery that a crashed process had claimed is due again after it. */
const leaseMs = 30 * second;
const pausesMs = [second, 5 * second, 30 * second, 2 * minute, 10 * minute] as const;
const longestPauseMs = hour;
const givenUpAfterMs = 24 * hour;
/** Attempts at the same time, in all and for one app: an app that does not answer must not delay the others. */
const limits = { all: 64, perApp: 8 } as const;
const lookEveryMs = { waiting: second, idle: 15 * second } as const;
const closingMs = 2 * second;

/**
 * Looks for due deliveries after a revocation event, when a pause is over, and regularly for those of other
 * processes.
 */
export const openLogoutOutbox = (parts: LogoutOutboxParts): LogoutOutbox => {
  const { storage, clock, log } = parts;
  const closing = new AbortController();
  const underWay = new Map<Promise<void>, string>();
  const nextLook = createTimer(() => look());
  let looking = Promise.resolve();
  let isAskedAgain = false;
  let isClosed = false;

  const attempt = async (tenant: string, delivery: LogoutDelivery): Promise<LogoutOutcome> => {
    let found: LogoutToken | undefined;
    try {
      found = await parts.tokenFor(tenant, delivery);
    } catch (err) {
      log.warn({ tenant, clientId: delivery.clientId, err }, 'a logout token could not be made');
      return { state: 'pending', words: 'tenant_not_served' };
    }
    if (found === undefined) return { state: 'failed', words: 'no_backchannel_logout_uri' };
    return postLogout(found, closing.signal);
  };

  const settle = async (tenant: string, delivery: LogoutDelivery, outcome: LogoutOutcome): Promise<void> => {
    const { id, clientId, attempts, createdAt } = delivery;
    const nowMs = clock.now();
    const isGivenUp = outcome.state === 'pending' && nowMs - createdAt >= givenUpAfterMs;
    const state = isGivenUp ? 'failed' : outcome.state;
    const pauseMs = pausesMs[attempts - 1] ?? longestPauseMs;
    await storage.forTenant(tenant).deliveries.settle(id, {
      state,
      nextAttemptAt: nowMs + pauseMs,
      lastAttemptAt: nowMs,
      lastOutcome: outcome.words,
    });
    const line = { tenant, clientId, delivery: id, attempts, outcome: outcome.words };
    if (state === 'failed') log.error(line, 'a logout will not be delivered');
    if (state !== 'pending') return;
    log.warn(line, 'a logout could not be delivered yet');
    nextLook.setFor(pauseMs);
  };

  const begin = (tenant: string, delivery: LogoutDelivery): void => {
    const task = attempt(tenant, delivery)
      .then((outcome) => settle(tenant, delivery, outcome))
      // the lease will end, and the delivery is tried again
      .catch((err: unknown) => log.warn({ tenant, err }, 'what came of a logout could not be stored'))
      .finally(() => {
        underWay.delete(task);
        if (underWay.size === limits.all - 1) look();
      });
    underWay.set(task, appOf(tenant, delivery));
  };

  /** False when the tenant has nothing due. */
  const takeOne = async (tenant: string): Promise<boolean> => {
    const nowMs = clock.now();
    const delivery = await storage.forTenant(tenant).deliveries.claim(nowMs, nowMs + leaseMs);
    if (delivery === undefined) return false;
    const app = appOf(tenant, delivery);
    const isCrowded = [...underWay.values()].filter((other) => other === app).length >= limits.perApp;
    if (isCrowded) await settle(tenant, delivery, { state: 'pending', words: 'waits_for_others' });
    else begin(tenant, delivery);
    return true;
  };

  const lookOnce = async (): Promise<void> => {
    try {
      let tenants = await storage.tenantsWithDueDeliveries(clock.now());
      while (tenants.length > 0) {
        const left: string[] = [];
        for (const tenant of tenants) {
          if (isClosed) return;
          if (underWay.size >= limits.all) return nextLook.setFor(lookEveryMs.waiting);
          if (await takeOne(tenant)) left.push(tenant);
        }
        tenants = left;
      }
    } catch (err) {
      log.warn({ err }, 'the logouts to deliver could not be read');
    }
    nextLook.setFor(lookEveryMs.idle);
  };

  /** Runs one look at a time; calls during a look cause one more after it. */
  const look = (): void => {
    if (isAskedAgain || isClosed) return;
    isAskedAgain = true;
    looking = looking.then(() => {
      isAskedAgain = false;
      return isClosed ? undefined : lookOnce();
    });
  };

  const unsubscribe = parts.hub.subscribe({ event: look, lost: look });
  look();
  return {
    close: async () => {
      isClosed = true;
      unsubscribe();
      nextLook.stop();
      await looking;
      const finished = Promise.all(underWay.keys());
      await Promise.race([finished, delay(closingMs, undefined, { ref: false })]);
      closing.abort();
      await finished;
      nextLook.stop();
    },
  };
};

const appOf = (tenant: string, { clientId }: LogoutDelivery): string => `${tenant}/${clientId}`;

interface Timer {
  /** Becomes due after so long, or earlier if it is set for earlier already. */
  setFor(ms: number): void;
  stop(): void;
}

const createTimer = (onDue: () => void): Timer => {
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  const stop = (): void => {
    clearTimeout(timer);
    dueAt = Number.POSITIVE_INFINITY;
  };
  return {
    stop,
    setFor: (ms) => {
      const at = performance.now() + ms;
      if (at >= dueAt) return;
      clearTimeout(timer);
      dueAt = at;
      timer = setTimeout(() => {
        dueAt = Number.POSITIVE_INFINITY;
        onDue();
      }, ms).unref();
    },
  };
};
