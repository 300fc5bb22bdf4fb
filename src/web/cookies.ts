// How our own pages write and read cookies, and the cookie of the language switch. The table of all cookies is in
// docs/architecture.md.
import type { IncomingHttpHeaders } from 'node:http';
import type { Context } from 'koa';
import type { Locale } from '../config/tenant/tenant-definition.ts';

export interface OwnCookie {
  readonly name: string;
  /** An empty value removes the cookie. */
  readonly value: string;
  readonly path: string;
  readonly maxAgeSeconds: number;
  /** Does the browser reach this host by https? */
  readonly isSecure: boolean;
}

/**
 * `Lax`: it is sent when another site leads the browser here. The header is written here, because koa refuses a secure
 * cookie when a proxy did the TLS.
 */
export const setCookie = (ctx: Pick<Context, 'append'>, cookie: OwnCookie): void => {
  const { name, value, path, maxAgeSeconds, isSecure } = cookie;
  ctx.append('Set-Cookie', [
    [
      `${name}=${value}`,
      `Path=${path}`,
      `Max-Age=${value === '' ? 0 : maxAgeSeconds}`,
      'HttpOnly',
      'SameSite=Lax',
      ...(isSecure ? ['Secure'] : []),
    ].join('; '),
  ]);
};

/** Our own cookies are not signed: the code that uses a value checks it. */
export interface CookieReader {
  readonly cookies: { get(name: string, options?: { signed: boolean }): string | undefined };
}

export const readCookie = ({ cookies }: CookieReader, name: string): string | undefined =>
  cookies.get(name, { signed: false });

/** In the order of the header; a part without `=` is none. */
export const cookiesOf = ({
  cookie = '',
}: Pick<IncomingHttpHeaders, 'cookie'>): readonly (readonly [name: string, value: string])[] =>
  cookie.split(';').flatMap((written) => {
    const pair = written.trim();
    const at = pair.indexOf('=');
    return at < 0 ? [] : [[pair.slice(0, at), pair.slice(at + 1)] as const];
  });

/**
 * The names, among those that begin with `start`, that one more cookie makes too many: the oldest, which browsers send
 * first (RFC 6265 section 5.4).
 */
export const surplusCookies = (
  headers: Pick<IncomingHttpHeaders, 'cookie'>,
  { start, atMost }: { readonly start: string; readonly atMost: number },
): readonly string[] => {
  const known = cookiesOf(headers).flatMap(([name]) => (name.startsWith(start) ? [name] : []));
  return known.slice(0, Math.max(0, known.length + 1 - atMost));
};

/** For a year: the chosen language is for the pages of all tenants. */
const languageCookie = { name: 'i18next', path: '/', maxAgeSeconds: 365 * 24 * 3600 } as const;

export const setLanguageCookie = (ctx: Context, locale: Locale, isSecure: boolean): void =>
  setCookie(ctx, { ...languageCookie, value: locale, isSecure });

/** The value as the browser sent it, unchecked. */
export const readLanguageCookie = (reader: CookieReader): string | undefined =>
  readCookie(reader, languageCookie.name);
