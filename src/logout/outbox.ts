// Sends the logout tokens that wait in the store to the apps. The process that claims a token first sends it.
//   delivery.ts   one attempt; ../outbox/ claims, pauses and limits
import type { RevocationHub } from '../accounts/revocation-hub.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { LogoutToken } from '../oidc/tokens/logout-tokens.ts';
import { type Outcome, openOutbox } from '../outbox/outbox.ts';
import type { Storage } from '../storage/storage.ts';
import type { LogoutDelivery } from '../storage/storage-endings.ts';
import { postLogout } from './delivery.ts';

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

/** Longer than an attempt can take. */
const leaseMs = 30_000;
const limits = { all: 64, perGroup: 8 } as const;

/**
 * Looks for due deliveries after a revocation event, when a pause is over, and regularly for those of other
 * processes.
 */
export const openLogoutOutbox = ({ storage, tokenFor, hub, clock, log }: LogoutOutboxParts): LogoutOutbox => {
  const attempt = async (
    tenant: string,
    delivery: LogoutDelivery,
    closing: AbortSignal,
  ): Promise<Outcome> => {
    let found: LogoutToken | undefined;
    try {
      found = await tokenFor(tenant, delivery);
    } catch (err) {
      log.warn({ tenant, clientId: delivery.clientId, err }, 'a logout token could not be made');
      return { state: 'pending', words: 'tenant_not_served' };
    }
    if (found === undefined) return { state: 'failed', words: 'no_backchannel_logout_uri' };
    return postLogout(found, closing);
  };
  const outbox = openOutbox<LogoutDelivery>({
    tenantsWithDue: (nowMs) => storage.tenantsWithDueDeliveries(nowMs),
    queueOf: (tenant) => storage.forTenant(tenant).deliveries,
    attempt,
    groupOf: (tenant, { clientId }) => `${tenant}/${clientId}`,
    describe: ({ id, clientId }) => ({ clientId, delivery: id }),
    messages: {
      failed: 'a logout will not be delivered',
      postponed: 'a logout could not be delivered yet',
      notStored: 'what came of a logout could not be stored',
      notRead: 'the logouts to deliver could not be read',
    },
    limits,
    leaseMs,
    clock,
    log,
  });
  const unsubscribe = hub.subscribe({ event: outbox.look, lost: outbox.look });
  return {
    close: () => {
      unsubscribe();
      return outbox.close();
    },
  };
};
