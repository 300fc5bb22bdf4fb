import { domainToASCII, domainToUnicode } from 'node:url';

// RFC 5321 section 4.5.3.1, RFC 5322 section 3.4.1: dot-atoms of ASCII only, which rules out quotes, comments, lists,
// line breaks and names that only look alike.
const atom = String.raw`[A-Za-z0-9!#$%&'*+/=?^_\x60{|}~-]+`;
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const form = new RegExp(String.raw`^(?=.{1,254}$)(?=.{1,64}@)${atom}(?:\.${atom})*@${label}(?:\.${label})*$`);

/**
 * The domain in the spelling of DNS (RFC 5890, A-labels): `münchen.example` is `xn--mnchen-3ya.example`. Any other name is
 * returned as it is, also one that stands for a domain only after a mapping of its characters: it has two readings.
 */
export const asciiDomain = (domain: string): string => {
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain) || isAscii(domain)) return domain;
  const ascii = domainToASCII(domain);
  return domainToUnicode(ascii) === domain.toLowerCase().normalize('NFC') ? ascii : domain;
};

export type EmailReading =
  | { readonly ok: true; readonly email: string }
  /** A sentence without its subject. */
  | { readonly ok: false; readonly message: string };

/** One plain e-mail address, with only one possible reading; its domain in the spelling of DNS. */
export const readEmail = (value: unknown): EmailReading => {
  if (typeof value !== 'string' || value.length > 254) return { ok: false, message: notAnAddress };
  const at = value.lastIndexOf('@');
  const local = value.slice(0, Math.max(at, 0));
  if (local !== '' && !/[\s@<>]/.test(local) && !isAscii(local)) return { ok: false, message: notAscii };
  const email = at < 0 ? value : `${local}@${asciiDomain(value.slice(at + 1))}`;
  return form.test(email) ? { ok: true, email } : { ok: false, message: notAnAddress };
};

const notAnAddress = 'is not one plain e-mail address, such as name@example.com';
/** RFC 6531; most mail servers and apps take no such address. */
const notAscii = 'has characters outside ASCII before the @, which are not supported';

const isAscii = (text: string): boolean => /^[\x21-\x7e]*$/.test(text);

/** `a…@example.com`: enough for an operator who knows the person, and no list of addresses. */
export const maskAddress = (address: string): string => {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, Math.min(1, at))}…${address.slice(at)}`;
};
