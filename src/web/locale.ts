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

/** A regional form counts as its language, as BCP 47 (`de-AT`) and POSIX (`de_DE.UTF-8`) write it, in either case. */
const localeNamed = (tag: string): Locale | undefined => {
  if (tag.length > longestTag) return undefined;
  const [language] = tag
    .trim()
    .toLowerCase()
    .split(/[-_.@]/);
  return locales.find((locale) => locale === language);
};

/** The first language of a list as in OIDC Core 3.1.2.1 `ui_locales` that the pages speak. */
const firstKnown = (tags: readonly string[]): Locale | undefined => {
  for (const tag of tags.slice(0, 20)) {
    const locale = localeNamed(tag);
    if (locale !== undefined) return locale;
  }
  return undefined;
};

/** @param uiLocales `ui_locales` of an authorization request (OIDC Core section 3.1.2.1) */
export const localeAskedFor = (uiLocales: string): Locale | undefined => firstKnown(uiLocales.split(' '));

/** `ui_locales`, or else `i18next`, by which apps name the language as they do in the cookie of that name. */
export const localeOfQuery = ({ ui_locales, i18next }: LanguagePreferences['query']): Locale | undefined =>
  (typeof ui_locales === 'string' ? localeAskedFor(ui_locales) : undefined) ??
  (typeof i18next === 'string' ? localeNamed(i18next) : undefined);

/**
 * The language of the address, then what the app asked for, then the cookie `i18next`, then the browser, then the
 * tenant.
 * @param fallback the tenant's language
 * @param uiLocales `ui_locales` of the authorization request, where the address does not carry it
 */
export const localeOf = (preferences: LanguagePreferences, fallback: Locale, uiLocales = ''): Locale =>
  localeOfQuery(preferences.query) ??
  localeAskedFor(uiLocales) ??
  localeNamed(readLanguageCookie(preferences) ?? '') ??
  firstKnown(preferences.acceptsLanguages()) ??
  fallback;
