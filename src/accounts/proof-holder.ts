import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { maySignIn } from './standing.ts';
import type { Verified } from './verifications.ts';

/** Changes with each password and each forced sign-out: what was mailed before is good for nothing then. */
export const proofMarkOf = ({ notBefore = 0 }: AccountRecord): { readonly since: string } => ({
  since: `${notBefore}`,
});

/**
 * Finds the account of a proof that was written with `proofMarkOf`, as it is now; undefined when it may not be used, is not fit,
 * has another address, or had another password since.
 */
export const createFindHolder =
  (records: Pick<AccountRecords, 'findBySub'>, isFit: (account: AccountRecord) => boolean) =>
  async (verified: Verified | undefined): Promise<AccountRecord | undefined> => {
    const account = verified?.sub === undefined ? undefined : await records.findBySub(verified.sub);
    if (account === undefined || !maySignIn(account) || !isFit(account)) return undefined;
    const isSame =
      account.email === verified?.address && proofMarkOf(account).since === verified?.about?.since;
    return isSame ? account : undefined;
  };
