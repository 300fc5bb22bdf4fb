// Puts back the e-mail address that an account had before, for whoever reads the mails of that address: another person may have
// changed it, and may be signed in. With it comes back what the person signed in with (kept-sign-in.ts), and a deletion that was
// asked for since is called off. An older address outlives the undoing of a newer one, and not the other way round.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { FormerEmail } from '../storage/former-email.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { changeAccount } from './account-change.ts';
import { undoPurpose as purpose } from './email-undo-link.ts';
import { identitiesAddedSince, signInAsKept } from './kept-sign-in.ts';
import { type AccountChange, changed, identityKey, keysWithoutEmail } from './linked-identities.ts';
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
 * `link`: it is too old, or an older address was put back. `done`: the account has the address again already, and nothing was
 * changed. `taken`: another account has the address by now.
 */
export type EmailUndone =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'link' | 'done' | 'taken' };

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface EmailUndo {
  /** Without using the link. */
  find(link: string): Promise<UndoableEmail | undefined>;
  /** What the link has put back already, as long as it is so. */
  findDone(link: string): Promise<UndoableEmail | undefined>;
  /**
   * Ends all sessions and tokens too. The link stays good unless the address is put back; what an outage has kept from being
   * ended then, the next use of the link ends.
   */
  undo(link: string, from: Omit<SessionActor, 'actor'>): Promise<EmailUndone>;
}

export interface EmailUndoParts {
  readonly records: Pick<AccountRecords, 'findBySub' | 'findByLogin' | 'findByIdentity' | 'update'>;
  readonly verifications: Pick<Verifications, 'find' | 'findUsed' | 'consumeLink'>;
  /** Ids of the tenant's sources. */
  readonly sources: readonly string[];
  readonly revocations: Pick<Revocations, 'endAccount'>;
  /** The tokens of a source whose connection is gone. */
  readonly forgetTokens: (sub: string, source: string) => Promise<void>;
  readonly throttle: Pick<Throttle, 'carry'>;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
}

