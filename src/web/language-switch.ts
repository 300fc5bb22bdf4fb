import type { Middleware } from 'koa';
import type { Locale } from '../config/tenant/tenant-definition.ts';
import { setLanguageCookie } from './cookies.ts';
import { localeOfQuery } from './locale.ts';
import type { Look } from './pages.ts';
import type { IsSecureHost } from './request-checks.ts';
import { locales } from './texts.ts';

/** @param url path and query of a page, such as `ctx.originalUrl` */
export const withLocale = (url: string, locale: Locale): string => {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.delete('i18next');
  searchParams.set('ui_locales', locale);
  return `${pathname}?${searchParams}`;
};

/** The links of the language switch: the same page in the other languages. */
export const languageUrls = (url: string, current: Locale): NonNullable<Look['languageUrls']> =>
  Object.fromEntries(
    locales.filter((locale) => locale !== current).map((locale) => [locale, withLocale(url, locale)]),
  );

export interface LanguageCookieOptions {
  readonly isSecure: IsSecureHost;
}

/** Keeps in the cookie `i18next` the language that a person chose by the language switch, for the next pages. */
export const createLanguageCookie =
  ({ isSecure }: LanguageCookieOptions): Middleware =>
  async (ctx, next) => {
    const chosen = ctx.method === 'GET' ? localeOfQuery(ctx.query) : undefined;
    // The `ui_locales` of an app arrives from another site: it applies to that sign-in and is not kept.
    if (chosen !== undefined && ctx.get('Sec-Fetch-Site') === 'same-origin') {
      setLanguageCookie(ctx, chosen, isSecure(ctx.state.host));
    }
    await next();
  };
