import type { Clock } from '../clock.ts';
import type { MailSettings } from '../config/server/mail-settings.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Log } from '../log.ts';
import { type Outbox, type Outcome, openOutbox } from '../outbox/outbox.ts';
import type { Storage } from '../storage/storage.ts';
import type { MailRecord } from '../storage/storage-mails.ts';
import { composeMail } from './compose-mail.ts';
import { type MailContent, openContent } from './mail-content.ts';
import type { WriteMailText } from './mail-texts.ts';
import { attemptMs, type MailMessage, openSmtp } from './smtp.ts';

export interface MailOutboxParts {
  readonly settings: MailSettings;
  readonly storage: Pick<Storage, 'forTenant' | 'tenantsWithDueMails'>;
  /** Undefined when the tenant is not served here now. */
  readonly findTenant: (tenant: string) => Promise<TenantDefinition | undefined>;
  readonly sealingKey: Buffer;
  readonly writeText: WriteMailText;
  readonly clock: Clock;
  readonly log: Log;
}

/** Sends the mails that wait in the store. The process that claims a mail first sends it. */
export const openMailOutbox = (parts: MailOutboxParts): Outbox => {
  const { settings, storage, findTenant, sealingKey, writeText, clock, log } = parts;
  const smtp = openSmtp(settings);

  const compose = async (tenant: string, record: MailRecord): Promise<MailMessage | Outcome> => {
    const { id, createdAt, content: sealed } = record;
    const definition = await findTenant(tenant);
    if (definition === undefined) return { state: 'pending', words: 'tenant_not_served' };
    const content = sealed === undefined ? undefined : openContent(sealingKey, { tenant, id }, sealed);
    if (content === undefined) return { state: 'failed', words: 'unknown_content' };
    if (isOver(content, clock.now() - createdAt)) return { state: 'failed', words: 'too_late' };
    return composeMail({ content, definition, from: settings.from, writeText, id, createdAt });
  };

  const outbox = openOutbox<MailRecord>({
    tenantsWithDue: (nowMs) => storage.tenantsWithDueMails(nowMs),
    queueOf: (tenant) => storage.forTenant(tenant).mails,
    attempt: async (tenant, record, closing) => {
      try {
        const composed = await compose(tenant, record);
        return 'state' in composed ? composed : await smtp.send(composed, closing);
      } catch (err) {
        log.warn({ tenant, mail: record.id, err }, 'a mail could not be made');
        return { state: 'pending', words: 'not_made' };
      }
    },
    groupOf: (tenant) => tenant,
    describe: ({ id, purpose }) => ({ mail: id, purpose }),
    messages: {
      failed: 'a mail will not be delivered',
      postponed: 'a mail could not be delivered yet',
      notStored: 'what came of a mail could not be stored',
      notRead: 'the mails to send could not be read',
    },
    limits: { all: settings.connections, perGroup: settings.connections },
    leaseMs: 2 * attemptMs,
    clock,
    log,
  });
  return {
    look: outbox.look,
    close: async () => {
      await outbox.close();
      smtp.close();
    },
  };
};

/** Neither its link nor its code is good for anything any more. */
const isOver = ({ linkSeconds = 0, codeSeconds = 0 }: MailContent, ageMs: number): boolean => {
  const seconds = Math.max(linkSeconds, codeSeconds);
  return seconds > 0 && ageMs >= seconds * 1000;
};
