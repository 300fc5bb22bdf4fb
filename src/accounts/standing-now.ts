import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { Accounts } from './accounts.ts';
import { isAdmittedTo } from './admission.ts';
import { mayHoldTokens } from './standing.ts';

export interface StandingParts {
  readonly definition: Pick<TenantDefinition, 'demo' | 'sources'>;
  readonly recheck: Accounts['recheck'];
}

/**
 * The account as it is now, if its person may hold tokens and sessions at this tenant; looked up at its source again
 * where that is due, or always.
 * @throws AppError `unavailable`
 */
export const findStanding = async (
  { definition, recheck }: StandingParts,
  account: AccountRecord | undefined,
  when: 'due' | 'always' = 'due',
): Promise<AccountRecord | undefined> => {
  if (account === undefined || !isAdmittedTo(definition, account)) return undefined;
  // what a source has locked, it may have opened again meanwhile
  if (account.lockedBy === undefined && !mayHoldTokens(account)) return undefined;
  const now = await recheck(account, when);
  return mayHoldTokens(now) ? now : undefined;
};
