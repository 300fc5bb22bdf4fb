import type { Clock } from '../clock.ts';
import type { Locale } from '../config/tenant/tenant-definition.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { FormerEmail } from '../storage/former-email.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { Verifications } from './verifications.ts';

export const undoPurpose = 'email-undo';
export const undoSeconds = 3 * 24 * 3600;

export interface UndoLinkParts {
  readonly issuer: string;
  readonly verifications: Pick<Verifications, 'create'>;
}

/** A link that puts this address back, for a mail to it. */
export const createUndoLink = async (
  { issuer, verifications }: UndoLinkParts,
  sub: string,
  { id, email, seconds }: Pick<FormerEmail, 'id' | 'email'> & { readonly seconds: number },
): Promise<string> => {
  const content = { purpose: undoPurpose, address: email, sub, about: { id } } as const;
  const { link } = await verifications.create({ ...content, seconds });
  return `${issuer}/email-undo?token=${link}`;
};

/**
 * Sends such a link to an address of before that somebody has entered: whoever reads its mails may not know that it was changed.
 * False when the account does not have the address among those that it can put back.
 * @param asked the address, canonical, and the language of the page
 * @throws AppError `unavailable`
 */
export type RemindOfUndo = (
  account: AccountRecord,
  asked: { readonly email: string; readonly locale: Locale },
) => Promise<boolean>;

export interface RemindOfUndoParts extends UndoLinkParts {
  readonly mail: Pick<TenantMail, 'send'>;
  readonly clock: Clock;
}

export const createRemindOfUndo =
  ({ mail, clock, ...link }: RemindOfUndoParts): RemindOfUndo =>
  async ({ sub, logins, formerEmails = [] }, { email, locale }) => {
    const nowMs = clock.now();
    const former = formerEmails.findLast(
      ({ email: lost, until }) => canonicalLogin(lost) === email && until > nowMs,
    );
    if (former === undefined || logins.includes(email)) return false;
    const { id, email: to, until, username } = former;
    const seconds = Math.ceil((until - nowMs) / 1000);
    await mail.send({
      ...{ kind: 'email_former', to, locale, sub, momentMs: until, values: { username } },
      link: await createUndoLink(link, sub, { id, email: to, seconds }),
    });
    return true;
  };
