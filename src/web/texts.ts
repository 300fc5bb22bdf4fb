import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstance, type TFunction } from 'i18next';
import type { Clock } from '../clock.ts';
import type { Locale } from '../config/tenant/tenant-definition.ts';

export const locales: readonly Locale[] = ['en', 'de'];

/** The words of pages and mails in one language. Results are plain text: the template escapes them. */
export interface Texts {
  t(key: string, values?: Readonly<Record<string, unknown>>): string;
  has(key: string): boolean;
  /** The description of an error in this language, or as it is where it has no translation. */
  reason(description: string): { readonly text: string; readonly locale: Locale };
  /** HTML: text and values escaped, each value in `<strong>` and kept apart from the text's direction. */
  strong(key: string, values: Readonly<Record<string, string>>): string;
  /** `45 seconds`, `3 minutes`; rounded up. */
  duration(seconds: number): string;
  /** `in 3 minutes`; rounded up. */
  wait(seconds: number): string;
  /** `2 minutes ago` */
  ago(epochMs: number): string;
  /** Date and time in UTC. */
  moment(epochMs: number): string;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => escapes[sign] ?? '');

// Private-use signs mark where a value begins and ends while the text is still plain.
const opening = '\uE000';
const closing = '\uE001';

const marked = (value: string): string => `${opening}${value.replace(/[\uE000\uE001]/g, '')}${closing}`;

const amount = (seconds: number): readonly [unit: 'second' | 'minute' | 'hour' | 'day', count: number] => {
  if (seconds < 90) return ['second', Math.max(1, Math.ceil(seconds))];
  if (seconds < 90 * 60) return ['minute', Math.ceil(seconds / 60)];
  if (seconds < 36 * 3600) return ['hour', Math.ceil(seconds / 3600)];
  return ['day', Math.ceil(seconds / 86_400)];
};

/** Descriptions are English sentences, ours and the library's; their letters are the key of the translation. */
export const reasonKey = (description: string): string =>
  description
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');

export type TextsOfLocales = Readonly<Record<Locale, Texts>>;

interface TextSource {
  readonly locale: Locale;
  readonly t: TFunction;
  /** Every key there is, `a.b.c`. */
  readonly keys: ReadonlySet<string>;
}

const createTexts = ({ locale, t, keys }: TextSource, clock: Clock): Texts => {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'always' });
  const absolute = new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  });
  const text: Texts['t'] = (key, values = {}) => t(key, values);
  return {
    t: text,
    has: (key) => keys.has(key),
    reason: (description) => {
      const key = `error.reason.${reasonKey(description)}`;
      return locale !== 'en' && keys.has(key)
        ? { text: text(key), locale }
        : { text: description, locale: 'en' };
    },
    strong(key, values) {
      const entries = Object.entries(values).map(([name, value]) => [name, marked(value)]);
      return escapeHtml(text(key, Object.fromEntries(entries)))
        .replaceAll(opening, '<strong dir="auto">')
        .replaceAll(closing, '</strong>');
    },
    duration(seconds) {
      const [unit, count] = amount(seconds);
      return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
    },
    wait(seconds) {
      const [unit, count] = amount(seconds);
      return relative.format(count, unit);
    },
    ago(epochMs) {
      const seconds = Math.max(0, Math.floor((clock.now() - epochMs) / 1000));
      if (seconds < 10) return t('time.now');
      const [unit, count] = amount(seconds);
      return relative.format(-count, unit);
    },
    moment: (epochMs) => absolute.format(epochMs),
  };
};

type TextTree = { readonly [key: string]: string | TextTree };

const flatKeys = (tree: TextTree, prefix = ''): string[] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [prefix + key] : flatKeys(value, `${prefix}${key}.`),
  );

/** Reads `<folder>/<locale>.json`. A text that a language lacks is taken from English. */
export const openTexts = (folder: string, clock: Clock): TextsOfLocales => {
  const read = (locale: Locale): TextTree => JSON.parse(readFileSync(join(folder, `${locale}.json`), 'utf8'));
  const trees = { en: read('en'), de: read('de') };
  const keys = new Set(flatKeys(trees.en));
  const i18n = createInstance();
  void i18n.init({
    resources: { en: { translation: trees.en }, de: { translation: trees.de } },
    fallbackLng: 'en',
    initAsync: false,
    // eta escapes what the templates print, so i18next must not do it a second time.
    interpolation: { escapeValue: false },
  });
  const textsIn = (locale: Locale): Texts => createTexts({ locale, t: i18n.getFixedT(locale), keys }, clock);
  return { en: textsIn('en'), de: textsIn('de') };
};
