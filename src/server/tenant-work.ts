import type { Log } from '../log.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';

export interface TenantWork {
  /** Tenants that have something to do now. */
  readonly find: () => Promise<readonly string[]>;
  /** @returns how much was done; it is for all processes at once, and can be repeated */
  readonly work: (tenant: Tenant) => Promise<number>;
  /** For the log. */
  readonly texts: { readonly done?: string; readonly failed: string; readonly notFound: string };
}

export interface TenantWorkParts {
  readonly tenants: Pick<TenantRegistry<Tenant>, 'find'>;
  readonly log: Log;
}

const lookEveryMs = 60_000;

/** Every process looks once a minute. A tenant that is not served here waits, and one that fails holds up no other. */
export const startTenantWork = (
  { find, work, texts }: TenantWork,
  { tenants, log }: TenantWorkParts,
): { close(): Promise<void> } => {
  const lookAt = async (id: string): Promise<void> => {
    try {
      const found = await tenants.find(id);
      if (found.status !== 'served') return;
      const removed = await work(found.tenant);
      if (removed > 0 && texts.done !== undefined) log.info({ tenant: id, removed }, texts.done);
    } catch (err) {
      log.warn({ tenant: id, err }, texts.failed);
    }
  };
  let isClosed = false;
  const look = async (): Promise<void> => {
    try {
      for (const id of await find()) {
        if (isClosed) return;
        await lookAt(id);
      }
    } catch (err) {
      log.warn({ err }, texts.notFound);
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
