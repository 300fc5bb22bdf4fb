import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { Accounts } from './account-types.ts';
import { isAdmittedTo } from './admission.ts';

/** May this subject receive or use tokens now? Asked on every grant, at refresh, introspection and userinfo. */
export const mayHoldTokens = (account: AccountRecord | undefined): account is AccountRecord =>
  account !== undefined && account.disabledAt === undefined && account.lockedAt === undefined;

/** Is a session that began then (epoch seconds) still good? Not after a password change or forced logout. */
export const isSessionCurrent = (account: AccountRecord, signedInAt: number): boolean =>
  account.notBefore === undefined || signedInAt >= account.notBefore;

/**
 * The `notBefore` that ends every session begun until now. Rounded up: sessions know whole seconds only, and
 * one that began within this very second must end as well.
 */
export const endOfSessions = (nowMs: number): number => Math.ceil(nowMs / 1000);

export interface ActiveAccountParts {
  readonly definition: Pick<TenantDefinition, 'demo' | 'sources'>;
  readonly recheck: Accounts['recheck'];
}

/**
 * The account as it is now, if its person may hold tokens and sessions at this tenant; looked up at its source again
 * where that is due, or always.
 * @throws AppError `unavailable`
 */
export const findActiveAccount = async (
  { definition, recheck }: ActiveAccountParts,
  account: AccountRecord | undefined,
  when: 'due' | 'always' = 'due',
): Promise<AccountRecord | undefined> => {
  if (account === undefined || !isAdmittedTo(definition, account)) return undefined;
  // what a source has locked, it may have opened again meanwhile
  if (account.lockedBy === undefined && !mayHoldTokens(account)) return undefined;
  const now = await recheck(account, when);
  return mayHoldTokens(now) ? now : undefined;
};
