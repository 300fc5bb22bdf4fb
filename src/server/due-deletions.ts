import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';

export interface DueDeletionsParts {
  readonly storage: Pick<Storage, 'tenantsWithDueDeletions'>;
  readonly tenants: Pick<TenantRegistry<Tenant>, 'find'>;
  readonly clock: Clock;
  readonly log: Log;
}

const lookEveryMs = 60_000;

/**
 * Removes the accounts whose people have asked for it, when their time has come. Every process looks once a minute; each
 * account is removed by the one that claims it. A tenant that is not served here waits.
 */
export const startDueDeletions = ({
  storage,
  tenants,
  clock,
  log,
}: DueDeletionsParts): { close(): Promise<void> } => {
  /** A tenant that fails holds up no other. */
  const lookAt = async (id: string): Promise<void> => {
    try {
      const found = await tenants.find(id);
      if (found.status !== 'served') return;
      const removed = await found.tenant.deletion.removeDue();
      if (removed > 0) log.info({ tenant: id, removed }, 'accounts were deleted, as their people had asked');
    } catch (err) {
      log.warn({ tenant: id, err }, 'accounts that are to be deleted could not be deleted yet');
    }
  };
  let isClosed = false;
  const look = async (): Promise<void> => {
    try {
      for (const id of await storage.tenantsWithDueDeletions(clock.now())) {
        if (isClosed) return;
        await lookAt(id);
      }
    } catch (err) {
      log.warn({ err }, 'accounts that are to be deleted could not be found yet');
    }
  };
  let looking = Promise.resolve();
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    looking = look().finally(() => {
      isLooking = false;
    });
  }, lookEveryMs);
  timer.unref();
  return {
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      await looking;
    },
  };
};
