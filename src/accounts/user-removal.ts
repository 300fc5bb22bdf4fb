import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { Revocations } from './revocations.ts';
import { endOfSessions } from './standing.ts';
import { notFound, type UserChange } from './user-change.ts';

export interface UserRemovalParts {
  readonly records: AccountRecords;
  readonly find: (login: string) => Promise<AccountRecord | undefined>;
  readonly clearThrottle: (account: AccountRecord) => Promise<void>;
  /** `Storage.purgeAccount` of this tenant. */
  readonly purgeAccount: (sub: string) => Promise<number>;
  readonly revocations: Pick<Revocations, 'endAccount'>;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly actor: string;
}

/**
 * Each step can be repeated after an outage. The account is disabled before anything is removed, so that nobody signs in
 * between, and its apps get their logouts while its sessions still say which they are.
 */
export const createUserRemoval =
  (parts: UserRemovalParts) =>
  async (login: string): Promise<UserChange> => {
    const { records, clock } = parts;
    const account = await parts.find(login);
    if (account === undefined) return notFound;
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
    return { ok: true, account };
  };
