import type { Storage, TenantStorage } from '../../storage/storage.ts';
import type { QueueEntry, StoredQueue } from '../../storage/storage-queue.ts';
import type { Metrics } from './metrics.ts';

type StoreMetrics = Pick<Metrics, 'storeAnswered' | 'auditNoted' | 'attemptMade'>;

/** The same storage; its calls are timed, and audit records and attempts to deliver are counted as they are written. */
export const measuredStorage = (storage: Storage, metrics: StoreMetrics): Storage => {
  const forTenant = (tenant: string): TenantStorage => {
    const parts = Object.fromEntries(
      Object.entries(storage.forTenant(tenant)).map(([part, records]) => [
        part,
        measured(records as object, part, metrics), // each part of the port is an object of functions
      ]),
    ) as unknown as TenantStorage; // the same keys as before
    const { audit, deliveries, mails } = parts;
    return {
      ...parts,
      audit: {
        ...audit,
        append: async (record) => {
          await audit.append(record);
          metrics.auditNoted({ tenant, action: record.action, outcome: record.outcome });
        },
      },
      deliveries: { ...deliveries, ...counted(deliveries, 'logout', metrics) },
      mails: { ...mails, ...counted(mails, 'mail', metrics) },
    };
  };
  return { ...measured(storage, 'all', metrics), forTenant };
};

const counted = <Entry extends QueueEntry>(
  queue: StoredQueue<Entry>,
  name: string,
  metrics: StoreMetrics,
): Pick<StoredQueue<Entry>, 'settle'> => ({
  settle: async (id, outcome) => {
    await queue.settle(id, outcome);
    metrics.attemptMade(name, outcome.state);
  },
});

/** Its functions that give promises are timed. */
const measured = <T extends object>(target: T, part: string, { storeAnswered }: StoreMetrics): T => {
  const timed = async (answer: Promise<unknown>): Promise<unknown> => {
    const startedAt = performance.now();
    const spent = (): number => (performance.now() - startedAt) / 1000;
    try {
      const value = await answer;
      storeAnswered(part, { seconds: spent() });
      return value;
    } catch (error) {
      storeAnswered(part, { seconds: spent(), error });
      throw error;
    }
  };
  return new Proxy(target, {
    get: (_, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args);
        return answer instanceof Promise ? timed(answer) : answer;
      };
    },
  });
};
