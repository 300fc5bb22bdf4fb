// The people in Drawbridge's own store, behind the same port as all others.

import type { LocalSource } from '../../config/source/source-definition.ts';
import type { PasswordHasher } from '../../crypto/password-hasher.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import type { AccountRecord, AccountRecords } from '../../storage/storage.ts';
import type {
  Connector,
  Credentials,
  Identity,
  LookupVerdict,
  PasswordChangeVerdict,
  PasswordVerdict,
} from '../connector.ts';

export interface LocalConnectorParts {
  readonly tenant: string;
  readonly records: Pick<AccountRecords, 'findByLogin' | 'findBySub' | 'update'>;
  readonly hasher: PasswordHasher;
  /** False for people whose password another source checks. */
  readonly hasLocalPassword: (account: AccountRecord) => boolean;
  /** The rules for new passwords: what is wrong with one of this person, in words for them. */
  readonly faultOfPassword: (
    password: string,
    account: AccountRecord,
  ) => string | undefined | Promise<string | undefined>;
  readonly log: Log;
}

/**
 * Each check costs one hash, for any name. Whether the account may sign in is not checked here: a disabled account
 * looks like any other, except to the operator.
 */
export const createLocalConnector = (definition: LocalSource, parts: LocalConnectorParts): Connector => {
  const { tenant, records, hasher } = parts;

  const toIdentity = (account: AccountRecord): Identity => ({
    source: definition.id,
    subject: account.sub,
    amr: ['pwd'],
    profile: {
      username: account.username,
      ...definedOnly({ email: account.email }),
      emailVerified: account.emailVerified === true,
      claims: account.claims,
      groups: account.groups,
      roles: account.roles,
    },
    account,
  });

  const findByLogin = async (name: string): Promise<AccountRecord | undefined> => {
    const login = canonicalLogin(name);
    return login === undefined ? undefined : records.findByLogin(login);
  };

  /** Never rejects: a failure to store the new hash must not refuse a right password. */
  const rehash = async (account: AccountRecord, password: string): Promise<void> => {
    try {
      const passwordHash = await hasher.hash(tenant, password);
      await records.update(account.sub, { passwordHash }, account.version);
    } catch (error) {
      parts.log.warn({ tenant, err: error }, 'a password hash was not renewed');
    }
  };

  const verify = async (login: string, password: string): Promise<PasswordVerdict> => {
    const account = await findByLogin(login);
    if (account?.passwordHash === undefined || !parts.hasLocalPassword(account)) {
      await hasher.verifyDecoy(tenant, password);
      return { ok: false, reason: 'unknown', ...(account === undefined ? {} : { sub: account.sub }) };
    }
    const { isValid, needsRehash } = await hasher.verify(tenant, account.passwordHash, password);
    if (!isValid) return { ok: false, reason: 'credentials', sub: account.sub };
    // a second hash would reveal that the password of a disabled account was right
    if (needsRehash && account.disabledAt === undefined && account.lockedAt === undefined) {
      await rehash(account, password);
    }
    return { ok: true, person: toIdentity(account) };
  };

  const change = async ({
    login,
    password,
    newPassword,
  }: Credentials & { readonly newPassword: string }): Promise<PasswordChangeVerdict> => {
    const verdict = await verify(login, password);
    const account = verdict.ok ? verdict.person.account : undefined;
    if (account === undefined) return { ok: false, reason: 'credentials' };
    // the sign-in page shows it to everybody
    if (account.origin === 'demo')
      return { ok: false, reason: 'policy', message: 'The passwords of demo users cannot be changed.' };
    const message =
      newPassword === password
        ? 'This is the old password; choose another.'
        : await parts.faultOfPassword(newPassword, account);
    if (message !== undefined) return { ok: false, reason: 'policy', message };
    const passwordHash = await hasher.hash(tenant, newPassword);
    // what a source has accepted is no longer this password
    const patch = { passwordHash, adoptedFrom: undefined, adoptedAt: undefined };
    await records.update(account.sub, patch);
    return { ok: true };
  };

  /** Not an account that another source made, nor a system user, which a key alone proves. */
  const isListed = (account: AccountRecord): boolean =>
    account.origin !== 'system' && (account.origin !== 'source' || parts.hasLocalPassword(account));

  return {
    definition,
    passwords: {
      verify: ({ login, password }) => verify(login, password),
      change,
      decoy: () => hasher.verifyDecoy(tenant, 'nobody').catch(() => undefined),
    },
    lookup: {
      find: async (who): Promise<LookupVerdict> => {
        const account = await ('login' in who ? findByLogin(who.login) : records.findBySub(who.subject));
        if (account === undefined || !isListed(account)) return { status: 'absent' };
        if (account.disabledAt !== undefined) return { status: 'refused', reason: 'account_disabled' };
        if (account.lockedAt !== undefined) return { status: 'refused', reason: 'account_locked' };
        return { status: 'present', person: toIdentity(account) };
      },
    },
    examine: async () => [],
  };
};
