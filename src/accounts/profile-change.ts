// What people change of their own profile: name, language and, where the tenant allows it, user name. Their sessions and
// tokens stay; the next answer of userinfo has the new claims. People whose profile comes from a source change it there, but
// for the language, which is theirs to choose here too.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { Locale, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { hashId } from '../crypto/ids.ts';
import { AppError } from '../errors.ts';
import { canonicalLogin, withoutInvisibleEdges } from '../protocol/canonical-login.ts';
import { readEmail } from '../protocol/email-address.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { changeAccount } from './account-change.ts';
import { languageOf, type NotifyOfChange } from './account-notices.ts';
import { type FormerUsernames, usernameKeptSeconds } from './former-usernames.ts';
import type { AccountChange } from './linked-identities.ts';
import { loginsOf } from './logins.ts';
import { hasOwnProfile } from './managed-elsewhere.ts';
import { isFreeToChoose, readFullName } from './new-person.ts';
import type { SessionActor } from './person-sessions.ts';
import type { Revocations } from './revocations.ts';
import { mayStillChange } from './standing.ts';
import { carryGuesses, type Throttle, type ThrottleVerdict } from './throttle.ts';

/** What is absent stays as it is; `null` removes it. */
export interface ProfileChange {
  /** The full name, the claim `name`. */
  readonly name?: string | null;
  /** The claim `locale`, and the language of mails about the account; `null` is that of the source where there is one. */
  readonly locale?: Locale | null;
}

export type ProfileOutcome =
  | { readonly ok: true; readonly account: AccountRecord }
  /** `elsewhere`: a source gives the name of this person. `name`: no plain text, or too long. */
  | { readonly ok: false; readonly reason: 'elsewhere' | 'name' };

export type RenameOutcome =
  | { readonly ok: true; readonly account: AccountRecord }
  /** `address`: it is an e-mail address, and not the person's own verified one. */
  | {
      readonly ok: false;
      readonly reason: 'elsewhere' | 'not_offered' | 'username' | 'address' | 'taken';
    }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

/**
 * Both throw AppError `unavailable`, and `not_found` when the account was disabled or signed out everywhere meanwhile. A change
 * that cannot be recorded is not made.
 */
export interface ProfileChanges {
  change(account: AccountRecord, change: ProfileChange, by: SessionActor): Promise<ProfileOutcome>;
  /** A new user name, for a person who has just signed in. */
  rename(account: AccountRecord, username: string, by: SessionActor): Promise<RenameOutcome>;
}

