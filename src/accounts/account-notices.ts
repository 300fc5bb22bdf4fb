// Mails that notify people of what was changed in their account, so that a change by somebody else is noticed.
import type { Locale } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import type { Log } from '../log.ts';
import type { MailKind } from '../mail/mail-content.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import type { AccountRecord } from '../storage/storage.ts';

export interface AccountNotice {
  readonly kind: MailKind;
  /** Values of its text beside the user name. */
  readonly values?: Readonly<Record<string, string>>;
  /** Epoch milliseconds; the time that its text speaks of. */
  readonly momentMs?: number;
  /** Of the page where the change is made; default: the person's own, or the tenant's. */
  readonly locale?: Locale;
  /** A mail to the address of the account has just been answered: it is as good as a verified one. */
  readonly isAddressProven?: boolean;
  /** The notice is about the address, so it goes there in any case. */
  readonly isAboutAddress?: boolean;
  /** With which the change is undone, and the seconds that it is good for. */
  readonly link?: string;
  readonly linkSeconds?: number;
}

/**
 * Makes a change of which the person is notified: the mail is written before it, and leaves when it is done. People without
 * a verified address are not notified. Throws what the change throws; a change that was made stays made when its mail cannot
 * be released, which leaves by itself then, a minute after it was written.
 * @param isDone default: always, unless the change throws
 */
export type NotifyOfChange = <T>(
  account: AccountRecord,
  notice: AccountNotice,
  change: { readonly make: () => Promise<T>; readonly isDone?: (result: T) => boolean },
) => Promise<T>;

export interface AccountNoticesParts {
  readonly mail: Pick<TenantMail, 'hold'>;
  /** Of the tenant, for people whose own language is not known. */
  readonly locale: Locale;
  readonly log: Log;
}

export const createNotifyOfChange =
  ({ mail, locale, log }: AccountNoticesParts): NotifyOfChange =>
  async (
    account,
    { kind, values, momentMs, link, linkSeconds, ...notice },
    { make, isDone = () => true },
  ) => {
    const { email: to, emailVerified = false, username, sub } = account;
    const isTrusted = emailVerified || notice.isAddressProven === true || notice.isAboutAddress === true;
    if (to === undefined || !isTrusted) return make();
    const held = await mail.hold({
      kind,
      to,
      sub,
      ...definedOnly({ link, linkSeconds }),
      locale: notice.locale ?? languageOf(account) ?? locale,
      values: { username, ...definedOnly(values ?? {}) },
      ...definedOnly({ momentMs }),
    });
    const settle = (work: Promise<void>): Promise<void> =>
      work.catch((err: unknown) =>
        log.error({ err, sub, kind }, 'a mail about a change could not be settled'),
      );
    const result = await make().catch(async (error: unknown) => {
      await settle(held.remove());
      throw error;
    });
    await settle(isDone(result) ? held.release() : held.remove());
    return result;
  };

/** The person's own; undefined when it is not known, or is one that we have no texts in. */
export const languageOf = ({ claims: { locale } }: Pick<AccountRecord, 'claims'>): Locale | undefined => {
  const [language] = typeof locale === 'string' ? locale.toLowerCase().split(/[-_]/) : [];
  return language === 'de' || language === 'en' ? language : undefined;
};
