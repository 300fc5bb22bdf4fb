import { createFactorMails, factorRecoverySeconds } from '../accounts/factors/factor-recovery.ts';
import { maskAddress } from '../protocol/email-address.ts';
import { type CliContext, requireSettings } from './context.ts';
import { CommandFailure } from './exit.ts';
import { openUsers, requireAccount } from './open-users.ts';
import { requireDefinition } from './tenant-directory.ts';
import { withMailingTenant } from './with-mailing-tenant.ts';

const obstacles = {
  disabled: 'is disabled or locked: enable the account first.',
  no_address: 'has no verified e-mail address: hand over a code instead (leave out --mail).',
  no_factor: 'has no second factor: the password alone is asked for.',
} as const;

export const sendRecoveryMail = async (
  context: CliContext,
  { tenant, login }: { readonly tenant: string; readonly login: string },
): Promise<void> => {
  const { settings } = requireSettings(context);
  const definition = requireDefinition(settings, { id: tenant, env: context.env });
  if (settings.mail === undefined && !definition.demo)
    throw new CommandFailure(
      'There is no mail server: set mail.host and mail.from in config/server.yaml, or leave out --mail.',
    );
  await withMailingTenant(context, definition, async (mailing, parts) => {
    const account = await requireAccount(openUsers(parts, tenant), { tenant, login });
    const sent = await createFactorMails(mailing)(account, definition.locale);
    if (!sent.ok) throw new CommandFailure(`${account.username} ${obstacles[sent.reason]}`);
    const email = maskAddress(sent.email);
    context.printResult({ sub: account.sub, email, validSeconds: factorRecoverySeconds }, () => [
      `A mail goes to ${email}. Its link gives ${account.username} one recovery code, once, within 24 hours.`,
      `\`drawbridge mail list ${tenant}\` shows whether it left.`,
    ]);
  });
};
