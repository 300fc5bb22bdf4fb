import { describe, expect, it } from '@jest/globals';
import { languageUrls, withLocale } from '../../src/web/language-switch.ts';
import { type LanguagePreferences, localeOf } from '../../src/web/locale.ts';

interface Sent {
  readonly query?: LanguagePreferences['query'];
  readonly cookie?: string;
  readonly accept?: readonly string[];
}

const preferences = ({ query = {}, cookie, accept = ['*'] }: Sent): LanguagePreferences => ({
  query,
  cookies: { get: (name) => (name === 'i18next' ? cookie : undefined) },
  acceptsLanguages: () => [...accept],
});

describe('the language of a page', () => {
  it('is that of the address before all else', () => {
    const all = { query: { ui_locales: 'de' }, cookie: 'en', accept: ['en'] };
    expect(localeOf(preferences(all), 'en', 'en')).toBe('de');
  });

  it('is then that of the app, the cookie, the browser and the tenant, in this order', () => {
    expect(localeOf(preferences({ cookie: 'en', accept: ['en'] }), 'en', 'de')).toBe('de');
    expect(localeOf(preferences({ cookie: 'de', accept: ['en'] }), 'en')).toBe('de');
    expect(localeOf(preferences({ accept: ['de'] }), 'en')).toBe('de');
    expect(localeOf(preferences({}), 'de')).toBe('de');
  });

  it('is the first wish that can be met', () => {
    expect(localeOf(preferences({ query: { ui_locales: 'fr-CA fr de-AT en' } }), 'en')).toBe('de');
    expect(localeOf(preferences({ accept: ['fr', 'de-CH', 'en'] }), 'en')).toBe('de');
    expect(localeOf(preferences({ query: { ui_locales: 'fr' }, cookie: 'de' }), 'en')).toBe('de');
  });

  it.each(['de', 'de_DE', 'de-DE', 'de-AT', 'DE_at', 'de_DE.UTF-8', 'de-Latn-CH'])(
    'is German for %s',
    (tag) => {
      expect(localeOf(preferences({ query: { ui_locales: tag } }), 'en')).toBe('de');
      expect(localeOf(preferences({ query: { i18next: tag } }), 'en')).toBe('de');
      expect(localeOf(preferences({ cookie: tag }), 'en')).toBe('de');
      expect(localeOf(preferences({}), 'en', `fr_FR ${tag}`)).toBe('de');
      expect(localeOf(preferences({ accept: [tag] }), 'en')).toBe('de');
    },
  );

  it.each(['en_US', 'en-GB', 'EN', 'en_GB'])('is English for %s', (tag) => {
    expect(localeOf(preferences({ cookie: tag }), 'de')).toBe('en');
    expect(localeOf(preferences({ query: { i18next: tag } }), 'de')).toBe('en');
  });

  it('is not upset by nonsense', () => {
    for (const value of ['', 'deutsch', 'd', '../de', 'constructor', 'x'.repeat(10_000), 'de'.repeat(50)]) {
      expect(
        localeOf(preferences({ query: { ui_locales: value }, cookie: value, accept: [value] }), 'en'),
      ).toBe('en');
    }
    expect(localeOf(preferences({ query: { ui_locales: ['de', 'en'] } }), 'en')).toBe('en');
  });
});

describe('the language switch', () => {
  it('links the same page in the other language', () => {
    expect(languageUrls('/oauth/acme/device?user_code=A%26B&ui_locales=de', 'de')).toEqual({
      en: '/oauth/acme/device?user_code=A%26B&ui_locales=en',
    });
  });

  it('replaces a language that an app put into the address', () => {
    expect(withLocale('/oauth/acme?i18next=de_DE', 'en')).toBe('/oauth/acme?ui_locales=en');
  });

  it('never links another host', () => {
    expect(withLocale('/oauth/acme', 'en')).toBe('/oauth/acme?ui_locales=en');
    expect(withLocale('https://evil.example/x', 'en')).toBe('/x?ui_locales=en');
  });
});
