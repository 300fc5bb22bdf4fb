import type { Locale } from '../config/tenant/tenant-definition.ts';
import { type CookieReader, readLanguageCookie } from './cookies.ts';
import { locales } from './texts.ts';

/** The part of a koa context that states the languages of the person. */
export interface LanguagePreferences extends CookieReader {
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** All languages of Accept-Language, best first; `*` when there is no such header. */
  acceptsLanguages(): string[];
}

const longestTag = 35;

const localeNamed = (tag: string): Locale | undefined =>
  tag.length > longestTag
    ? undefined
    : locales.find((locale) => tag.toLowerCase() === locale || tag.toLowerCase().startsWith(`${locale}-`));

/** The first language of a list as in OIDC Core 3.1.2.1 `ui_locales` that the pages speak. */
const firstKnown = (tags: readonly string[]): Locale | undefined => {
  for (const tag of tags.slice(0, 20)) {
    const locale = localeNamed(tag);
    if (locale !== undefined) return locale;
  }
  return undefined;
};

export const localeOfQuery = (query: LanguagePreferences['query']): Locale | undefined =>
  typeof query.ui_locales === 'string' ? firstKnown(query.ui_locales.split(' ')) : undefined;

/**
 * `ui_locales` of the address, then the cookie `i18next`, then what the app asked for, then the browser, then the
 * tenant.
 * @param fallback the tenant's language
 * @param uiLocales `ui_locales` of the authorization request, where the address does not carry it
 */
export const localeOf = (preferences: LanguagePreferences, fallback: Locale, uiLocales = ''): Locale =>
  localeOfQuery(preferences.query) ??
  firstKnown(uiLocales.split(' ')) ??
  localeNamed(readLanguageCookie(preferences) ?? '') ??
  firstKnown(preferences.acceptsLanguages()) ??
  fallback;
