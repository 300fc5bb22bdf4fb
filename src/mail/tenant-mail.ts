// Messages to people: what a tenant writes waits in the store, and any instance sends it.
//   tenant-mail.ts    writes mails, with the change that causes them; mail-content.ts: what is sealed, masked addresses
//   mail-texts.ts     a content in words, by views/mail and views/locales; compose-mail.ts: the message for the server;
//                     mail-logo.ts: the tenant's picture in it
//   mail-outbox.ts    sends what waits; smtp.ts: the mail server
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { randomId } from '../crypto/ids.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import { maskAddress } from '../protocol/email-address.ts';
import type { StoredMails } from '../storage/storage-mails.ts';
import { isOneAddress, type MailContent, openContent, sealContent } from './mail-content.ts';
import type { MailText, WriteMailText } from './mail-texts.ts';

/**
 * `smtp`: mails are sent. `shown`: this demo tenant keeps them in the store, and a page shows them. `none`: there is no
 * mail server, and nothing is written.
 */
export type MailMode = 'smtp' | 'shown' | 'none';

export interface NewMail extends MailContent {
  /** The account that it is about. */
  readonly sub?: string;
}

/** A mail that waits for the change that causes it. */
export interface HeldMail {
  /** The change is done: the mail may leave. */
  release(): Promise<void>;
  /** The change was not done. */
  remove(): Promise<void>;
}

/** A mail of a demo tenant, as its page shows it. */
export interface ShownMail extends MailText {
  readonly id: string;
  readonly to: string;
  readonly link?: string;
  readonly createdAt: number;
}

export interface TenantMail {
  readonly mode: MailMode;
  /**
   * Writes the mail before the change that causes it: if this process ends between the two, the mail leaves by itself after
   * a minute. So nobody misses a mail about a change, and in that one case a mail may speak of a change that was not done.
   */
  hold(mail: NewMail): Promise<HeldMail>;
  /** Writes a mail that waits for nothing. */
  send(mail: NewMail): Promise<void>;
  /** The newest mails of a demo tenant; none in the other modes. */
  shown(limit: number): Promise<readonly ShownMail[]>;
}

export interface TenantMailParts {
  readonly definition: TenantDefinition;
  readonly mails: StoredMails;
  readonly mode: MailMode;
  readonly sealingKey: Buffer;
  readonly writeText: WriteMailText;
  /** Called when a mail may leave. */
  readonly onDue: () => void;
  readonly clock: Clock;
}

const heldMs = 60_000;

export const createTenantMail = (parts: TenantMailParts): TenantMail => {
  const { definition, mails, mode, sealingKey, clock } = parts;
  const tenant = definition.id;

  const add = async ({ sub, ...content }: NewMail, nextAttemptAt: number): Promise<string> => {
    if (!isOneAddress(content.to))
      throw new AppError('invalid_request', 'This is not one plain e-mail address');
    const createdAt = clock.now();
    const id = `${createdAt.toString(16).padStart(12, '0')}${randomId(12)}`;
    await mails.add([
      {
        id,
        purpose: content.kind,
        ...definedOnly({ sub }),
        address: maskAddress(content.to),
        content: sealContent(sealingKey, { tenant, id }, content),
        createdAt,
        state: mode === 'smtp' ? 'pending' : 'kept',
        attempts: 0,
        nextAttemptAt,
      },
    ]);
    return id;
  };

  return {
    mode,
    hold: async (mail) => {
      if (mode === 'none') return notWritten;
      const id = await add(mail, clock.now() + heldMs);
      return {
        release: async () => {
          await mails.release(id, clock.now());
          parts.onDue();
        },
        remove: () => mails.remove(id),
      };
    },
    send: async (mail) => {
      if (mode === 'none') return;
      await add(mail, clock.now());
      parts.onDue();
    },
    shown: async (limit) => {
      if (mode !== 'shown') return [];
      const records = await mails.list({ limit });
      return records.flatMap(({ id, content: sealed, createdAt, state }): readonly ShownMail[] => {
        if (sealed === undefined || state !== 'kept') return [];
        const content = openContent(sealingKey, { tenant, id }, sealed);
        if (content === undefined) return [];
        const { to, link } = content;
        return [{ id, to, createdAt, ...definedOnly({ link }), ...parts.writeText(content, definition) }];
      });
    },
  };
};

const notWritten: HeldMail = { release: () => Promise.resolve(), remove: () => Promise.resolve() };
