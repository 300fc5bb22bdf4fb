import type { MailSettings } from '../config/server/mail-settings.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { Log } from '../log.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Storage } from '../storage/storage.ts';
import { openMailOutbox } from './mail-outbox.ts';
import { type MailTextsParts, openMailTexts } from './mail-texts.ts';
import { createTenantMail, type MailMode, type TenantMail } from './tenant-mail.ts';

export interface MailParts extends MailTextsParts {
  /** The mail server; absent: there is none. */
  readonly settings: MailSettings | undefined;
  readonly storage: Storage;
  readonly masterKey: Pick<MasterKey, 'derive'>;
  readonly log: Log;
}

export interface Mail {
  forTenant(definition: TenantDefinition): TenantMail;
  /**
   * Begins to send what waits, if there is a mail server.
   * @param findTenant undefined when the tenant is not served here now
   */
  deliver(findTenant: (tenant: string) => Promise<TenantDefinition | undefined>): void;
  /** Gives mails under way two seconds. */
  close(): Promise<void>;
}

export const mailModeOf = (
  { demo }: Pick<TenantDefinition, 'demo'>,
  settings: MailSettings | undefined,
): MailMode => {
  if (settings !== undefined) return 'smtp';
  return demo ? 'shown' : 'none';
};

/** What the mails of all tenants share. */
export const openMail = (parts: MailParts): Mail => {
  const { settings, storage, clock, log } = parts;
  const sealingKey = parts.masterKey.derive('mails');
  const writeText = openMailTexts(parts);
  let outbox: Outbox | undefined;
  return {
    forTenant: (definition) =>
      createTenantMail({
        definition,
        mails: storage.forTenant(definition.id).mails,
        mode: mailModeOf(definition, settings),
        sealingKey,
        writeText,
        onDue: () => outbox?.look(),
        clock,
      }),
    deliver: (findTenant) => {
      if (settings === undefined) return;
      outbox = openMailOutbox({ settings, storage, findTenant, sealingKey, writeText, clock, log });
    },
    close: async () => outbox?.close(),
  };
};
