// Which people may sign in, which accounts may hold tokens and sessions now, and which of these a password change or forced
// sign-out has ended. Only this file compares `disabledAt`, `lockedAt` and `notBefore`.
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { isAdmittedTo } from './admission.ts';

const isOpen = (account: AccountRecord | undefined): account is AccountRecord =>
  account !== undefined && account.disabledAt === undefined && account.lockedAt === undefined;

/**
 * May this person sign in? Who has asked for the deletion of the account may: a complete sign-in calls it off. A system user
 * never does.
 */
export const maySignIn = (account: AccountRecord | undefined): account is AccountRecord =>
  isOpen(account) && account.origin !== 'system';

/** May this subject receive or use tokens now? Asked on every grant, at refresh, introspection and userinfo. */
export const mayHoldTokens = (account: AccountRecord | undefined): account is AccountRecord =>
  isOpen(account) && account.deleteAt === undefined;

/**
 * Is a session or token valid whose person signed in at that time (epoch seconds)? Not after a password change or
 * forced sign-out.
 */
export const isSessionCurrent = (account: AccountRecord, signedInAt: number): boolean =>
  account.notBefore === undefined || signedInAt >= account.notBefore;

/** Both checks: may this person use a session or token that began with a sign-in at that time (epoch seconds)? */
export const mayHoldTokensSince = (
  account: AccountRecord | undefined,
  signedInAt: number,
): account is AccountRecord => mayHoldTokens(account) && isSessionCurrent(account, signedInAt);

/** May this person complete a sign-in that began at that time (epoch seconds)? */
export const mayCompleteSignIn = (
  account: AccountRecord | undefined,
  signedInAt: number,
): account is AccountRecord => maySignIn(account) && isSessionCurrent(account, signedInAt);

/**
 * The `notBefore` that ends every session begun until now. Rounded up: sessions have whole seconds only, and one that
 * began within the current second must end as well.
 */
export const endOfSessions = (nowMs: number): number => Math.ceil(nowMs / 1000);

/** Seconds: another person at an unlocked browser must not be able to do what cannot be undone. */
export const recentSignInSeconds = 5 * 60;

/** @param signedInAt epoch seconds */
export const isRecentSignIn = (signedInAt: number, nowMs: number): boolean =>
  nowMs / 1000 - signedInAt <= recentSignInSeconds;

/** May a person whose session was good when the account was read still change it? Not after a sign-out everywhere since then. */
export const mayStillChange = (now: AccountRecord | undefined, asRead: AccountRecord): now is AccountRecord =>
  mayHoldTokens(now) && now.notBefore === asRead.notBefore;

/** See `Accounts`. */
export type Recheck = (account: AccountRecord, when: 'due' | 'always') => Promise<AccountRecord>;

export interface ActiveAccountParts {
  readonly definition: Pick<TenantDefinition, 'demo' | 'sources'>;
  readonly recheck: Recheck;
}

export interface ActiveAccountOptions {
  /** Is the account looked up at its source again only when that is due, or always? Default: when it is due. */
  readonly when?: 'due' | 'always';
  /** Epoch seconds; when the person signed in for the session or token in question. */
  readonly signedInAt?: number | undefined;
  /** Is it asked in a sign-in, before the session? See `maySignIn`. Default: false. */
  readonly isSignIn?: boolean;
}

/**
 * The account as it is now, if its person may hold tokens and sessions at this tenant, or sign in.
 * @throws AppError `unavailable`
 */
export const findActiveAccount = async (
  { definition, recheck }: ActiveAccountParts,
  account: AccountRecord | undefined,
  { when = 'due', signedInAt, isSignIn = false }: ActiveAccountOptions = {},
): Promise<AccountRecord | undefined> => {
  const isActive = isSignIn ? maySignIn : mayHoldTokens;
  if (account === undefined || !isAdmittedTo(definition, account)) return undefined;
  // a source that locked the account may have unlocked it meanwhile
  if (account.lockedBy === undefined && !isActive(account)) return undefined;
  const now = await recheck(account, when);
  if (!isActive(now)) return undefined;
  return signedInAt === undefined || isSessionCurrent(now, signedInAt) ? now : undefined;
};
