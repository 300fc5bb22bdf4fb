import { AppError } from '../../errors.ts';
import type { AccountPatch, AccountRecord, AccountRecords } from '../../storage/storage.ts';
import { changedByOthers } from '../lost-races.ts';

export type FactorPatch = {
  readonly [K in 'factors' | 'factorGuesses']?: AccountPatch[K] | undefined;
};

export interface FactorPlan<R> {
  /** Absent: nothing is changed. */
  readonly patch?: FactorPatch;
  readonly result: R;
}

/** A caller loses only to one that has changed the account; more would be an attack. */
const attempts = 40;

/**
 * Changes the account by compare-and-set: whoever loses to another change plans anew, on the account as it is then. So of
 * any number of callers with the same code one has it accepted, and no guess goes uncounted.
 * @param first the account as it was read last
 * @returns the account after the change
 * @throws AppError `unavailable`; `not_found` when the account has been deleted
 */
export const changeFactors = async <R>(
  records: Pick<AccountRecords, 'findBySub' | 'update'>,
  first: AccountRecord,
  plan: (account: AccountRecord) => FactorPlan<R>,
): Promise<{ readonly account: AccountRecord; readonly result: R }> => {
  let account: AccountRecord | undefined = first;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { patch, result } = plan(account);
    if (patch === undefined) return { account, result };
    if (await records.update(account.sub, patch, account.version))
      return { account: { ...account, ...patch, version: account.version + 1 } as AccountRecord, result }; // undefined removes
    account = await records.findBySub(account.sub);
    if (account === undefined) throw new AppError('not_found', 'This account no longer exists');
  }
  throw changedByOthers();
};
