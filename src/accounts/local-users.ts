// The operations of an operator on the local users of a tenant, behind `drawbridge user`.
import { setTimeout } from 'node:timers/promises';
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { randomId } from '../crypto/ids.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import { definedOnly } from '../defined-only.ts';
import { canonicalLogin, withoutInvisibleEdges } from '../protocol/canonical-login.ts';
import { readEmail } from '../protocol/email-address.ts';
import type { KeptSignIn } from '../storage/former-email.ts';
import type { AccountRecord, AccountRecords, TenantStorage } from '../storage/storage.ts';
import { changeAccount } from './account-change.ts';
import { createFormerUsernames } from './former-usernames.ts';
import { keptAsDecided } from './kept-sign-in.ts';
import { loginsOf } from './logins.ts';
import type { FaultOfPassword } from './password-rules.ts';
import type { Revocations } from './revocations.ts';
import { endOfSessions } from './standing.ts';
import { createClearThrottle, createThrottle } from './throttle.ts';
import {
  type AtVersion,
  alreadyTaken,
  changedMeanwhile,
  hasNoPassword,
  isAnotherVersion,
  notFound,
  type UserChange,
  unusableEmail,
  unusableName,
} from './user-change.ts';
import { createUserEdit, type UserEdit } from './user-edit.ts';
import { createUserRemoval } from './user-removal.ts';

export interface NewUser {
  /** Default: a new one. */
  readonly sub?: string;
  readonly username: string;
  readonly password: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  /** OpenID Connect standard claims: name, given_name, locale … */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly groups?: readonly string[];
  readonly roles?: readonly string[];
}

/** A program, which has API keys and never signs in. */
export interface NewSystemUser extends Omit<NewUser, 'password'> {
  readonly isSystem: true;
}

/**
 * `login` is a name or an e-mail address to sign in with, or a sub, since people of sources have no name of their own here. A sub
 * has precedence, or somebody's name could hide another's account.
 * All of them throw AppError `unavailable` when store, hashing queue or audit record are not available.
 */
export interface LocalUsers {
  add(user: NewUser | NewSystemUser): Promise<UserChange>;
  /**
   * Ends all sessions, lifts the throttle, and makes a demo user a local one. Putting an e-mail address of before back leaves
   * this password. Takes up to a second.
   */
  setPassword(login: string, password: string): Promise<UserChange>;
  /**
   * For the person, and for this account alone: never for one whose name is written like the sub. Putting an e-mail address of
   * before back replaces this password.
   */
  setPasswordBySub(sub: string, password: string): Promise<UserChange>;
  /** Ends all sessions for good; enabling again does not revive them. */
  disable(login: string, at?: AtVersion): Promise<UserChange>;
  /** Lifts a source's lock too, until that source is asked again. */
  enable(login: string, at?: AtVersion): Promise<UserChange>;
  /** Lifts the throttle and a source's lock alone: who was disabled stays so. */
  unlock(login: string, at?: AtVersion): Promise<UserChange>;
  /** Changes what the tenant itself keeps of a person; refused where a source fills the account. */
  edit(login: string, edit: UserEdit, at?: AtVersion): Promise<UserChange>;
  /**
   * Deletes the account with all that belongs to it: sessions, grants, tokens, devices, links. The audit record keeps the sub
   * alone. Resolves to the account that was.
   */
  remove(login: string, at?: AtVersion): Promise<UserChange>;
  find(login: string): Promise<AccountRecord | undefined>;
  /** See `AccountRecords`. */
  list: AccountRecords['list'];
}

export interface LocalUsersParts {
  readonly tenant: string;
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts' | 'counters'>;
  /** `Storage.purgeAccount` of this tenant. */
  readonly purgeAccount: (sub: string) => Promise<number>;
  readonly revocations: Pick<Revocations, 'endAccount' | 'publish'>;
  readonly hasher: PasswordHasher;
  readonly faultOfPassword: FaultOfPassword;
  readonly audit: Audit;
  readonly clock: Clock;
  /** The actor, for the audit record: `cli`, or a sub. */
  readonly actor: string;
}

