import { join } from 'node:path';
import { createThrottle } from '../accounts/throttle.ts';
import type { Verifications } from '../accounts/verifications.ts';
import { type Audit, createAudit } from '../audit/audit.ts';
import { systemClock as clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { openMail } from '../mail/open-mail.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import { packageRoot } from '../package-root.ts';
import { issuerOf } from '../tenants/issuer.ts';
import { openVerifications } from '../tenants/mailed-proofs.ts';
import type { CliContext } from './context.ts';
import { type StoreParts, withKeyedStore } from './with-store.ts';

/** What a command needs that sends somebody a link. */
export interface MailingTenant {
  readonly definition: TenantDefinition;
  readonly issuer: string;
  readonly verifications: Verifications;
  readonly mail: TenantMail;
  readonly audit: Audit;
  readonly actor: 'cli';
}

/**
 * Opens store and master key, and closes them in any case. The server that is running sends the mail, from the store.
 * @throws AppError `unavailable` when the store cannot be reached
 */
export const withMailingTenant = (
  context: CliContext,
  definition: TenantDefinition,
  use: (tenant: MailingTenant, parts: StoreParts) => Promise<void>,
): Promise<void> =>
  withKeyedStore(context, async (parts) => {
    const { storage, masterKey, settings, log } = parts;
    const own = storage.forTenant(definition.id);
    const viewsDirectory = join(packageRoot(), 'views');
    const mail = openMail({ settings: settings.mail, storage, masterKey, viewsDirectory, clock, log });
    const tenant: MailingTenant = {
      definition,
      issuer: issuerOf(definition, settings.server.publicUrl),
      verifications: openVerifications(definition.id, {
        ...{ storage: own, masterKey, clock },
        throttle: createThrottle(own.counters, clock),
      }),
      mail: mail.forTenant(definition),
      audit: createAudit({ records: own.audit, log: log.child({ tenant: definition.id }), clock }),
      actor: 'cli',
    };
    await use(tenant, parts);
  });
