import { type Command, Option } from 'commander';
import { hasNoPassword } from '../accounts/user-change.ts';
import { definedOnly } from '../defined-only.ts';
import { type CliContext, contextOf } from './context.ts';
import { CommandFailure } from './exit.ts';
import { collect, noAccount, noteUnlistedDomain, passwordRulesOf, report, withUsers } from './open-users.ts';
import { type NewPasswordOptions, takeNewPassword } from './prompts.ts';
import { addUserDelete } from './user-delete.ts';
import { addUserEdit } from './user-edit.ts';
import { addUserFactors } from './user-factors.ts';
import { addUserImport } from './user-import.ts';
import { addUserInvite } from './user-invite.ts';
import { addUserList } from './user-list.ts';
import { addUserSessions } from './user-sessions.ts';

interface AddOptions extends NewPasswordOptions {
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly name?: string;
  readonly system?: boolean;
  readonly group: readonly string[];
  readonly role: readonly string[];
}

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
    .addOption(
      new Option('--system', 'a program: it has no password and never signs in, but API keys').conflicts(
        'passwordStdin',
      ),
    )
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
  addUserInvite(user);
  addUserEdit(user);
  addUserDelete(user);
  addUserList(user);
  addUserSessions(user);
  addUserFactors(user);
  addUserImport(user);
};

const add = async (
  context: CliContext,
  { tenant, username, options }: { tenant: string; username: string; options: AddOptions },
): Promise<void> => {
  const { email, emailVerified, name, group, role } = options;
  await withUsers(context, tenant, async (users, parts) => {
    const person = {
      username,
      ...definedOnly({ email }),
      ...(name === undefined ? {} : { claims: { name } }),
      groups: group,
      roles: role,
    };
    const faultOfPassword = passwordRulesOf(parts, tenant);
    const askForPassword = () =>
      takeNewPassword(options, {
        message: `Password of ${username}`,
        judge: (answer) => faultOfPassword(answer, person),
      });
    const change = await users.add({
      ...person,
      ...(email === undefined ? {} : { emailVerified: emailVerified ?? false }),
      ...(options.system === true ? { isSystem: true } : { password: await askForPassword() }),
    });
    report(context, { change, done: 'added' });
    if (change.ok) noteUnlistedDomain(context, parts, { tenant, account: change.account });
  });
};

const setPassword = async (
  context: CliContext,
  { tenant, login, options }: { tenant: string; login: string; options: NewPasswordOptions },
): Promise<void> =>
  withUsers(context, tenant, async (users, parts) => {
    const account = await users.find(login);
    if (account === undefined) throw new CommandFailure(noAccount(tenant, login));
    if (account.origin === 'system') throw new CommandFailure(hasNoPassword.message);
    const faultOfPassword = passwordRulesOf(parts, tenant);
    const password = await takeNewPassword(options, {
      message: `New password of ${account.username}`,
      judge: (answer) => faultOfPassword(answer, account),
    });
    const change = await users.setPassword(login, password);
    const more = account.origin === 'demo' ? [ownPassword(tenant)] : [];
    report(context, { change, done: 'given a new password', more });
  });

const ownPassword = (tenant: string): string =>
  `The password in the file of ${tenant}, which the sign-in page shows, no longer works for this person: the account is a local one now.`;
