import type { Command } from 'commander';
import { statusOf } from '../accounts/account-status.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { eachAccount } from './each-account.ts';
import { toPublic } from './open-users.ts';
import { requireTenant } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

interface Filter {
  readonly search?: string;
  readonly group?: string;
  readonly role?: string;
  readonly source?: string;
  readonly disabled?: boolean;
  readonly enabled?: boolean;
}

export const addUserList = (user: Command): void => {
  user
    .command('list <tenant>')
    .description('the people of a tenant: all of them, or those to whom every option applies')
    .option('--search <text>', 'a part of the user name, e-mail address, full name or sub')
    .option('--group <name>', 'in this group')
    .option('--role <name>', 'with this role')
    .option('--source <id>', 'known to this source')
    .option('--disabled', 'disabled or locked')
    .option('--enabled', 'neither disabled nor locked')
    .action((tenant: string, filter: Filter, command: Command) => list(contextOf(command), tenant, filter));
};

/** Each person is written as soon as they are read: a tenant may have more people than fit into memory. */
const list = (context: CliContext, tenant: string, filter: Filter): Promise<void> =>
  withStore(context, async ({ storage, settings }) => {
    requireTenant(settings, tenant);
    const write = context.isJson ? jsonWriter(context) : tableWriter(context);
    for await (const account of eachAccount(storage.forTenant(tenant).accounts))
      if (matches(account, filter)) write.one(account);
    write.end();
  });

const matches = (account: AccountRecord, filter: Filter): boolean => {
  const status = statusOf(account);
  const isEnabled = status !== 'disabled' && status !== 'locked';
  return (
    (filter.search === undefined || namesOf(account).some((name) => holds(name, filter.search ?? ''))) &&
    (filter.group === undefined || account.groups.includes(filter.group)) &&
    (filter.role === undefined || account.roles.includes(filter.role)) &&
    (filter.source === undefined ||
      account.identities?.some(({ source }) => source === filter.source) === true) &&
    (filter.disabled !== true || !isEnabled) &&
    (filter.enabled !== true || isEnabled)
  );
};

const namesOf = ({ username, email = '', claims, sub, logins }: AccountRecord): readonly string[] => [
  username,
  email,
  typeof claims.name === 'string' ? claims.name : '',
  sub,
  ...logins,
];

const holds = (text: string, part: string): boolean =>
  text.normalize('NFKC').toLowerCase().includes(part.normalize('NFKC').toLowerCase());

interface Writer {
  readonly one: (account: AccountRecord) => void;
  readonly end: () => void;
}

/** One array, as all results in JSON are. */
const jsonWriter = ({ print }: CliContext): Writer => {
  let last: string | undefined;
  const put = (end: string): void => {
    if (last !== undefined) print(`${last}${end}`);
  };
  return {
    one: (account) => {
      if (last === undefined) print('[');
      put(',');
      last = JSON.stringify(toPublic(account), undefined, 2).replace(/^/gm, '  ');
    },
    end: () => {
      put('');
      print(last === undefined ? '[]' : ']');
    },
  };
};

const widths = [24, 32, 8, 6, 20] as const;

/** Columns of a fixed width, as the widest cell is not known before the last person. */
const tableWriter = ({ print }: CliContext): Writer => {
  const row = (cells: readonly string[]): void =>
    print(
      cells
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  row(['USER', 'E-MAIL', 'STATUS', 'ORIGIN', 'SINCE', 'SUB']);
  return {
    one: (account) =>
      row([
        account.username,
        account.email ?? '-',
        statusOf(account),
        account.origin,
        formatTime(account.createdAt),
        account.sub,
      ]),
    end: () => {},
  };
};
