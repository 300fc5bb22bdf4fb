// Another e-mail address for the person who is signed in: proven by a mail to it. An old one that was verified gets a notice, with
// a link that puts it back (email-undo.ts); nobody knows whose an address is that was not.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { Locale, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { hashId, randomId } from '../crypto/ids.ts';
import { definedOnly } from '../defined-only.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { FormerEmail } from '../storage/former-email.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { changeAccount } from './account-change.ts';
import type { NotifyOfChange } from './account-notices.ts';
import type { RunAfterAnswer } from './after-answer.ts';
import { createUndoLink, undoSeconds } from './email-undo-link.ts';
import type { FormerAddresses } from './former-addresses.ts';
import { keepSignIn } from './kept-sign-in.ts';
import { type AccountChange, keysWithoutEmail } from './linked-identities.ts';
import { loginsOf } from './logins.ts';
import { hasOwnProfile } from './managed-elsewhere.ts';
import type { SessionActor } from './person-sessions.ts';
import { proofMarkOf } from './proof-holder.ts';
import type { FindKnown } from './registration-link.ts';
import { judgeInvitedAddress } from './registration-rules.ts';
import type { Revocations } from './revocations.ts';
import { mayHoldTokens } from './standing.ts';
import { carryGuesses, type Throttle } from './throttle.ts';
import {
  codeSeconds,
  linkSeconds,
  type TypedCode,
  type Verifications,
  type Verified,
} from './verifications.ts';

export interface NewEmail {
  /** As it was typed. */
  readonly email: string;
  /** A secret of the browser or app; the code of the mail works with it alone. */
  readonly browser: string;
  readonly locale: Locale;
}

/** Of the mail. */
export type EmailProof = { readonly link: string } | TypedCode;

export type EmailBegun =
  | { readonly ok: true }
  /** `address`: not one plain address. `same`: the account has it, verified. */
  | { readonly ok: false; readonly reason: 'address' | 'same' }
  /** People of this domain sign in at a source; its name. */
  | { readonly ok: false; readonly reason: 'elsewhere'; readonly source: string }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

export type EmailConfirmed =
  | { readonly ok: true; readonly account: AccountRecord }
  /** `proof`: wrong, used, too old, or of another account. `taken`: another account has the address by now. */
  | { readonly ok: false; readonly reason: 'proof' | 'taken' };

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface EmailChanges {
  /** Is there a mail server, and no source that gives the person's address? */
  isOffered(account: AccountRecord): boolean;
  /**
   * Counts the request, of a person who has just signed in; nobody waits for the mail. Whether the address is somebody
   * else's, only its mail says.
   */
  begin(account: AccountRecord, asked: NewEmail, by: SessionActor): Promise<EmailBegun>;
  /** The account and the address that the link would give it, without using the link. */
  find(link: string): Promise<{ readonly account: AccountRecord; readonly email: string } | undefined>;
  /** By the person of the account alone, so that nobody can give an account of theirs the address of others. */
  confirm(account: AccountRecord, proof: EmailProof, by: SessionActor): Promise<EmailConfirmed>;
}

export interface EmailChangesParts {
  readonly definition: Pick<TenantDefinition, 'sources' | 'registration'>;
  readonly issuer: string;
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly findKnown: FindKnown;
  readonly formerAddresses: Pick<FormerAddresses, 'note'>;
  readonly verifications: Verifications;
  readonly revocations: Pick<Revocations, 'publish'>;
  readonly throttle: Pick<Throttle, 'spend' | 'carry'>;
  readonly mail: Pick<TenantMail, 'mode' | 'send'>;
  readonly notifyOfChange: NotifyOfChange;
  readonly runAfterAnswer: RunAfterAnswer;
  readonly audit: Audit;
  readonly clock: Clock;
}

const hour = 3600;
/** Mails by one account, and to one address. */
const perHour = { points: 5, windowSeconds: hour } as const;
/** So many addresses of before are kept at most. */
const perAccount = { points: 20, windowSeconds: undoSeconds } as const;
const perTenant = { points: 1000, windowSeconds: hour } as const;
const purpose = 'email-change';

/** @param token of the mail */
const emailConfirmUrl = (issuer: string, token: string): string =>
  `${issuer}/account/email/confirm?token=${token}`;

