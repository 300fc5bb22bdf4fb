import { randomUUID } from 'node:crypto';
import type { mongo } from 'mongoose';
import type { Log } from '../../log.ts';
import { StoreInUse } from '../store-in-use.ts';
import type { LeaseDocument } from './documents.ts';
import { call, reading, writing } from './limits.ts';

/** A process that was killed counts for so long. */
export const leaseMs = 30_000;

export interface StoreLeaseParts {
  readonly leases: mongo.Collection<LeaseDocument>;
  /** Servers share the store; a restore has it alone. */
  readonly holder: LeaseDocument['holder'];
  readonly log: Log;
  /** Default `leaseMs`; renewed three times in it. */
  readonly lifeMs?: number;
}

export interface StoreLease {
  /** Ends the lease. Never rejects: it ends by itself as well. */
  release(): Promise<void>;
}

/**
 * Says that this process uses the store, as the lock file of the embedded store does. All times are the primary's, so
 * that the clocks of the machines may differ. The lease is written before the others are looked for: of a server and a
 * restore that begin at once, at most one goes on.
 * @throws StoreInUse
 */
export const takeStoreLease = async (parts: StoreLeaseParts): Promise<StoreLease> => {
  const { leases, holder, log, lifeMs = leaseMs } = parts;
  const _id = randomUUID();

  const renew = async (): Promise<void> => {
    const expiresAt = { $add: ['$$NOW', lifeMs] };
    const options = { ...writing, upsert: true };
    await call(() => leases.updateOne({ _id }, [{ $set: { holder, expiresAt } }], options));
  };
  const release = async (): Promise<void> => {
    await call(() => leases.deleteOne({ _id }, writing)).catch((err: unknown) =>
      log.warn({ err }, 'the lease on the store was not given back; it ends by itself'),
    );
  };

  await renew();
  const excluded = holder === 'restore' ? { _id: { $ne: _id } } : { holder: 'restore' as const };
  const isAlive = { $expr: { $gt: ['$expiresAt', '$$NOW'] } };
  const other = await call(() => leases.findOne({ ...excluded, ...isAlive }, reading)).catch(
    async (error: unknown) => {
      await release();
      throw error;
    },
  );
  if (other !== null) {
    await release();
    throw inUseBy(other);
  }

  let renewal = Promise.resolve();
  const timer = setInterval(() => {
    renewal = renew().catch((err: unknown) => log.warn({ err }, 'the lease on the store was not renewed'));
  }, lifeMs / 3);
  timer.unref();
  return {
    release: async () => {
      clearInterval(timer);
      await renewal;
      await release();
    },
  };
};

const inUseBy = ({ holder }: Pick<LeaseDocument, 'holder'>): StoreInUse =>
  new StoreInUse(
    holder === 'restore'
      ? `A restore is going on in this store. Wait until it is done; one that was killed counts for ${leaseMs / 1000} seconds.`
      : `Drawbridge servers are using this store. Stop all of them; one that was killed counts for ${leaseMs / 1000} seconds.`,
  );