export const createEmailUndo = (parts: EmailUndoParts): EmailUndo => {
  const { records, verifications, audit, clock, log } = parts;

  const findFormer = ({ formerEmails = [] }: AccountRecord, id: string): FormerEmail | undefined =>
    formerEmails.find((former) => former.id === id && former.until > clock.now());

  const find = async (link: string) => {
    const verified = await verifications.find(purpose, link);
    const id = verified?.about?.id;
    if (verified?.sub === undefined || id === undefined) return undefined;
    const account = await records.findBySub(verified.sub);
    const former = account === undefined ? undefined : findFormer(account, id);
    if (account === undefined || former === undefined || !hasOwnProfile(account)) return undefined;
    return { account, email: former.email, former };
  };

  const findDone = async (
    link: string,
  ): Promise<(UndoableEmail & { readonly isUsed: boolean }) | undefined> => {
    const unused = await verifications.find(purpose, link);
    const verified = unused ?? (await verifications.findUsed(purpose, link));
    const { sub, address, about } = verified ?? {};
    const account = sub === undefined ? undefined : await records.findBySub(sub);
    if (account === undefined || address === undefined || about?.id === undefined) return undefined;
    if (!hasVerified(account, address) || findFormer(account, about.id) !== undefined) return undefined;
    return { account, email: address, isUsed: unused === undefined };
  };

  const isOfOther = (holder: AccountRecord | undefined, sub: string): boolean =>
    holder !== undefined && holder.sub !== sub;

  /** What cannot come back with the address, because another account has it by now. */
  const findTaken = async ({ sub }: AccountRecord, { username, kept }: FormerEmail): Promise<Taken> => {
    const login = canonicalLogin(username);
    const keys = (kept.identities ?? []).map(identityKey);
    const [holder, ...holders] = await Promise.all([
      login === undefined ? undefined : records.findByLogin(login),
      ...keys.map((key) => records.findByIdentity(key)),
    ]);
    return {
      isUsername: isOfOther(holder, sub),
      identityKeys: new Set(keys.filter((_key, index) => isOfOther(holders[index], sub))),
    };
  };

  const planFor = (account: AccountRecord, id: string, taken: Taken): AccountChange | undefined => {
    const nowMs = clock.now();
    const former = findFormer(account, id);
    const isDeletionDue = account.deleteAt !== undefined && account.deleteAt <= nowMs;
    if (former === undefined || isDeletionDue || !hasOwnProfile(account)) return undefined;
    const { formerEmails = [], email, notBefore = 0 } = account;
    const username = taken.isUsername ? usernameWithout(account, former.email) : former.username;
    const signIn = signInAsKept(account, former.kept, (key) => taken.identityKeys.has(key));
    return {
      ...{ email: former.email, emailVerified: true, username },
      logins: loginsOf(username, former.email) ?? account.logins,
      ...signIn,
      ...(email === undefined ? {} : { identityKeys: keysWithoutEmail(changed(account, signIn), email) }),
      formerEmails: formerEmails.slice(0, formerEmails.indexOf(former)),
      deleteAt: undefined,
      notBefore: Math.max(endOfSessions(nowMs), notBefore),
      updatedAt: nowMs,
    };
  };

  /** The change counts once already: what the link would put back is gone. */
  const consume = async (link: string, sub: string): Promise<void> => {
    try {
      await verifications.consumeLink(purpose, link);
    } catch (err) {
      log.warn({ err, sub }, 'a link that put back an e-mail address is still stored');
    }
  };

  /** An outage may have hidden that the address was put back, and then the rest was not done. */
  const repeat = async (link: string): Promise<EmailUndone> => {
    const done = await findDone(link);
    if (done === undefined) return { ok: false, reason: 'link' };
    const { sub } = done.account;
    if (!done.isUsed) {
      await parts.revocations.endAccount(sub, 'account.email_undo');
      // which of them were connected since the change is no longer known
      for (const source of parts.sources) await parts.forgetTokens(sub, source);
      await consume(link, sub);
    }
    return { ok: false, reason: 'done' };
  };

  return {
    find,
    findDone,
    undo: async (link, from) => {
      const found = await find(link);
      if (found === undefined) return repeat(link);
      const { account, former } = found;
      const { sub } = account;
      const taken = await findTaken(account, former);
      const event = { ...from, action: 'account.email_undo', actor: sub, object: sub } as const;
      await audit.noteBefore({ ...event, outcome: 'success' });
      let before = account;
      const outcome = await changeAccount(records, account, (current) => {
        before = current;
        return planFor(current, former.id, taken);
      });
      if (!outcome.ok) {
        await audit.note({ ...event, outcome: 'failure', reason: outcome.reason });
        if (outcome.reason === 'taken') return { ok: false, reason: 'taken' };
        return { ok: false, reason: (await findDone(link)) === undefined ? 'link' : 'done' };
      }
      await parts.revocations.endAccount(sub, 'account.email_undo');
      for (const { source } of identitiesAddedSince(before, former.kept))
        await parts.forgetTokens(sub, source);
      await consume(link, sub);
      if (before.deleteAt !== undefined)
        await audit.note({ ...event, action: 'account.delete_undo', outcome: 'success' });
      await carryGuesses(parts.throttle, { before: account.logins, after: outcome.account.logins });
      return { ok: true };
    },
  };
};

interface Taken {
  readonly isUsername: boolean;
  readonly identityKeys: ReadonlySet<string>;
}

const hasVerified = ({ email, emailVerified }: AccountRecord, address: string): boolean =>
  emailVerified === true && email !== undefined && canonicalLogin(email) === canonicalLogin(address);

/** The user name of now, unless it is the address that the account loses. */
const usernameWithout = ({ username, email }: AccountRecord, former: string): string =>
  email !== undefined && canonicalLogin(username) === canonicalLogin(email) ? former : username;
