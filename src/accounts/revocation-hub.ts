import type { Log } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import type { RevocationEvent } from '../storage/storage-endings.ts';

export type TenantRevocation = RevocationEvent & { readonly tenant: string };

export interface RevocationListener {
  readonly event: (event: TenantRevocation) => void;
  /** Events may have been missed: every cache must be emptied. */
  readonly lost: () => void;
}

/** Revocation events of all processes on this store, for all caches and waiting code of this process. */
export interface RevocationHub {
  /** Returns the function that ends the subscription. A listener that throws is logged and does not affect others. */
  subscribe(listener: RevocationListener): () => void;
  close(): Promise<void>;
}

/**
 * One watch of the store for the whole process.
 * @throws AppError `unavailable`
 */
export const openRevocationHub = async ({
  storage,
  log,
}: {
  readonly storage: Pick<Storage, 'watchEvents'>;
  readonly log: Log;
}): Promise<RevocationHub> => {
  const listeners = new Set<RevocationListener>();
  const notifyAll = (notify: (listener: RevocationListener) => void): void => {
    for (const listener of listeners) {
      try {
        notify(listener);
      } catch (err) {
        log.error({ err }, 'a revocation was not heeded');
      }
    }
  };
  const watch = await storage.watchEvents({
    event: (event) => notifyAll((listener) => listener.event(event)),
    lost: () => notifyAll((listener) => listener.lost()),
  });
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      await watch.close();
      listeners.clear();
    },
  };
};
