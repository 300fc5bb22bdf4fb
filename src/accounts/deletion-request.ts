// What people do who want their account deleted: it is theirs to ask, and the deletion is done when the grace period is over
// (due-deletions.ts), unless they sign in before that (deletion-call-off.ts).
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { Locale, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { AppError } from '../errors.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { NotifyOfChange } from './account-notices.ts';
import { changedByOthers, mostAttempts } from './lost-races.ts';
import type { Revocations } from './revocations.ts';
import { endOfSessions, mayStillChange } from './standing.ts';

/** `file`: the tenant's file has this person, who would be there again; `tenant`: the tenant does not let this person. */
export type DeletionRefusal = 'file' | 'tenant';

export interface DeletionBy {
  readonly actor: string;
  readonly address: string;
  readonly requestId: string;
  /** Of the page; default: the person's own, or the tenant's. */
  readonly locale?: Locale;
}

export type DeletionBegun =
  /** Epoch milliseconds. */
  { readonly ok: true; readonly deleteAt: number } | { readonly ok: false; readonly reason: DeletionRefusal };

export interface DeletionRequests {
  /**
   * Epoch milliseconds of the deletion, if it is asked for now: after the grace period, and not while an e-mail address of before
   * can be put back, which calls the deletion off.
   */
  dueAt(account: AccountRecord): number;
  /** Why this person cannot ask; undefined: they can. */
  refusalFor(account: AccountRecord): DeletionRefusal | undefined;
  /**
   * Sets the time of the deletion and ends all sessions and tokens of the person, who gets a mail about it. The caller has
   * made sure that it is the person, by a recent sign-in.
   * @throws AppError `unavailable`; `not_found` when the account was deleted, disabled or signed out everywhere meanwhile
   */
  begin(account: AccountRecord, by: DeletionBy): Promise<DeletionBegun>;
}

export interface DeletionRequestsParts {
  readonly definition: Pick<TenantDefinition, 'accounts' | 'users'>;
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly revocations: Pick<Revocations, 'endAccount'>;
  readonly notifyOfChange: NotifyOfChange;
  readonly audit: Audit;
  readonly clock: Clock;
}

const action = 'account.delete_begin';

export const createDeletionRequests = (parts: DeletionRequestsParts): DeletionRequests => {
  const { definition, records, notifyOfChange, audit, clock } = parts;
  const { allowed, graceSeconds } = definition.accounts.deletion;

  const refusalFor = (account: AccountRecord): DeletionRefusal | undefined => {
    if (allowed === 'nobody' || (allowed === 'local' && account.origin === 'source')) return 'tenant';
    if (account.origin === 'source') return undefined;
    const isInFile = definition.users.some(({ username }) => username === account.username);
    return account.origin === 'demo' || isInFile ? 'file' : undefined;
  };

  const dueAt = ({ formerEmails = [] }: AccountRecord): number =>
    Math.max(clock.now() + graceSeconds * 1000, ...formerEmails.map(({ until }) => until));

  return {
    dueAt,
    refusalFor,
    begin: async (account, { locale, ...by }) => {
      const { sub } = account;
      const event = { ...by, action, object: sub } as const;
      let current: AccountRecord | undefined = account;
      for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
        // the same request twice at once
        if (current?.deleteAt !== undefined) return { ok: true, deleteAt: current.deleteAt };
        if (!mayStillChange(current, account))
          throw new AppError('not_found', 'This account may no longer be used');
        const reason = refusalFor(current);
        if (reason !== undefined) return { ok: false, reason };
        const nowMs = clock.now();
        const deleteAt = dueAt(current);
        const { version } = current;
        const patch = { deleteAt, notBefore: endOfSessions(nowMs), updatedAt: nowMs };
        const isDone = await notifyOfChange(
          current,
          { kind: 'account_deletion_begun', momentMs: deleteAt, ...(locale === undefined ? {} : { locale }) },
          { make: () => records.update(sub, patch, version), isDone: (done) => done },
        );
        if (isDone) {
          await audit.note({ ...event, outcome: 'success' });
          await parts.revocations.endAccount(sub, action);
          return { ok: true, deleteAt };
        }
        current = await records.findBySub(sub);
      }
      throw changedByOthers();
    },
  };
};
