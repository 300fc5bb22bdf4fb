import type { Command } from 'commander';
import type { UserEdit } from '../accounts/user-edit.ts';
import { definedOnly } from '../defined-only.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { type CliContext, contextOf } from './context.ts';
import { usageFailure } from './exit.ts';
import { collect, noteUnlistedDomain, report, requireAccount, withUsers } from './open-users.ts';

type List = readonly string[];

interface EditOptions {
  readonly username?: string;
  /** False: `--no-name`. */
  readonly name?: string | boolean;
  readonly email?: string | boolean;
  readonly emailVerified?: boolean;
  readonly group?: List;
  readonly groups?: boolean;
  readonly addGroup?: List;
  readonly removeGroup?: List;
  readonly role?: List;
  readonly roles?: boolean;
  readonly addRole?: List;
  readonly removeRole?: List;
}

export const addUserEdit = (user: Command): void => {
  user
    .command('edit <tenant> <login>')
    .description('change what the tenant keeps of a person; people of a source are changed there')
    .option('--username <name>', 'another user name')
    .option('--name <name>', 'full name')
    .option('--no-name', 'no full name')
    .option('--email <address>', 'e-mail address, which is another name to sign in with')
    .option('--no-email', 'no e-mail address')
    .option('--email-verified', 'the address is known to be theirs')
    .option('--no-email-verified', 'the address is not known to be theirs')
    .option('--group <name>', 'the groups in place of all there are; may be repeated', collect)
    .option('--no-groups', 'no groups')
    .option('--add-group <name>', 'one more group; may be repeated', collect)
    .option('--remove-group <name>', 'one group less; may be repeated', collect)
    .option('--role <name>', 'the roles in place of all there are; may be repeated', collect)
    .option('--no-roles', 'no roles')
    .option('--add-role <name>', 'one more role; may be repeated', collect)
    .option('--remove-role <name>', 'one role less; may be repeated', collect)
    .action((tenant: string, login: string, _: unknown, command: Command) =>
      edit(contextOf(command), { tenant, login, options: given(command) }),
    );
};

/** commander sets `--no-…` options to true when they are absent. */
const given = (command: Command): EditOptions =>
  Object.fromEntries(
    Object.entries(command.opts()).filter(([name]) => command.getOptionValueSource(name) !== 'default'),
  );

const edit = (
  context: CliContext,
  { tenant, login, options }: { tenant: string; login: string; options: EditOptions },
): Promise<void> =>
  withUsers(context, tenant, async (users, parts) => {
    const account = await requireAccount(users, { tenant, login });
    const wanted = editOf(account, options);
    if (Object.keys(wanted).length === 0)
      throw usageFailure('Say what to change, such as --name or --add-group. Add --help to see all.');
    const change = await users.edit(account.sub, wanted);
    report(context, { change, done: 'changed' });
    if (change.ok && typeof wanted.email === 'string')
      noteUnlistedDomain(context, parts, { tenant, account: change.account });
  });

const editOf = (account: AccountRecord, options: EditOptions): UserEdit =>
  definedOnly({
    username: options.username,
    name: textOf(options.name),
    email: textOf(options.email),
    emailVerified: options.emailVerified,
    groups: listOf(account.groups, {
      all: options.groups === false ? [] : options.group,
      added: options.addGroup,
      removed: options.removeGroup,
    }),
    roles: listOf(account.roles, {
      all: options.roles === false ? [] : options.role,
      added: options.addRole,
      removed: options.removeRole,
    }),
  });

const textOf = (option: string | boolean | undefined): string | null | undefined => {
  if (option === false) return null;
  return typeof option === 'string' ? option : undefined;
};

const listOf = (
  before: List,
  {
    all,
    added,
    removed,
  }: { readonly all: List | undefined; readonly added: List | undefined; readonly removed: List | undefined },
): List | undefined =>
  all === undefined && added === undefined && removed === undefined
    ? undefined
    : [...(all ?? before), ...(added ?? [])].filter((name) => removed?.includes(name) !== true);