export const createEmailChanges = (parts: EmailChangesParts): EmailChanges => {
  const { definition, issuer, records, verifications, throttle, mail, notifyOfChange, audit, clock } = parts;

  const writeMail = async (account: AccountRecord, { email, browser, locale }: NewEmail): Promise<void> => {
    const { sub, username } = account;
    const known = await parts.findKnown(email);
    if (known !== undefined && known.sub !== sub)
      return mail.send({ kind: 'email_taken', to: email, locale, sub: known.sub });
    const secrets = await verifications.create({
      ...{ purpose, address: email, sub, about: markOf(account) },
      browser: boundTo(sub, browser),
    });
    const link = emailConfirmUrl(issuer, secrets.link);
    const content = { kind: 'email_change', to: email, locale, sub, link, values: { username } } as const;
    await mail.send({ ...content, linkSeconds, codeSeconds, ...definedOnly({ code: secrets.code }) });
  };

  /** Whose link or code it is, if it was written for the account as it is now. */
  const isCurrent = (account: AccountRecord, verified: Verified | undefined): verified is Verified => {
    const mark = markOf(account);
    return (
      verified?.sub === account.sub &&
      verified.about?.from === mark.from &&
      verified.about.since === mark.since &&
      hasOwnProfile(account)
    );
  };

  const consume = async (account: AccountRecord, proof: EmailProof): Promise<Verified | undefined> => {
    if (!('link' in proof))
      return verifications.consumeCode(purpose, { ...proof, browser: boundTo(account.sub, proof.browser) });
    // the link of another account stays good for that one
    if (!isCurrent(account, await verifications.find(purpose, proof.link))) return undefined;
    return verifications.consumeLink(purpose, proof.link);
  };

  const change = (account: AccountRecord, verified: Verified, former: FormerPlace) =>
    changeAccount(records, account, (current) =>
      isCurrent(current, verified)
        ? changeTo(current, verified.address, { ...former, nowMs: clock.now() })
        : undefined,
    );

  /** @returns its link */
  const prepareUndo = async (sub: string, email: string, { id, until }: FormerPlace): Promise<string> => {
    await parts.formerAddresses.note(sub, { email, until });
    return createUndoLink(parts, sub, { id, email, seconds: undoSeconds });
  };

  return {
    isOffered: (account) => mail.mode !== 'none' && hasOwnProfile(account),

    begin: async (account, asked, by) => {
      const { sub } = account;
      const judged = judgeInvitedAddress(asked.email, definition);
      if (!judged.ok && judged.reason === 'elsewhere') return judged;
      if (!judged.ok) return { ok: false, reason: 'address' };
      const { email } = judged;
      if (account.emailVerified === true && isAddressOf(account, email)) return { ok: false, reason: 'same' };
      const charges = [
        [`email-change/account/${hashId(sub)}`, perHour],
        [`email-change/days/${hashId(sub)}`, perAccount],
        [`email-change/address/${hashId(email)}`, perHour],
        ['email-change/tenant', perTenant],
      ] as const;
      for (const [key, allowance] of charges) {
        const { isAllowed, retryAfterSeconds } = await throttle.spend(key, allowance);
        if (!isAllowed) return { ok: false, reason: 'throttled', retryAfterSeconds };
      }
      // the person can read the record, so it does not say whose the address is
      await audit.noteBefore({ ...by, action: 'account.email_begin', object: sub, outcome: 'success' });
      parts.runAfterAnswer({
        what: 'the mail that proves a new e-mail address',
        ...definedOnly({ requestId: by.requestId }),
        work: () => writeMail(account, { ...asked, email }),
      });
      return { ok: true };
    },

    find: async (link) => {
      const verified = await verifications.find(purpose, link);
      const account = verified?.sub === undefined ? undefined : await records.findBySub(verified.sub);
      return mayHoldTokens(account) && isCurrent(account, verified)
        ? { account, email: verified.address }
        : undefined;
    },

    confirm: async (account, proof, by) => {
      const { sub } = account;
      const verified = await consume(account, proof);
      if (!isCurrent(account, verified)) return { ok: false, reason: 'proof' };
      const event = { ...by, action: 'account.email', object: sub } as const;
      const known = await parts.findKnown(verified.address);
      if (known !== undefined && known.sub !== sub) {
        await audit.note({ ...event, outcome: 'failure', reason: 'taken' });
        return { ok: false, reason: 'taken' };
      }
      await audit.noteBefore({ ...event, outcome: 'success' });
      const former = { id: randomId(16), until: clock.now() + undoSeconds * 1000 };
      const old = undoableEmail(account, verified.address);
      const undo = old === undefined ? undefined : await prepareUndo(sub, old, former);
      const make = () => change(account, verified, former);
      const outcome =
        undo === undefined
          ? await make()
          : await notifyOfChange(
              account,
              {
                ...{ kind: 'email_changed', values: { email: verified.address } },
                ...{ link: undo, linkSeconds: undoSeconds },
              },
              { make, isDone: ({ ok }) => ok },
            );
      if (outcome.ok) {
        await carryGuesses(throttle, { before: account.logins, after: outcome.account.logins });
        await parts.revocations.publish({ what: 'account', id: sub, reason: 'account.email' });
        return outcome;
      }
      await audit.note({ ...event, outcome: 'failure', reason: outcome.reason });
      return { ok: false, reason: outcome.reason === 'taken' ? 'taken' : 'proof' };
    },
  };
};

type FormerPlace = Pick<FormerEmail, 'id' | 'until'>;

/** Changes with each address too: what was sent before is good for nothing then. */
const markOf = (account: AccountRecord) => ({ from: account.email ?? '', ...proofMarkOf(account) });

const boundTo = (sub: string, browser: string): string => `${sub} ${browser}`;

/** The verified address that the account loses with this change. */
const undoableEmail = (account: AccountRecord, next: string): string | undefined =>
  account.emailVerified === true && !isAddressOf(account, next) ? account.email : undefined;

const isAddressOf = ({ email }: AccountRecord, canonical: string): boolean =>
  email !== undefined && canonicalLogin(email) === canonical;

/** A user name that is the old address becomes the new one, or the person would go on signing in with the old one. */
const changeTo = (
  account: AccountRecord,
  email: string,
  { id, until, nowMs }: FormerPlace & { readonly nowMs: number },
): AccountChange => {
  const { email: old, formerEmails = [] } = account;
  const isUsername = old !== undefined && canonicalLogin(account.username) === canonicalLogin(old);
  const username = isUsername ? email : account.username;
  const kept = formerEmails.filter((former) => former.until > nowMs);
  const lost = undoableEmail(account, email);
  const former =
    lost === undefined
      ? []
      : [{ id, email: lost, until, username: account.username, kept: keepSignIn(account) }];
  return {
    ...{ email, emailVerified: true, username, logins: loginsOf(username, email) ?? account.logins },
    ...(old === undefined ? {} : { identityKeys: keysWithoutEmail(account, old) }),
    formerEmails: [...kept, ...former],
    updatedAt: nowMs,
  };
};
