import bowser from 'bowser';
import { definedOnly } from '../defined-only.ts';
import { printable } from '../protocol/printable.ts';

/** Where a person signed in, as far as the request said. */
export interface SessionOrigin {
  readonly address: string;
  /** The header of that name. */
  readonly userAgent?: string;
}

/** Characters; those of browsers have about 130. */
const longestUserAgent = 300;

export const sessionOrigin = (address: string, userAgent: string): SessionOrigin => ({
  address,
  ...(userAgent === '' ? {} : { userAgent: printable(userAgent).slice(0, longestUserAgent) }),
});

export interface BrowserName {
  /** Such as `Firefox`. */
  readonly browser?: string;
  /** Such as `Windows`. */
  readonly system?: string;
}

/**
 * The names of browser and operating system, for people; without those that are not known. A program that is no browser has the
 * name of its first product (RFC 9110 section 10.1.5), such as `git`.
 */
export const browserName = ({ userAgent = '' }: Pick<SessionOrigin, 'userAgent'>): BrowserName => {
  if (userAgent === '') return {};
  const { browser, os } = bowser.parse(userAgent);
  return definedOnly({ browser: browser.name || programName(userAgent), system: os.name || undefined });
};

/** All browsers say that they are `Mozilla`. */
const programName = (userAgent: string): string | undefined =>
  /^(?!Mozilla\b)([\w.+-]{1,40})(?:\/|$)/.exec(userAgent)?.[1];
