import type { Locale } from '../config/tenant/tenant-definition.ts';
import { openSealed, seal } from '../crypto/sealed-box.ts';
import { readEmail } from '../protocol/email-address.ts';

/** Each has its texts in `views/locales`, below `mail`. */
export const mailKinds = [
  'test',
  'factor_added',
  'factor_removed',
  'recovery_codes_renewed',
  'password_reset',
  'password_elsewhere',
  'password_changed',
  'username_changed',
  'email_change',
  'email_taken',
  'email_changed',
  'email_former',
  'session_code',
  'factor_code',
  'registration',
  'registration_known',
  'registration_known_recovery',
  'invitation',
  'factor_recovery',
  'account_deletion_begun',
  'account_deletion_undone',
  'key_code',
  'key_made',
  'key_rotated',
  'key_revoked',
  'key_expiring',
] as const;

export type MailKind = (typeof mailKinds)[number];

export interface MailContent {
  readonly kind: MailKind;
  /** One plain address. */
  readonly to: string;
  readonly locale: Locale;
  /** A page of the tenant, on its public URL. */
  readonly link?: string;
  readonly code?: string;
  /** Seconds that the link is good for. */
  readonly linkSeconds?: number;
  /** Seconds that the code is good for. */
  readonly codeSeconds?: number;
  /** Epoch milliseconds; the time that the texts speak of. */
  readonly momentMs?: number;
  /** Further values of the texts, such as the user name. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Where a content belongs: it can be opened as that of this mail only. */
export interface MailPlace {
  readonly tenant: string;
  readonly id: string;
}

const purposeOf = ({ tenant, id }: MailPlace): string => `mail ${tenant} ${id}`;

export const sealContent = (key: Buffer, place: MailPlace, content: MailContent): string =>
  seal(key, Buffer.from(JSON.stringify(content)), purposeOf(place));

/**
 * Undefined when a later release wrote it, with a kind that this one does not have.
 * @throws AppError `unavailable` when it was sealed with another master key
 */
export const openContent = (key: Buffer, place: MailPlace, sealed: string): MailContent | undefined => {
  const content = JSON.parse(openSealed(key, sealed, purposeOf(place)).toString()) as MailContent; // written by `sealContent`
  return mailKinds.includes(content.kind) && isOneAddress(content.to) ? content : undefined;
};

/** An address that cannot be read as two, or as a header. */
export const isOneAddress = (address: string): boolean => {
  const read = readEmail(address);
  return read.ok && read.email === address;
};
