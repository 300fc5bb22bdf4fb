import type { Command } from 'commander';
import { createFactorReset, type FactorReset } from '../accounts/factors/factor-reset.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock } from '../clock.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { openUsers, requireAccount } from './open-users.ts';
import { askConfirmation, canAsk } from './prompts.ts';
import { openRevocations } from './revocations.ts';
import { requireTenant } from './tenant-directory.ts';
import { sendRecoveryMail } from './user-recovery-mail.ts';
import { withKeyedStore } from './with-store.ts';

interface Person {
  readonly tenant: string;
  readonly login: string;
}

export const addUserFactors = (user: Command): void => {
  user
    .command('recovery-code <tenant> <login>')
    .description('a recovery code for a person who has lost their second factor; good once')
    .option('--mail', 'send the person a link to it, good once for 24 hours, and print nothing of it')
    .action((tenant: string, login: string, options: { readonly mail?: boolean }, command: Command) => {
      const give = options.mail === true ? sendRecoveryMail : issueCode;
      return give(contextOf(command), { tenant, login });
    });
  user
    .command('mfa-reset <tenant> <login>')
    .description('remove all second factors of a person and end all sessions')
    .option('-y, --yes', 'do not ask')
    .action((tenant: string, login: string, options: { readonly yes?: boolean }, command: Command) =>
      removeAll(contextOf(command), { tenant, login }, options.yes ?? false),
    );
};

const issueCode = (context: CliContext, person: Person): Promise<void> =>
  withFactors(context, person, async (reset, account) => {
    const code = await reset.issueCode(account);
    if (code === undefined)
      throw new CommandFailure(`${account.username} has no second factor: the password alone is asked for.`);
    context.printResult({ sub: account.sub, recoveryCode: code }, () => [
      code,
      `With it ${account.username} signs in once, in place of the code of the app. It is not shown again.`,
    ]);
  });

const removeAll = (context: CliContext, person: Person, isSure: boolean): Promise<void> =>
  withFactors(context, person, async (reset, account) => {
    const { sub, username } = account;
    if (!isSure && !canAsk())
      throw usageFailure('Afterwards the password alone is enough. Add --yes if you are sure.');
    if (!isSure && !(await askConfirmation(`Remove all second factors of ${username} (${sub})?`)))
      throw new CommandFailure('Nothing was removed.');
    await reset.removeAll(account);
    context.printResult({ sub, reset: true }, () => [
      `${username} has no second factor any more (sub ${sub}). All sessions have ended.`,
    ]);
  });

/** Recovery codes are hashed with a key that is derived from the master key. */
const withFactors = async (
  context: CliContext,
  { tenant, login }: Person,
  use: (reset: FactorReset, account: AccountRecord) => Promise<void>,
): Promise<void> => {
  requireTenant(requireSettings(context).settings, tenant);
  await withKeyedStore(context, async (parts) => {
    const { storage, masterKey, log } = parts;
    const { accounts: records, audit } = storage.forTenant(tenant);
    const reset = createFactorReset({
      records,
      revocations: openRevocations(parts, tenant),
      recoveryKey: masterKey.derive('recovery codes'),
      audit: createAudit({ records: audit, log: log.child({ tenant }), clock: systemClock }),
      clock: systemClock,
      actor: 'cli',
    });
    await use(reset, await requireAccount(openUsers(parts, tenant), { tenant, login }));
  });
};
