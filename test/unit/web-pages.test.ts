import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { openPages } from '../../src/web/open-pages.ts';
import type { PageName } from '../../src/web/pages.ts';
import { reasonKey } from '../../src/web/texts.ts';
import { lookOf, sampleNow, samples } from '../pages/samples.ts';

const directory = join(packageRoot(), 'views');
const pages = openPages({ directory, clock: { now: () => sampleNow } });
const locales = ['en', 'de'] as const;

type Tree = { readonly [key: string]: string | Tree };
const flat = (tree: Tree, prefix = ''): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'string' ? [[prefix + key, value]] : Object.entries(flat(value, `${prefix}${key}.`)),
    ),
  );
const texts = (locale: string): Record<string, string> =>
  flat(JSON.parse(readFileSync(join(directory, 'locales', `${locale}.json`), 'utf8')));
const placeholders = (text: string): string[] => (text.match(/\{\{\w+\}\}/g) ?? []).sort();

const attack = `"><script>alert(1)</script>' onx='1' \`$t(login.title){{password}}<%= 1 %>`;

/** The same shape with every string replaced by an attack. */
const hostile = <T>(value: T): T => {
  if (typeof value === 'string') return attack as T;
  if (Array.isArray(value)) return value.map(hostile) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    ['color', 'outcome', 'problem', 'reason', 'step'].includes(key) ? inner : hostile(inner),
  ]);
  return Object.fromEntries(entries) as T;
};

