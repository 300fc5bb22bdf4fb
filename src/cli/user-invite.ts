import type { Command } from 'commander';
import { createFormerAddresses } from '../accounts/former-addresses.ts';
import { createInvitations, invitationSeconds } from '../accounts/invitations.ts';
import { createFindKnown } from '../accounts/registration-link.ts';
import { systemClock } from '../clock.ts';
import { unmetMailNeeds } from '../config/tenant/mail-needs.ts';
import type { Locale, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { collect } from './open-users.ts';
import { requireDefinition, tenantFile } from './tenant-directory.ts';
import { withMailingTenant } from './with-mailing-tenant.ts';

interface InviteOptions {
  readonly role: readonly string[];
  readonly group: readonly string[];
  readonly locale?: string;
}

export const addUserInvite = (user: Command): void => {
  user
    .command('invite <tenant> <address>')
    .description('send a mail with which somebody makes an account with this address; good for 7 days, once')
    .option('--role <name>', 'a role of the new account; may be repeated', collect, [])
    .option('--group <name>', 'a group of the new account; may be repeated', collect, [])
    .option('--locale <language>', 'language of the mail, en or de; default: that of the tenant')
    .action((tenant: string, address: string, options: InviteOptions, command: Command) =>
      invite(contextOf(command), { tenant, address, options }),
    );
};

const invite = async (
  context: CliContext,
  { tenant, address, options }: { tenant: string; address: string; options: InviteOptions },
): Promise<void> => {
  const locale = localeIn(options);
  const definition = requireInviting(context, tenant);
  await withMailingTenant(context, definition, async (mailing, { storage, settings }) => {
    // the server has stored the users of the file already, or does so at the next sign-in
    const { accounts: records, artifacts } = storage.forTenant(tenant);
    const findKnown = createFindKnown({
      records,
      formerAddresses: createFormerAddresses({ artifacts, clock: systemClock }),
      seed: () => Promise.resolve(),
    });
    const send = createInvitations({ ...mailing, findKnown });
    const { role: roles, group: groups } = options;
    const invited = await send({ email: address, roles, groups, locale: locale ?? definition.locale });
    if (!invited.ok) throw new CommandFailure(invited.message);
    const { email } = invited;
    context.printResult({ email, validSeconds: invitationSeconds }, () => [
      settings.mail === undefined
        ? `${email} is invited. There is no mail server: ${mailing.issuer}/demo-mail shows the mail.`
        : `${email} is invited. The server sends the mail; \`drawbridge mail list ${tenant}\` shows whether it left.`,
    ]);
  });
};

const localeIn = ({ locale }: InviteOptions): Locale | undefined => {
  if (locale === undefined || locale === 'en' || locale === 'de') return locale;
  throw usageFailure('--locale takes en or de.');
};

/** @throws CommandFailure when nobody can make an account at this tenant, or no mail be sent */
const requireInviting = (context: CliContext, tenant: string): TenantDefinition => {
  const { settings } = requireSettings(context);
  const definition = requireDefinition(settings, { id: tenant, env: context.env });
  if (definition.registration === undefined)
    throw new CommandFailure(
      `Nobody can make an account at ${tenant}. Write registration: { mode: invited } in ${tenantFile(settings, tenant)}, or add the person with: drawbridge user add.`,
    );
  const [unmet] = unmetMailNeeds(definition, settings.mail, tenantFile(settings, tenant));
  if (unmet !== undefined) throw new CommandFailure(`${unmet.file} ${unmet.path}: ${unmet.message}.`);
  return definition;
};