export const createLocalUsers = (parts: LocalUsersParts): LocalUsers => {
  const { tenant, hasher, faultOfPassword, audit, clock, actor } = parts;
  const records = parts.storage.accounts;
  const throttle = createThrottle(parts.storage.counters, clock);

  const find = async (login: string): Promise<AccountRecord | undefined> => {
    const bySub = await records.findBySub(login);
    if (bySub !== undefined) return bySub;
    const canonical = canonicalLogin(login);
    return canonical === undefined ? undefined : records.findByLogin(canonical);
  };

  const add = async (user: NewUser | NewSystemUser): Promise<UserChange> => {
    const fault = await faultOfUser(user, faultOfPassword);
    if (fault !== undefined) return fault;
    const kept =
      'isSystem' in user
        ? ({ origin: 'system' } as const)
        : ({ origin: 'local', passwordHash: await hasher.hash(tenant, user.password) } as const);
    const account = { ...toAccount(user, clock.now()), ...kept };
    const taken = await Promise.all(account.logins.map((login) => records.findByLogin(login)));
    if (taken.some((owner) => owner !== undefined)) return alreadyTaken;
    const event = { action: 'user.add', actor, object: account.sub } as const;
    await audit.noteBefore({ ...event, outcome: 'success' });
    if (await records.insert(account)) return { ok: true, account };
    await audit.note({ ...event, outcome: 'failure', reason: 'taken' });
    return alreadyTaken;
  };

  const clearThrottle = createClearThrottle(throttle);

  const change = async (
    account: AccountRecord | undefined,
    { action, patch, version }: PlannedChange,
  ): Promise<UserChange> => {
    if (account === undefined) return notFound;
    if (isAnotherVersion(account, { version })) return changedMeanwhile;
    const event = { action, actor, object: account.sub } as const;
    await audit.noteBefore({ ...event, outcome: 'success' });
    if (!(await records.update(account.sub, { ...patch, updatedAt: clock.now() }, version))) {
      if (version === undefined) return notFound;
      await audit.note({ ...event, outcome: 'failure', reason: 'changed' });
      return changedMeanwhile;
    }
    await clearThrottle(account);
    if (patch.notBefore !== undefined) await parts.revocations.endAccount(account.sub, action);
    const changed = await records.findBySub(account.sub);
    return changed === undefined ? notFound : { ok: true, account: changed };
  };

  const setPasswordOf = async (account: AccountRecord | undefined, password: string): Promise<UserChange> => {
    if (account === undefined) return notFound;
    if (account.origin === 'system') return hasNoPassword;
    const message = await faultOfPassword(password, account);
    if (message !== undefined) return { ok: false, reason: 'password', message };
    const passwordHash = await hasher.hash(tenant, password);
    const notBefore = endOfSessions(clock.now());
    const own = { passwordHash, adoptedFrom: undefined, adoptedAt: undefined };
    // a source still updates the account that it fills: groups that end there must end here
    const origin = account.origin === 'source' ? 'source' : 'local';
    const patch = { ...own, notBefore, origin, seed: undefined } as const;
    const changed = await change(account, { action: 'user.passwd', patch });
    // Tokens have whole seconds only: a token issued in the rest of this second would be invalid at once.
    await setTimeout(notBefore * 1000 - clock.now());
    return changed;
  };

  return {
    add,
    setPassword: async (login, password) => {
      const set = await setPasswordOf(await find(login), password);
      if (!set.ok) return set;
      const { passwordHash } = set.account;
      const decide = ({ adoptedFrom: _from, adoptedAt: _at, ...kept }: KeptSignIn): KeptSignIn => ({
        ...kept,
        ...definedOnly({ passwordHash }),
      });
      const kept = await changeAccount(records, set.account, (current) => keptAsDecided(current, decide));
      return kept.ok ? kept : set;
    },
    setPasswordBySub: async (sub, password) => setPasswordOf(await records.findBySub(sub), password),
    disable: async (login, at) => {
      const nowMs = clock.now();
      const patch = { disabledAt: nowMs, notBefore: endOfSessions(nowMs) };
      return change(await find(login), { action: 'user.disable', patch, ...at });
    },
    enable: async (login, at) => {
      const patch = { disabledAt: undefined, lockedAt: undefined, lockedBy: undefined };
      return change(await find(login), { action: 'user.enable', patch, ...at });
    },
    unlock: async (login, at) => {
      const patch = { lockedAt: undefined, lockedBy: undefined };
      return change(await find(login), { action: 'user.unlock', patch, ...at });
    },
    edit: createUserEdit({
      ...{ ...parts, records, find },
      formerUsernames: createFormerUsernames({ records, artifacts: parts.storage.artifacts, clock }),
    }),
    remove: createUserRemoval({ ...parts, records, find, clearThrottle }),
    find,
    list: (page) => records.list(page),
  };
};

interface PlannedChange extends AtVersion {
  readonly action: 'user.passwd' | 'user.disable' | 'user.enable' | 'user.unlock';
  readonly patch: { readonly [K in keyof AccountRecord]?: AccountRecord[K] | undefined };
}

const faultOfUser = async (
  user: NewUser | NewSystemUser,
  faultOfPassword: FaultOfPassword,
): Promise<UserChange | undefined> => {
  const { username, email } = user;
  if (canonicalLogin(username) === undefined) return unusableName;
  const read = email === undefined ? undefined : readEmail(email);
  if (read?.ok === false) return unusableEmail(read.message);
  if ('isSystem' in user) return undefined;
  const message = await faultOfPassword(user.password, user);
  return message === undefined ? undefined : { ok: false, reason: 'password', message };
};

const toAccount = (
  user: NewUser | NewSystemUser,
  nowMs: number,
): Omit<AccountRecord, 'origin' | 'passwordHash'> => {
  const read = readEmail(user.email);
  return {
    sub: user.sub ?? randomId(16),
    logins: loginsOf(user.username, user.email) ?? [],
    username: withoutInvisibleEdges(user.username),
    ...(read.ok ? { email: read.email, emailVerified: user.emailVerified ?? false } : {}),
    claims: user.claims ?? {},
    groups: user.groups ?? [],
    roles: user.roles ?? [],
    createdAt: nowMs,
    updatedAt: nowMs,
    version: 1,
  };
};
