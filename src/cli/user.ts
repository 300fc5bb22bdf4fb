import type { Command } from 'commander';
import { createLocalUsers, type LocalUsers, type UserChange } from '../accounts/local-users.ts';
import { faultOfPassword } from '../accounts/password-rules.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock } from '../clock.ts';
import { createPasswordHasher } from '../crypto/password-hasher.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { statusOf } from './account-status.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { eachAccount } from './each-account.ts';
import { CommandFailure } from './exit.ts';
import { type NewPasswordOptions, takeNewPassword } from './prompts.ts';
import { openRevocations } from './revocations.ts';
import { requireTenant } from './tenant-directory.ts';
import { addUserImport } from './user-import.ts';
import { type StoreParts, withStore } from './with-store.ts';

interface AddOptions extends NewPasswordOptions {
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly name?: string;
  readonly group: readonly string[];
  readonly role: readonly string[];
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export const addUser = (program: Command): void => {
  const user = program.command('user').description('people with a local password');
  user
    .command('add <tenant> <username>')
    .description('add a person, who can sign in at once')
    .option('--email <address>', 'another name to sign in with')
    .option('--email-verified', 'the address is known to be theirs')
    .option('--name <name>', 'full name')
    .option('--group <name>', 'a group; may be repeated', collect, [])
    .option('--role <name>', 'a role; may be repeated', collect, [])
    .option('--password-stdin', 'read the password from standard input')
    .action((tenant: string, username: string, options: AddOptions, command: Command) =>
      add(contextOf(command), { tenant, username, options }),
    );
  user
    .command('passwd <tenant> <login>')
    .description('set a new password and end all sessions')
    .option('--password-stdin', 'read the password from standard input')
    .action((tenant: string, login: string, options: NewPasswordOptions, command: Command) =>
      setPassword(contextOf(command), { tenant, login, options }),
    );
  for (const verb of ['disable', 'enable'] as const) {
    user
      .command(`${verb} <tenant> <login>`)
      .description(
        verb === 'disable' ? 'refuse sign-ins and tokens, end all sessions' : 'allow sign-ins again',
      )
      .action(async (tenant: string, login: string, _: unknown, command: Command) => {
        const context = contextOf(command);
        await withUsers(context, tenant, async (users) => {
          report(context, { change: await users[verb](login), done: `${verb}d` });
        });
      });
  }
  user
    .command('list <tenant>')
    .description('all people of a tenant')
    .action((tenant: string, _: unknown, command: Command) => list(contextOf(command), tenant));
  addUserImport(user);
};

const add = async (
  context: CliContext,
  { tenant, username, options }: { tenant: string; username: string; options: AddOptions },
): Promise<void> => {
  const { email, emailVerified, name, group, role } = options;
  await withUsers(context, tenant, async (users) => {
    const names = [username, ...(email === undefined ? [] : [email])];
    const password = await takeNewPassword(options, {
      message: `Password of ${username}`,
      judge: (answer) => faultOfPassword(answer, names),
    });
    const change = await users.add({
      username,
      password,
      ...(email === undefined ? {} : { email, emailVerified: emailVerified ?? false }),
      ...(name === undefined ? {} : { claims: { name } }),
      groups: group,
      roles: role,
    });
    report(context, { change, done: 'added' });
  });
};

const setPassword = async (
  context: CliContext,
  { tenant, login, options }: { tenant: string; login: string; options: NewPasswordOptions },
): Promise<void> =>
  withUsers(context, tenant, async (users) => {
    const account = await users.find(login);
    if (account === undefined) throw new CommandFailure(noAccount(tenant, login));
    const password = await takeNewPassword(options, {
      message: `New password of ${account.username}`,
      judge: (answer) => faultOfPassword(answer, account.logins),
    });
    const change = await users.setPassword(login, password);
    const more = account.origin === 'demo' ? [ownPassword(tenant)] : [];
    report(context, { change, done: 'given a new password', more });
  });

const ownPassword = (tenant: string): string =>
  `The password in the file of ${tenant}, which the sign-in page shows, no longer works for this person: the account is a local one now.`;

const noAccount = (tenant: string, login: string): string =>
  `No account of ${tenant} has the name, e-mail address or sub ${login}. \`drawbridge user list ${tenant}\` shows all.`;

const list = (context: CliContext, tenant: string): Promise<void> =>
  withStore(context, async ({ storage, settings }) => {
    requireTenant(settings, tenant);
    const people: AccountRecord[] = [];
    for await (const account of eachAccount(storage.forTenant(tenant).accounts)) people.push(account);
    context.printResult(people.map(toPublic), () =>
      columns([
        ['USER', 'E-MAIL', 'STATUS', 'ORIGIN', 'SINCE', 'SUB'],
        ...people.map((account) => [
          account.username,
          account.email ?? '-',
          statusOf(account),
          account.origin,
          formatTime(account.createdAt),
          account.sub,
        ]),
      ]),
    );
  });

const toPublic = ({ passwordHash, ...account }: AccountRecord) => ({
  ...account,
  hasPassword: passwordHash !== undefined,
  status: statusOf(account),
});

const report = (
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

const withUsers = (
  context: CliContext,
  tenant: string,
  use: (users: LocalUsers) => Promise<void>,
): Promise<void> =>
  withStore(context, async (parts) => {
    requireTenant(parts.settings, tenant);
    await use(openUsers(parts, tenant));
  });

export const openUsers = (parts: StoreParts, tenant: string): LocalUsers => {
  const { storage, settings, log } = parts;
  const records = storage.forTenant(tenant);
  return createLocalUsers({
    tenant,
    storage: records,
    revocations: openRevocations(parts, tenant),
    hasher: createPasswordHasher(settings.passwords),
    audit: createAudit({ records: records.audit, log: log.child({ tenant }), clock: systemClock }),
    clock: systemClock,
    actor: 'cli',
  });
};
