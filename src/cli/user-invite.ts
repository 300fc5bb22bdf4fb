import { join } from 'node:path';
import type { Command } from 'commander';
import { createInvitations, invitationSeconds, type SendInvitation } from '../accounts/invitations.ts';
import { createFindKnown } from '../accounts/registration-link.ts';
import { createThrottle } from '../accounts/throttle.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock as clock } from '../clock.ts';
import { unmetMailNeeds } from '../config/tenant/mail-needs.ts';
import type { Locale, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { openMail } from '../mail/open-mail.ts';
import { packageRoot } from '../package-root.ts';
import { openStore } from '../server/open-store.ts';
import { issuerOf } from '../tenants/issuer.ts';
import { openVerifications } from '../tenants/mailed-proofs.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { collect } from './open-users.ts';
import { requireDefinition, tenantFile } from './tenant-directory.ts';
import { createCliLog } from './with-store.ts';

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
  await withInvitations(context, tenant, async (send, { definition, shownAt }) => {
    const locale = localeIn(options) ?? definition.locale;
    const invited = await send({ email: address, roles: options.role, groups: options.group, locale });
    if (!invited.ok) throw new CommandFailure(invited.message);
    const { email } = invited;
    context.printResult({ email, validSeconds: invitationSeconds }, () => [
      shownAt === undefined
        ? `${email} is invited. The server sends the mail; \`drawbridge mail list ${tenant}\` shows whether it left.`
        : `${email} is invited. There is no mail server: ${shownAt} shows the mail.`,
    ]);
  });
};

const localeIn = ({ locale }: InviteOptions): Locale | undefined => {
  if (locale === undefined || locale === 'en' || locale === 'de') return locale;
  throw usageFailure('--locale takes en or de.');
};

interface InvitingTenant {
  readonly definition: TenantDefinition;
  /** Of a demo tenant without a mail server. */
  readonly shownAt?: string;
}

/** The server that is running sends the mail, from the store. */
const withInvitations = async (
  context: CliContext,
  tenant: string,
  use: (send: SendInvitation, place: InvitingTenant) => Promise<void>,
): Promise<void> => {
  const { settings } = requireSettings(context);
  const definition = requireDefinition(settings, { id: tenant, env: context.env });
  if (definition.registration === undefined)
    throw new CommandFailure(
      `Nobody can make an account at ${tenant}. Write registration: { mode: invited } in ${tenantFile(settings, tenant)}, or add the person with: drawbridge user add.`,
    );
  const [unmet] = unmetMailNeeds(definition, settings.mail, tenantFile(settings, tenant));
  if (unmet !== undefined) throw new CommandFailure(`${unmet.file} ${unmet.path}: ${unmet.message}.`);
  const log = createCliLog();
  const { storage, masterKey, close } = await openStore({ settings, clock, log, role: 'cli' });
  try {
    const own = storage.forTenant(tenant);
    const viewsDirectory = join(packageRoot(), 'views');
    const mail = openMail({ settings: settings.mail, storage, masterKey, viewsDirectory, clock, log });
    const issuer = issuerOf(definition, settings.server.publicUrl);
    const send = createInvitations({
      ...{ definition, issuer },
      // the server has stored the users of the file already, or does so at the next sign-in
      findKnown: createFindKnown({ records: own.accounts, seed: () => Promise.resolve() }),
      verifications: openVerifications(tenant, {
        ...{ storage: own, masterKey, clock },
        throttle: createThrottle(own.counters, clock),
      }),
      mail: mail.forTenant(definition),
      audit: createAudit({ records: own.audit, log: log.child({ tenant }), clock }),
      actor: 'cli',
    });
    await use(send, {
      definition,
      ...(settings.mail === undefined ? { shownAt: `${issuer}/demo-mail` } : {}),
    });
  } finally {
    await close();
  }
};
