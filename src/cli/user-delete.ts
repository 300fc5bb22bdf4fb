import type { Command } from 'commander';
import type { AccountRecord } from '../storage/storage.ts';
import { type CliContext, contextOf } from './context.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { requireAccount, withUsers } from './open-users.ts';
import { askConfirmation, canAsk } from './prompts.ts';

export const addUserDelete = (user: Command): void => {
  user
    .command('delete <tenant> <login>')
    .description('delete a person with all sessions, tokens, devices and links')
    .option('-y, --yes', 'do not ask')
    .action((tenant: string, login: string, options: { readonly yes?: boolean }, command: Command) =>
      remove(contextOf(command), { tenant, login, isSure: options.yes ?? false }),
    );
};

const remove = (
  context: CliContext,
  { tenant, login, isSure }: { tenant: string; login: string; isSure: boolean },
): Promise<void> =>
  withUsers(context, tenant, async (users) => {
    const { sub, username } = await requireAccount(users, { tenant, login });
    if (!isSure && !canAsk()) throw usageFailure('This cannot be undone. Add --yes if you are sure.');
    if (!isSure && !(await askConfirmation(`Delete ${username} (${sub})? This cannot be undone.`)))
      throw new CommandFailure('Nothing was deleted.');
    const change = await users.remove(sub);
    if (!change.ok) throw new CommandFailure(change.message);
    const { account } = change;
    context.printResult({ sub, deleted: true }, () => [
      `${username} was deleted (sub ${sub}). The audit record keeps the sub alone.`,
      ...comesBack(account, tenant),
    ]);
  });

/** Where the person would be known again. */
const comesBack = ({ origin, identities = [] }: AccountRecord, tenant: string): readonly string[] => {
  if (origin === 'demo')
    return [`The file of ${tenant} names this person: remove the entry, or the next start makes it again.`];
  const sources = [...new Set(identities.map(({ source }) => source))].join(', ');
  return sources === ''
    ? []
    : [`The source ${sources} still knows this person: the next sign-in there makes a new account.`];
};
