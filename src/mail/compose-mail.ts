import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import type { MailContent } from './mail-content.ts';
import { mailLogo } from './mail-logo.ts';
import type { WriteMailText } from './mail-texts.ts';
import type { MailMessage } from './smtp.ts';

export interface ComposeParts {
  readonly content: MailContent;
  readonly definition: Pick<TenantDefinition, 'displayName' | 'branding' | 'mail'>;
  /** Sender of tenants that have none of their own. */
  readonly from: string;
  readonly writeText: WriteMailText;
  readonly id: string;
  readonly createdAt: number;
}

/** The mail as it goes to the mail server. */
export const composeMail = (parts: ComposeParts): MailMessage => {
  const { content, definition, writeText, id, createdAt } = parts;
  const { from = parts.from, replyTo } = definition.mail ?? {};
  return {
    messageId: `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    from: { name: definition.displayName, address: from },
    ...definedOnly({ replyTo, logo: mailLogo(definition.branding) }),
    to: content.to,
    date: new Date(createdAt),
    ...writeText(content, definition),
  };
};
