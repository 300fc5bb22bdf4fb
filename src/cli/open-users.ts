// What the verbs of `drawbridge user` share: the people of a tenant, and the report of a change.

import { statusOf } from '../accounts/account-status.ts';
import { refuseBreached } from '../accounts/breached-passwords.ts';
import { factorFacts, recoveryCodesLeft } from '../accounts/factors/factor-facts.ts';
import { createLocalUsers, type LocalUsers } from '../accounts/local-users.ts';
import { createPasswordRules, type FaultOfPassword, type PasswordRules } from '../accounts/password-rules.ts';
import type { UserChange } from '../accounts/user-change.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock } from '../clock.ts';
import { withoutEmailDomain } from '../config/source/email-domain-warnings.ts';
import { createPasswordHasher } from '../crypto/password-hasher.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { CliContext } from './context.ts';
import { CommandFailure } from './exit.ts';
import { openRevocations } from './revocations.ts';
import { readTenant, requireTenant } from './tenant-directory.ts';
import { type StoreParts, withStore } from './with-store.ts';

/** For an option that may be repeated. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

export const noAccount = (tenant: string, login: string): string =>
  `No account of ${tenant} has the name, e-mail address or sub ${login}. \`drawbridge user list ${tenant}\` shows all.`;

export const withUsers = (
  context: CliContext,
  tenant: string,
  use: (users: LocalUsers, parts: StoreParts) => Promise<void>,
): Promise<void> =>
  withStore(context, async (parts) => {
    requireTenant(parts.settings, tenant);
    await use(openUsers(parts, tenant), parts);
  });

/** A note to the operator who gives a local user an address in a domain that the tenant's file does not name. */
export const noteUnlistedDomain = (
  context: CliContext,
  { settings, env }: StoreParts,
  { tenant, account }: { readonly tenant: string; readonly account: AccountRecord },
): void => {
  const loaded = readTenant(settings, { id: tenant, env });
  if (!('definition' in loaded) || account.email === undefined) return;
  for (const words of withoutEmailDomain(loaded.definition, account.email))
    context.note(`${context.colors.yellow('warning')} ${words}.`);
};

/** A file with faults says nothing about second factors, so the strictest rule holds. */
export const passwordRulesOf = ({ settings, env }: StoreParts, tenant: string): PasswordRules => {
  const loaded = readTenant(settings, { id: tenant, env });
  const strictest = { id: tenant, displayName: tenant, secondFactor: noSecondFactor };
  return createPasswordRules('definition' in loaded ? loaded.definition : strictest, systemClock);
};

const noSecondFactor = {
  methods: [],
  passwordless: false,
  required: { everyone: false, roles: [], groups: [], clients: [] },
};

/** These rules, and the list of breached passwords that the tenant's file names. */
const faultOfPasswordOf = (parts: StoreParts, tenant: string): FaultOfPassword => {
  const rules = passwordRulesOf(parts, tenant);
  const loaded = readTenant(parts.settings, { id: tenant, env: parts.env });
  return 'definition' in loaded ? refuseBreached(rules, loaded.definition, parts) : rules;
};

export const openUsers = (parts: StoreParts, tenant: string): LocalUsers => {
  const { storage, settings, log } = parts;
  const records = storage.forTenant(tenant);
  return createLocalUsers({
    tenant,
    storage: records,
    purgeAccount: (sub) => storage.purgeAccount(tenant, sub),
    revocations: openRevocations(parts, tenant),
    hasher: createPasswordHasher(settings.passwords),
    faultOfPassword: faultOfPasswordOf(parts, tenant),
    audit: createAudit({ records: records.audit, log: log.child({ tenant }), clock: systemClock }),
    clock: systemClock,
    actor: 'cli',
  });
};

/** @throws CommandFailure */
export const requireAccount = async (
  users: Pick<LocalUsers, 'find'>,
  { tenant, login }: { readonly tenant: string; readonly login: string },
): Promise<AccountRecord> => {
  const account = await users.find(login);
  if (account === undefined) throw new CommandFailure(noAccount(tenant, login));
  return account;
};

export const toPublic = ({
  passwordHash,
  factors,
  factorGuesses: _,
  formerEmails,
  ...account
}: AccountRecord) => ({
  ...account,
  ...(formerEmails === undefined
    ? {}
    : { formerEmails: formerEmails.map(({ email, until }) => ({ email, until })) }),
  hasPassword: passwordHash !== undefined,
  ...(factors === undefined
    ? {}
    : { factors: factorFacts({ factors }), recoveryCodesLeft: recoveryCodesLeft({ factors }) }),
  status: statusOf(account),
});

export const report = (
  context: CliContext,
  { change, done, more = [] }: { change: UserChange; done: string; more?: readonly string[] },
): void => {
  if (!change.ok) throw new CommandFailure(change.message);
  const { account } = change;
  context.printResult(toPublic(account), () => [
    `${account.username} was ${done} (sub ${account.sub}).`,
    ...more,
  ]);
};
