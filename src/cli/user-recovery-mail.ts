import { join } from 'node:path';
import { createFactorMails, factorRecoverySeconds } from '../accounts/factors/factor-recovery.ts';
import { createThrottle } from '../accounts/throttle.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock as clock } from '../clock.ts';
import { maskAddress } from '../mail/mail-content.ts';
import { openMail } from '../mail/open-mail.ts';
import { packageRoot } from '../package-root.ts';
import { openStore } from '../server/open-store.ts';
import { issuerOf } from '../tenants/issuer.ts';
import { openVerifications } from '../tenants/mailed-proofs.ts';
import { type CliContext, requireSettings } from './context.ts';
import { CommandFailure } from './exit.ts';
import { openUsers, requireAccount } from './open-users.ts';
import { requireDefinition } from './tenant-directory.ts';
import { createCliLog } from './with-store.ts';

const obstacles = {
  disabled: 'is disabled or locked: enable the account first.',
  no_address: 'has no verified e-mail address: hand over a code instead (leave out --mail).',
  no_factor: 'has no second factor: the password alone is asked for.',
} as const;

/** The server that is running sends the mail, from the store. */
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
  const log = createCliLog();
  const { storage, masterKey, close } = await openStore({ settings, clock, log, role: 'cli' });
  try {
    const own = storage.forTenant(tenant);
    const viewsDirectory = join(packageRoot(), 'views');
    const mail = openMail({ settings: settings.mail, storage, masterKey, viewsDirectory, clock, log });
    const send = createFactorMails({
      issuer: issuerOf(definition, settings.server.publicUrl),
      verifications: openVerifications(tenant, {
        ...{ storage: own, masterKey, clock },
        throttle: createThrottle(own.counters, clock),
      }),
      mail: mail.forTenant(definition),
      audit: createAudit({ records: own.audit, log: log.child({ tenant }), clock }),
      actor: 'cli',
    });
    const users = openUsers({ storage, settings, env: context.env, log }, tenant);
    const account = await requireAccount(users, { tenant, login });
    const sent = await send(account, definition.locale);
    if (!sent.ok) throw new CommandFailure(`${account.username} ${obstacles[sent.reason]}`);
    const email = maskAddress(sent.email);
    context.printResult({ sub: account.sub, email, validSeconds: factorRecoverySeconds }, () => [
      `A mail goes to ${email}. Its link gives ${account.username} one recovery code, once, within 24 hours.`,
      `\`drawbridge mail list ${tenant}\` shows whether it left.`,
    ]);
  } finally {
    await close();
  }
};
