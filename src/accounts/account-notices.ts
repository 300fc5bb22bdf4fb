// Mails that notify people of what was changed in their account, so that a change by somebody else is noticed.
import type { Clock } from '../clock.ts';
import type { Locale } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { MailKind } from '../mail/mail-content.ts';
import type { HeldMail, TenantMail } from '../mail/tenant-mail.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { localeClaimOf } from './claims.ts';

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
  /** With which the reader of this address alone undoes the change, and the seconds that it is good for. */
  readonly link?: string;
  readonly linkSeconds?: number;
}

/**
 * Makes a change of which the person is notified: the mails are written before it, and leave when it is done. They go to the
 * address of the account, if it is verified, and to each address of before that can be put back. Throws what the change throws.
 * A mail leaves by itself, a minute after it was written, when the change was made and the mail cannot be released; one with a
 * link also when nobody knows whether the change was made.
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
  readonly clock: Clock;
  readonly log: Log;
}

export const createNotifyOfChange =
  ({ mail, locale, clock, log }: AccountNoticesParts): NotifyOfChange =>
  async (account, notice, { make, isDone = () => true }) => {
    const { username, sub } = account;
    const { kind, values, momentMs, link, linkSeconds } = notice;
    const held: HeldMail[] = [];
    const settle = async (how: keyof HeldMail): Promise<void> => {
      const settled = await Promise.allSettled(held.map((each) => each[how]()));
      for (const each of settled)
        if (each.status === 'rejected')
          log.error({ err: each.reason, sub, kind }, 'a mail about a change could not be settled');
    };
    const hold = async (to: string): Promise<void> => {
      const content = { kind, to, sub, ...definedOnly({ link, linkSeconds, momentMs }) };
      const language = notice.locale ?? languageOf(account) ?? locale;
      const texts = { locale: language, values: { username, ...definedOnly(values ?? {}) } };
      held.push(await mail.hold({ ...content, ...texts }));
    };
    try {
      for (const to of recipientsOf(account, notice, clock.now())) await hold(to);
    } catch (error) {
      await settle('remove');
      throw error;
    }
    const result = await make().catch(async (error: unknown) => {
      // an outage may hide that the change was made, and only the link undoes it
      if (link === undefined || isRefusal(error)) await settle('remove');
      throw error;
    });
    await settle(isDone(result) ? 'release' : 'remove');
    return result;
  };

const recipientsOf = (
  { email, emailVerified = false, formerEmails = [] }: AccountRecord,
  { link, isAddressProven = false }: AccountNotice,
  nowMs: number,
): readonly string[] => {
  const own = email !== undefined && (emailVerified || isAddressProven) ? [email] : [];
  if (link !== undefined) return own;
  const former = formerEmails.filter(({ until }) => until > nowMs).map((each) => each.email);
  return [...new Map([...former, ...own].map((each) => [canonicalLogin(each), each])).values()];
};

/** The change was surely not made. */
const isRefusal = (error: unknown): boolean => isAppError(error) && error.code !== 'unavailable';

/** The person's own; undefined when it is not known, or is one that we have no texts in. */
export const languageOf = (account: Pick<AccountRecord, 'chosenLocale' | 'claims'>): Locale | undefined => {
  const [language] = localeClaimOf(account)?.toLowerCase().split(/[-_]/) ?? [];
  return language === 'de' || language === 'en' ? language : undefined;
};
