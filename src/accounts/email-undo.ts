// Puts back the e-mail address that an account had before, for whoever reads the mails of that address: another person may have
// changed it, and may be signed in. An older address outlives the undoing of a newer one, and not the other way round.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { FormerEmail } from '../storage/former-email.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { changeAccount } from './account-change.ts';
import { type AccountChange, keysWithoutEmail } from './linked-identities.ts';
import { loginsOf } from './logins.ts';
import { hasOwnProfile } from './managed-elsewhere.ts';
import type { SessionActor } from './person-sessions.ts';
import type { Revocations } from './revocations.ts';
import { endOfSessions } from './standing.ts';
import { carryGuesses, type Throttle } from './throttle.ts';
import type { Verifications } from './verifications.ts';

/** What the link would put back. */
export interface UndoableEmail {
  readonly account: AccountRecord;
  readonly email: string;
}

/**
 * `link`: it was used, is too old, or an older address was put back. `taken`: another account has the address by now.
 */
export type EmailUndone = { readonly ok: true } | { readonly ok: false; readonly reason: 'link' | 'taken' };

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface EmailUndo {
  /** Without using the link. */
  find(link: string): Promise<UndoableEmail | undefined>;
  /** Ends all sessions and tokens too. */
  undo(link: string, from: Omit<SessionActor, 'actor'>): Promise<EmailUndone>;
}

export interface EmailUndoParts {
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly verifications: Pick<Verifications, 'find' | 'consumeLink'>;
  readonly revocations: Pick<Revocations, 'endAccount'>;
  readonly throttle: Pick<Throttle, 'carry'>;
  readonly audit: Audit;
  readonly clock: Clock;
}

export const undoSeconds = 3 * 24 * 3600;
const purpose = 'email-undo';

/** @param token of the mail */
export const emailUndoUrl = (issuer: string, token: string): string => `${issuer}/email-undo?token=${token}`;

export const createEmailUndo = (parts: EmailUndoParts): EmailUndo => {
  const { records, verifications, audit, clock } = parts;

  const findFormer = ({ formerEmails = [] }: AccountRecord, id: string): FormerEmail | undefined =>
    formerEmails.find((former) => former.id === id && former.until > clock.now());

  const find = async (link: string) => {
    const verified = await verifications.find(purpose, link);
    const id = verified?.about?.id;
    if (verified?.sub === undefined || id === undefined) return undefined;
    const account = await records.findBySub(verified.sub);
    const former = account === undefined ? undefined : findFormer(account, id);
    if (account === undefined || former === undefined || !hasOwnProfile(account)) return undefined;
    return { account, email: former.email, id };
  };

  const planFor = (account: AccountRecord, id: string): AccountChange | undefined => {
    const former = findFormer(account, id);
    if (former === undefined || !hasOwnProfile(account)) return undefined;
    const { formerEmails = [], email, notBefore = 0 } = account;
    const isUsername = email !== undefined && canonicalLogin(account.username) === canonicalLogin(email);
    const username = isUsername ? (former.username ?? account.username) : account.username;
    return {
      ...{ email: former.email, emailVerified: former.isVerified, username },
      logins: loginsOf(username, former.email) ?? account.logins,
      ...(email === undefined ? {} : { identityKeys: keysWithoutEmail(account, email) }),
      formerEmails: formerEmails.slice(0, formerEmails.indexOf(former)),
      notBefore: Math.max(endOfSessions(clock.now()), notBefore),
      updatedAt: clock.now(),
    };
  };

  return {
    find,
    undo: async (link, from) => {
      const found = await find(link);
      if (found === undefined || (await verifications.consumeLink(purpose, link)) === undefined)
        return { ok: false, reason: 'link' };
      const { account, id } = found;
      const { sub } = account;
      const event = { ...from, action: 'account.email_undo', actor: sub, object: sub } as const;
      await audit.noteBefore({ ...event, outcome: 'success' });
      const outcome = await changeAccount(records, account, (current) => planFor(current, id));
      if (!outcome.ok) {
        await audit.note({ ...event, outcome: 'failure', reason: outcome.reason });
        return { ok: false, reason: outcome.reason === 'taken' ? 'taken' : 'link' };
      }
      await parts.revocations.endAccount(sub, 'account.email_undo');
      await carryGuesses(parts.throttle, { before: account.logins, after: outcome.account.logins });
      return { ok: true };
    },
  };
};