describe('the texts', () => {
  it('exist in German for every English one, with the same values in them', () => {
    const [english, german] = [texts('en'), texts('de')];
    expect(Object.keys(german)).toEqual(Object.keys(english));
    for (const [key, text] of Object.entries(english)) {
      expect([key, placeholders(german[key] ?? '')]).toEqual([key, placeholders(text)]);
    }
  });

  it('have no German preposition before a length of time that needs another case (in 3 Tagen)', () => {
    const wrong = /\b(?:in|innerhalb von|nach|seit|vor) \{\{duration\}\}/;
    expect(Object.values(texts('de')).filter((text) => wrong.test(text))).toEqual([]);
  });

  it('have reasons under the keys of their sentences', () => {
    const reasons = Object.entries(texts('en')).filter(([key]) => key.startsWith('error.reason.'));
    expect(reasons.length).toBeGreaterThan(10);
    for (const [key, sentence] of reasons) expect(key).toBe(`error.reason.${reasonKey(sentence)}`);
  });

  it('have every key that a view names', () => {
    const views = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.eta'))
      .map((name) => readFileSync(join(directory, name), 'utf8'))
      .join('\n');
    const keys = Object.keys(texts('en'));
    for (const [, key = ''] of views.matchAll(/\b(?:t|strong)\('([\w.]+)'/g)) {
      expect(keys.map((known) => known.replace(/_(one|other)$/, ''))).toContain(key);
    }
  });
});

describe.each(locales)('every page in %s', (locale) => {
  const names = new Set<PageName>();
  it.each(samples.map((sample) => [sample.id, sample] as const))('%s', (_id, sample) => {
    const html = sample.render((name, model) => {
      names.add(name);
      return pages.render(name, model, lookOf(locale, sample.ofServer, sample.tenant));
    });
    expect(html).toMatch(new RegExp(`^<!doctype html>\\s<html lang="${locale}">`));
    expect(html).toMatch(/<title>[^<]+ · ([^<]+)<\/title>/);
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(html.match(/<main/g)).toHaveLength(1);
    expect(html).not.toMatch(/ style=|<style|<script(?! src="\/assets\/)|undefined|\[object|\{\{|NaN/);
    const roots =
      'layout|login|selectAccount|selectTenant|scope|consent|device\\w*|formPost|logout|signedOut|account|connectSource|changePassword|passwordChanged|serviceSignOut|serviceProblem|over|error|time|recover|register|email|emailUndo';
    expect(html.replace(/="[^"]*"/g, '')).not.toMatch(new RegExp(`\\b(${roots})\\.[a-z]\\w+`));
    const controls = [...html.matchAll(/<input(?![^>]*type="hidden")[^>]* id="([^"]+)"/g)].map(
      ([, id]) => id,
    );
    for (const id of controls)
      expect(html).toContain(
        `<label${id === 'q' && !html.includes('autofocus') ? ' class="visually-hidden"' : ''} for="${id}"`,
      );
  });

  it.each(samples.map((sample) => [sample.id, sample] as const))(
    '%s lets no text become markup',
    (_id, sample) => {
      const look = lookOf(locale, sample.ofServer, {
        id: attack,
        displayName: attack,
        branding: { color: '#c2410c', logo: attack },
      });
      const evil = { ...look, languageUrls: { en: attack, de: attack } };
      const html = sample.render((name, model) => pages.render(name, hostile(model), evil));
      expect(html).not.toMatch(/<script>|<%| onx='/);
      const benign = sample.render((name, model) => pages.render(name, model, look));
      const tags = (text: string): number => text.match(/<(script|form|button|input)\b/g)?.length ?? 0;
      expect(tags(html)).toBe(tags(benign));
    },
  );

  it('covers all views', () => {
    const views = readdirSync(directory).filter((name) => name.endsWith('.eta') && name !== 'layout.eta');
    expect([...names].map((name) => `${name}.eta`).sort()).toEqual(views.sort());
  });
});

describe('addresses in pages', () => {
  const errorWith = (homeUrl: string): string =>
    pages.render('error', { status: 404, code: 'not_found', errorId: 'x', homeUrl }, lookOf('en'));

  it('are linked when they are http, https or a path of this host', () => {
    for (const url of ['/', '/oauth/acme?x=1', 'https://acme.example/', 'http://localhost:3000/']) {
      expect(errorWith(url)).toContain(`href="${url}"`);
    }
  });

  it('are left out when a click would run a script or leave for an unnamed host', () => {
    for (const url of [
      'javascript:alert(1)',
      ' JaVaScript:alert(1)',
      'data:text/html,x',
      '//evil',
      '/\\evil',
      '/\t/evil',
    ]) {
      expect(errorWith(url)).not.toContain('button-main');
    }
  });

  it('of logos are https or inline pictures', () => {
    const withLogo = (logo: string): string =>
      pages.render(
        'signed-out',
        { signInUrl: '/' },
        lookOf('en', false, {
          id: 'a',
          displayName: 'A',
          branding: { color: '#000000', logo },
        }),
      );
    expect(withLogo('data:image/png;base64,AAAA')).toContain('src="data:image/png;base64,AAAA"');
    expect(withLogo('https://cdn.example/a.svg')).toContain('src="https://cdn.example/a.svg"');
    expect(withLogo('data:text/html,<script>')).not.toContain('<img');
    expect(withLogo('javascript:alert(1)')).not.toContain('<img');
  });
});

describe('words', () => {
  it('count in the language of the page', () => {
    const found = (locale: 'en' | 'de', count: number): string => {
      const tenant = { id: 'a', displayName: 'A', url: '/oauth/a', color: '#123456' };
      const model = { tenants: Array(count).fill(tenant), query: 'a', showSearch: true, allUrl: '/' };
      return pages.render('select-tenant', model, lookOf(locale, true));
    };
    expect(found('en', 1)).toContain('1 organization found');
    expect(found('en', 2)).toContain('2 organizations found');
    expect(found('de', 1)).toContain('1 Organisation gefunden');
    expect(found('de', 2)).toContain('2 Organisationen gefunden');
  });

  it('say how long to wait, rounded up', () => {
    const wait = (locale: 'en' | 'de', retryAfterSeconds: number): string =>
      pages.render(
        'login',
        {
          step: 'password',
          upstreams: [],
          action: '/',
          csrf: '',
          login: '',
          problem: 'throttled',
          retryAfterSeconds,
        },
        lookOf(locale),
      );
    expect(wait('en', 0.4)).toContain('in 1 second.');
    expect(wait('en', 61)).toContain('in 61 seconds.');
    expect(wait('de', 121)).toContain('in 3 Minuten noch');
    expect(wait('de', 7200)).toContain('in 2 Stunden noch');
    expect(wait('de', 30 * 86_400)).toContain('in 30 Tagen noch');
  });

  it('never let a value speak as a translation or as a second value', () => {
    const html = pages.render(
      'logout',
      { action: '/', stayUrl: '/', xsrf: '', username: '$t(login.title) {{tenant}}' },
      lookOf('en'),
    );
    expect(html).toContain('<strong dir="auto">$t(login.title) {{tenant}}</strong>');
  });
});
