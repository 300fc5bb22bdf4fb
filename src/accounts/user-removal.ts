import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { Revocations } from './revocations.ts';
import { endOfSessions } from './standing.ts';
import {
  type AtVersion,
  changedMeanwhile,
  isAnotherVersion,
  notFound,
  type UserChange,
} from './user-change.ts';

export interface AccountRemovalParts {
  readonly records: Pick<AccountRecords, 'update'>;
  readonly clearThrottle: (account: AccountRecord) => Promise<void>;
  /** `Storage.purgeAccount` of this tenant. */
  readonly purgeAccount: (sub: string) => Promise<number>;
  readonly revocations: Pick<Revocations, 'endAccount'>;
  readonly audit: Audit;
  readonly clock: Clock;
  /** For the audit record: `cli`, a sub, or `drawbridge` for the server itself. */
  readonly actor: string;
}

/** @throws AppError `unavailable`; it can be repeated then */
export type RemoveAccount = (account: AccountRecord) => Promise<void>;

/**
 * Each step can be repeated after an outage. The account is disabled before anything is removed, so that nobody signs in
 * between, and its apps get their logouts while its sessions still say which they are.
 */
export const createAccountRemoval =
  (parts: AccountRemovalParts): RemoveAccount =>
  async (account) => {
    const { records, clock } = parts;
    const { sub } = account;
    // the sub alone: it is a random text, and says nothing of the person once the account is gone
    await parts.audit.noteBefore({
      action: 'user.delete',
      actor: parts.actor,
      object: sub,
      outcome: 'success',
    });
    const nowMs = clock.now();
    await records.update(sub, { disabledAt: nowMs, notBefore: endOfSessions(nowMs), updatedAt: nowMs });
    await parts.revocations.endAccount(sub, 'user.delete');
    await parts.clearThrottle(account);
    await parts.purgeAccount(sub);
  };

export interface UserRemovalParts extends AccountRemovalParts {
  readonly find: (login: string) => Promise<AccountRecord | undefined>;
}

export const createUserRemoval = (
  parts: UserRemovalParts,
): ((login: string, at?: AtVersion) => Promise<UserChange>) => {
  const remove = createAccountRemoval(parts);
  return async (login, at = {}) => {
    const account = await parts.find(login);
    if (account === undefined) return notFound;
    if (isAnotherVersion(account, at)) return changedMeanwhile;
    await remove(account);
    return { ok: true, account };
  };
};
