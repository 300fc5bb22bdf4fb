import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { type AccountChange, changed } from './linked-identities.ts';
import { changedByOthers, mostAttempts } from './lost-races.ts';

export type AccountChanged =
  | { readonly ok: true; readonly account: AccountRecord }
  /**
   * `taken`: a name to sign in with belongs to another account. `not_planned`: nothing is to be changed any more, or the
   * account has been deleted.
   */
  | { readonly ok: false; readonly reason: 'taken' | 'not_planned' };

/**
 * Changes an account by compare-and-set: a change that loses to another one is planned anew, on the account as it is then.
 * @param first the account as it was read last
 * @param planFor undefined: nothing is to be changed
 * @throws AppError `unavailable`, also when every attempt loses to another change
 */
export const changeAccount = async (
  records: Pick<AccountRecords, 'findBySub' | 'update'>,
  first: AccountRecord,
  planFor: (account: AccountRecord) => AccountChange | undefined,
): Promise<AccountChanged> => {
  let account = first;
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const change = planFor(account);
    if (change === undefined) return { ok: false, reason: 'not_planned' };
    if (await records.update(account.sub, change, account.version))
      return { ok: true, account: changed(account, change) };
    const read = await records.findBySub(account.sub);
    if (read === undefined) return { ok: false, reason: 'not_planned' };
    if (read.version === account.version) return { ok: false, reason: 'taken' };
    account = read;
  }
  throw changedByOthers();
};
