import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { canonicalLogin, withoutInvisibleEdges } from '../protocol/canonical-login.ts';
import { readEmail } from '../protocol/email-address.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { FormerUsernames } from './former-usernames.ts';
import { type AccountChange, keysWithoutEmail } from './linked-identities.ts';
import { loginsOf } from './logins.ts';
import type { Revocations } from './revocations.ts';
import {
  type AtVersion,
  alreadyTaken,
  changedMeanwhile,
  isAnotherVersion,
  notFound,
  type UserChange,
  unusableEmail,
  unusableName,
} from './user-change.ts';

/** What is absent stays as it is; `null` removes it. */
export interface UserEdit {
  readonly username?: string;
  /** The full name, the claim `name`. */
  readonly name?: string | null;
  /** A new address is not verified unless `emailVerified` says so. */
  readonly email?: string | null;
  readonly emailVerified?: boolean;
  /** All of them. */
  readonly groups?: readonly string[];
  readonly roles?: readonly string[];
}

export interface UserEditParts {
  readonly records: AccountRecords;
  readonly find: (login: string) => Promise<AccountRecord | undefined>;
  readonly formerUsernames: Pick<FormerUsernames, 'keep'>;
  readonly revocations: Pick<Revocations, 'publish'>;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly actor: string;
}

/** The change is in the next tokens, and at services at once: their caches forget the person. */
export const createUserEdit =
  ({ records, find, formerUsernames, revocations, audit, clock, actor }: UserEditParts) =>
  async (login: string, edit: UserEdit, at: AtVersion = {}): Promise<UserChange> => {
    const account = await find(login);
    if (account === undefined) return notFound;
    if (isAnotherVersion(account, at)) return changedMeanwhile;
    if (account.origin === 'source') return ownedBySource(account);
    const planned = changeOf(account, edit);
    if ('ok' in planned) return planned;
    const event = { action: 'user.edit', actor, object: account.sub } as const;
    await audit.noteBefore({ ...event, outcome: 'success', reason: Object.keys(edit).sort().join(' ') });
    await formerUsernames.keep(account.sub, lostUsername(account, planned));
    const origin = account.origin === 'system' ? 'system' : 'local';
    const patch = { ...planned, origin, seed: undefined, updatedAt: clock.now() } as const;
    if (!(await records.update(account.sub, patch, account.version))) {
      const now = await records.findBySub(account.sub);
      const outcome = now?.version === account.version ? alreadyTaken : changedMeanwhile;
      await audit.note({ ...event, outcome: 'failure', reason: outcome.ok ? '' : outcome.reason });
      return outcome;
    }
    await revocations.publish({ what: 'account', id: account.sub, reason: 'user.edit' });
    const changed = await records.findBySub(account.sub);
    return changed === undefined ? notFound : { ok: true, account: changed };
  };

const lostUsername = ({ username }: AccountRecord, { logins = [] }: AccountChange) => ({
  before: [canonicalLogin(username) ?? ''],
  after: logins,
});

const ownedBySource = ({ identities = [] }: AccountRecord): UserChange => {
  const sources = [...new Set(identities.map(({ source }) => source))].join(', ');
  return {
    ok: false,
    reason: 'owned',
    message: `Name, e-mail address, groups and roles of this user come from ${sources === '' ? 'a source' : `the source ${sources}`}: change them there, or by the mapping in the tenant's file.`,
  };
};

const changeOf = (account: AccountRecord, edit: UserEdit): AccountChange | UserChange => {
  const username = edit.username === undefined ? account.username : withoutInvisibleEdges(edit.username);
  const read = typeof edit.email === 'string' ? readEmail(edit.email) : undefined;
  if (read?.ok === false) return unusableEmail(read.message);
  const email = edit.email === undefined ? account.email : read?.email;
  if (edit.emailVerified === true && email === undefined)
    return unusableEmail('is missing, so it cannot be verified');
  const logins = loginsOf(username, email);
  if (logins === undefined) return unusableName;
  const isSameEmail = email === account.email;
  const emailVerified = edit.emailVerified ?? (isSameEmail ? account.emailVerified : false);
  const { name: _name, ...otherClaims } = account.claims;
  return {
    username,
    logins,
    email,
    emailVerified: email === undefined ? undefined : (emailVerified ?? false),
    // nobody puts back an address in place of the one that the operator chose
    ...(isSameEmail ? {} : { formerEmails: undefined }),
    // accounts were linked by the old address
    ...(isSameEmail || account.email === undefined
      ? {}
      : { identityKeys: keysWithoutEmail(account, account.email) }),
    ...(edit.name === undefined
      ? {}
      : { claims: edit.name === null ? otherClaims : { ...otherClaims, name: edit.name } }),
    ...(edit.groups === undefined ? {} : { groups: [...new Set(edit.groups)] }),
    ...(edit.roles === undefined ? {} : { roles: [...new Set(edit.roles)] }),
  };
};
