import { setTimeout as delay } from 'node:timers/promises';
import type { RevocationHub, TenantRevocation } from '../accounts/revocation-hub.ts';
import type { Log } from '../log.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';

export interface UpstreamEndingsListener {
  /** Gives what is under way two seconds to finish. */
  close(): Promise<void>;
}

const closingMs = 2000;

/** Ends what sessions left at upstreams, after the answer to whoever has ended them: an upstream may be slow or down. */
export const listenForUpstreamEndings = ({
  hub,
  tenants,
  log,
}: {
  readonly hub: Pick<RevocationHub, 'subscribe'>;
  readonly tenants: Pick<TenantRegistry<Tenant>, 'find'>;
  readonly log: Log;
}): UpstreamEndingsListener => {
  const underWay = new Set<Promise<void>>();

  const heed = async (event: TenantRevocation): Promise<void> => {
    const found = await tenants.find(event.tenant);
    if (found.status === 'served') await found.tenant.upstreamEndings.end(event);
  };

  const unsubscribe = hub.subscribe({
    event: (event) => {
      if (event.what !== 'upstream') return;
      const task = heed(event)
        .catch((err: unknown) => log.warn({ tenant: event.tenant, err }, 'an ended session was not heeded'))
        .finally(() => underWay.delete(task));
      underWay.add(task);
    },
    lost: () => {},
  });
  return {
    close: async () => {
      unsubscribe();
      await Promise.race([Promise.all(underWay), delay(closingMs, undefined, { ref: false })]);
    },
  };
};
