import { type Clock, epochSeconds } from '../clock.ts';
import type { AccountRecord, AccountRecords, Artifacts } from '../storage/storage.ts';
import type { RemoveAccount } from './user-removal.ts';

export interface DueDeletionsParts {
  readonly records: Pick<AccountRecords, 'dueForDeletion' | 'findBySub' | 'update'>;
  readonly artifacts: Pick<Artifacts, 'tryInsert'>;
  readonly remove: RemoveAccount;
  readonly clock: Clock;
}

/** An instance that stops in the middle leaves the rest to another one, after this time. */
const leaseSeconds = 120;
const atOnce = 100;

/**
 * Removes the accounts of a tenant whose time has come, and all that belongs to them. Each is removed by one instance.
 * @returns how many this call has removed
 * @throws AppError `unavailable`; the next call goes on
 */
export const createDueDeletions = ({
  records,
  artifacts,
  remove,
  clock,
}: DueDeletionsParts): (() => Promise<number>) => {
  /** Disables the account by compare-and-set: a sign-in that calls the deletion off at the same time wins or loses as a whole. */
  const claim = async (sub: string): Promise<AccountRecord | undefined> => {
    const lease = { kind: 'RemovalLease', id: sub, payload: '' } as const;
    if (!(await artifacts.tryInsert({ ...lease, expiresAt: epochSeconds(clock) + leaseSeconds })))
      return undefined;
    const account = await records.findBySub(sub);
    const nowMs = clock.now();
    if (account?.deleteAt === undefined || account.deleteAt > nowMs) return undefined;
    const patch = { disabledAt: nowMs, updatedAt: nowMs };
    return (await records.update(sub, patch, account.version)) ? account : undefined;
  };

  return async () => {
    let removed = 0;
    for (const { sub } of await records.dueForDeletion({ nowMs: clock.now(), limit: atOnce })) {
      const account = await claim(sub);
      if (account === undefined) continue;
      await remove(account);
      removed += 1;
    }
    return removed;
  };
};
