// Passwords that a source has accepted, kept for use once the source is removed from the tenant's file.
import type { Clock } from '../clock.ts';
import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { Log } from '../log.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { loginsOf } from './logins.ts';

const dayMs = 86_400_000;

/**
 * Does the local list check this person's password? Not when the password was adopted from a source that is still in
 * the file, unless the passwords of that source are being taken over.
 */
export const hasLocalPassword = (account: AccountRecord, sources: readonly SourceDefinition[]): boolean => {
  if (account.passwordHash === undefined || !sources.some(({ type }) => type === 'local')) return false;
  if (account.adoptedFrom === undefined) return true;
  const source = sources.find(({ id }) => id === account.adoptedFrom);
  return source === undefined || source.adopt === 'takeover';
};

export interface PasswordAdoptionParts {
  readonly tenant: string;
  readonly records: AccountRecords;
  readonly sources: readonly SourceDefinition[];
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Acceptance {
  readonly account: AccountRecord;
  readonly password: string;
  readonly source: SourceDefinition;
  /** The password is known to differ from the one that was kept. */
  readonly isNew?: boolean;
}

/**
 * Keeps the hash of a password that `source` has just accepted, once a day: comparing it with the kept one would cost a
 * hash at each sign-in, and a day is soon enough. Never replaces a password that is not the source's, and no rule for
 * new passwords applies. Never rejects: a failure must not refuse a right password.
 */
export const createPasswordAdoption = (
  parts: PasswordAdoptionParts,
): ((accepted: Acceptance) => Promise<void>) => {
  const { tenant, records, sources, clock } = parts;

  /** Names by which the person can sign in without the source, without those that belong to other accounts. */
  const unclaimedLogins = async ({
    sub,
    username,
    email,
    emailVerified,
  }: AccountRecord): Promise<readonly string[]> => {
    const names = [
      ...(loginsOf(username) ?? []),
      ...(email !== undefined && emailVerified === true ? (loginsOf(email) ?? []) : []),
    ];
    const owners = await Promise.all(names.map((login) => records.findByLogin(login)));
    return [...new Set(names.filter((_login, index) => (owners[index]?.sub ?? sub) === sub))];
  };

  const adopt = async ({ account, password, source, isNew }: Acceptance): Promise<void> => {
    const nowMs = clock.now();
    if (!belongsTo(account, source, sources)) return;
    const isRecent = account.adoptedFrom === source.id && nowMs - (account.adoptedAt ?? 0) < dayMs;
    if (isRecent && isNew !== true) return;
    const passwordHash = await parts.hasher.hash(tenant, password);
    const patch = { passwordHash, adoptedFrom: source.id, adoptedAt: nowMs };
    const logins = account.logins.length > 0 ? account.logins : await unclaimedLogins(account);
    if (await records.update(account.sub, { ...patch, logins }, account.version)) return;
    // a name has just been taken, or another sign-in was quicker: the next sign-in tries again
    parts.log.info({ tenant, sub: account.sub, source: source.id }, 'a password was not adopted this time');
  };

  return async (accepted) => {
    if (accepted.source.adopt === 'off') return;
    try {
      await adopt(accepted);
    } catch (error) {
      parts.log.warn({ tenant, err: error }, 'a password was not adopted');
    }
  };
};

/** True without a password, or with one from this source or from a source that was removed. */
const belongsTo = (
  account: AccountRecord,
  source: SourceDefinition,
  sources: readonly SourceDefinition[],
): boolean => {
  if (account.passwordHash === undefined || account.adoptedFrom === source.id) return true;
  return account.adoptedFrom !== undefined && !sources.some(({ id }) => id === account.adoptedFrom);
};