export interface ProfileChangesParts {
  readonly definition: Pick<TenantDefinition, 'accounts'>;
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly revocations: Pick<Revocations, 'publish'>;
  readonly formerUsernames: FormerUsernames;
  readonly throttle: Pick<Throttle, 'spend' | 'refund' | 'carry'>;
  readonly notifyOfChange: NotifyOfChange;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** User names that one person tries in an hour: the answers say which of them somebody has. */
const renames = { points: 10, windowSeconds: 3600 } as const;
/** So many names of before are kept for one person at most. */
const newNames = { points: 5, windowSeconds: usernameKeptSeconds } as const;

export const createProfileChanges = (parts: ProfileChangesParts): ProfileChanges => {
  const { definition, records, revocations, formerUsernames, throttle, notifyOfChange, audit, clock } = parts;
  const publish = (sub: string, reason: string): Promise<void> =>
    revocations.publish({ what: 'account', id: sub, reason });

  const makeRename = async (account: AccountRecord, username: string) => {
    let before = account;
    const keepLost = (after: readonly string[]): Promise<void> =>
      formerUsernames.keep(account.sub, { before: before.logins, after });
    await keepLost(loginsOf(username, account.email) ?? []);
    const outcome = await changeAccount(records, account, (current) => {
      before = current;
      const logins = loginsOf(username, current.email);
      if (logins === undefined || !mayChange(current, account)) return undefined;
      return { username, logins, updatedAt: clock.now() };
    });
    // another change of the same name has won in between
    if (outcome.ok && before.version !== account.version) await keepLost(outcome.account.logins);
    return outcome;
  };

  /** Names of before that the person takes back do not count: they are kept already. */
  const countNewName = async (
    sub: string,
    holder: string | undefined,
  ): Promise<ThrottleVerdict | undefined> =>
    holder === sub ? undefined : throttle.spend(renamedKey(sub), newNames);

  return {
    change: async (account, change, by) => {
      const { sub } = account;
      const name = readName(change.name);
      if (name === false) return { ok: false, reason: 'name' };
      if (name !== undefined && !hasOwnProfile(account)) return { ok: false, reason: 'elsewhere' };
      const planFor = (current: AccountRecord): AccountChange | undefined => {
        const planned = profileAfter(current, { ...change, ...(name === undefined ? {} : { name }) });
        return planned === undefined ? undefined : { ...planned, updatedAt: clock.now() };
      };
      if (planFor(account) === undefined) return { ok: true, account };
      const reason = Object.keys(change).sort().join(' ');
      const event = { ...by, action: 'account.profile', object: sub, reason } as const;
      await audit.noteBefore({ ...event, outcome: 'success' });
      const outcome = await changeAccount(records, account, (current) =>
        mayStillChange(current, account) ? planFor(current) : undefined,
      );
      if (!outcome.ok) {
        const current = await records.findBySub(sub);
        if (mayStillChange(current, account)) return { ok: true, account: current };
        await audit.note({ ...event, outcome: 'failure' });
        throw signedOut();
      }
      await publish(sub, 'account.profile');
      return outcome;
    },

    rename: async (account, typed, by) => {
      if (!definition.accounts.usernameChange) return { ok: false, reason: 'not_offered' };
      if (!hasOwnProfile(account)) return { ok: false, reason: 'elsewhere' };
      const username = withoutInvisibleEdges(typed);
      const canonical = canonicalLogin(username);
      if (canonical === undefined) return { ok: false, reason: 'username' };
      if (username === account.username) return { ok: true, account };
      if (!isOwnAddress(canonical, account)) {
        if (readEmail(canonical).ok) return { ok: false, reason: 'address' };
        if (!isFreeToChoose(canonical)) return { ok: false, reason: 'username' };
      }
      const { sub } = account;
      const tried = await throttle.spend(`account/rename/${hashId(sub)}`, renames);
      if (!tried.isAllowed)
        return { ok: false, reason: 'throttled', retryAfterSeconds: tried.retryAfterSeconds };
      const event = { ...by, action: 'account.username', object: sub } as const;
      const holder = await formerUsernames.findHolder(canonical);
      if (holder !== undefined && holder !== sub && !isOwnAddress(canonical, account)) {
        await audit.note({ ...event, outcome: 'failure', reason: 'taken' });
        return { ok: false, reason: 'taken' };
      }
      const renamed = await countNewName(sub, holder);
      if (renamed?.isAllowed === false)
        return { ok: false, reason: 'throttled', retryAfterSeconds: renamed.retryAfterSeconds };
      await audit.noteBefore({ ...event, outcome: 'success' });
      const outcome = await notifyOfChange(
        account,
        { kind: 'username_changed', values: { next: username } },
        { make: () => makeRename(account, username), isDone: ({ ok }) => ok },
      );
      if (outcome.ok) {
        await carryGuesses(throttle, { before: account.logins, after: outcome.account.logins });
        await publish(sub, 'account.username');
        return outcome;
      }
      if (renamed !== undefined) await throttle.refund(renamedKey(sub), newNames);
      await audit.note({ ...event, outcome: 'failure', reason: outcome.reason });
      if (outcome.reason === 'not_planned') throw signedOut();
      return { ok: false, reason: 'taken' };
    },
  };
};

const renamedKey = (sub: string): string => `account/renamed/${hashId(sub)}`;

const mayChange = (now: AccountRecord | undefined, asRead: AccountRecord): now is AccountRecord =>
  mayStillChange(now, asRead) && hasOwnProfile(now);

const signedOut = (): AppError => new AppError('not_found', 'This account may no longer be used');

/** False when it cannot be one. */
const readName = (name: string | null | undefined): string | null | undefined | false => {
  if (name === undefined || name === null) return name;
  return readFullName(name) ?? false;
};

/** Undefined when it stays the same. */
const profileAfter = (
  account: AccountRecord,
  { name, locale }: ProfileChange,
): Pick<AccountChange, 'claims' | 'chosenLocale'> | undefined => {
  if (hasOwnProfile(account)) {
    // a language that is written with its region stays as it is
    const isSame = locale === undefined || locale === languageOf(account);
    return claimsAfter(account, isSame ? { name } : { name, locale });
  }
  const chosenLocale = locale ?? undefined;
  return locale === undefined || chosenLocale === account.chosenLocale ? undefined : { chosenLocale };
};

const claimsAfter = (
  { claims }: AccountRecord,
  wanted: { readonly [member: string]: unknown },
): Pick<AccountChange, 'claims'> | undefined => {
  const changes = Object.entries(wanted).filter(
    ([member, value]) => value !== undefined && value !== (claims[member] ?? null),
  );
  if (changes.length === 0) return undefined;
  const after = { ...claims, ...Object.fromEntries(changes) };
  return { claims: Object.fromEntries(Object.entries(after).filter(([, value]) => value !== null)) };
};

/** A name that is another address would keep the person who has that address from using it. */
const isOwnAddress = (canonical: string, { email, emailVerified }: AccountRecord): boolean =>
  email !== undefined && emailVerified === true && canonicalLogin(email) === canonical;
