import { describe, expect, it } from '@jest/globals';
import { createBrowser, type Page } from '../support/browser.ts';
import { textOf } from '../support/page-text.ts';
import { sampleTenant, secretOf } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const links = {
  imprint: 'https://acme.example/imprint?a=1&b=2',
  privacy: { en: 'https://acme.example/privacy', de: 'https://acme.example/datenschutz' },
};
const upstream = (id: string, more: object): object => ({
  id,
  clientId: 'a',
  clientSecret: secretOf('a'),
  ...more,
});
const oauth2 = {
  type: 'oauth2',
  userAuthorizationUri: 'https://partner.example/authorize',
  accessTokenUri: 'https://partner.example/token',
  userInfoUri: 'https://partner.example/me',
  userNameExtractionPattern: '/name',
};

const sources = [
  { id: 'local', type: 'local', revealDisabled: true },
  upstream('google', { preset: 'google' }),
  upstream('partner', { ...oauth2, displayName: 'Partner', logo: 'https://cdn.partner.example/logo.png' }),
  upstream('plain', { ...oauth2, displayName: 'Plain' }),
] as never; // checked when the file is read

const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant({ branding: { links, support: 'help@acme.example', footer: false }, sources }),
    globex: sampleTenant(),
    phone: sampleTenant({
      branding: { support: '+49 (30) 123-45', logo: 'https://cdn.acme.example/acme.svg' },
    }),
  },
});

const login = async (tenant: string, language = 'en'): Promise<Page> => {
  const browser = createBrowser({ 'accept-language': language });
  return browser.follow(await browser.get(server.issuer(tenant)));
};

describe('the foot of the pages', () => {
  it('links imprint, privacy and support in the language of the page', async () => {
    const english = await login('acme');
    const german = await login('acme', 'de');

    expect(english.body).toContain('href="https://acme.example/imprint?a=1&amp;b=2"');
    expect(english.body).toContain('href="https://acme.example/privacy"');
    expect(english.body).toContain('href="mailto:help@acme.example"');
    expect(german.body).toContain('href="https://acme.example/datenschutz"');
    expect(textOf(german)).toContain('Impressum');
    expect(textOf(german)).toContain('Datenschutz');
  });

  it('is on error pages and pages of the provider too', async () => {
    for (const path of ['/nowhere', '/device', '/auth?client_id=nobody'])
      expect((await createBrowser().get(server.issuer('acme') + path)).body).toContain('mailto:help@acme');
  });

  it('names the software unless that is switched off', async () => {
    expect(textOf(await login('globex'))).toContain('Secured by Drawbridge');
    expect(textOf(await login('acme'))).not.toContain('Secured by');
  });

  it('has nothing of it where the file names nothing', async () => {
    expect((await login('globex')).body).not.toContain('foot-links');
    expect((await login('phone')).body).toContain('href="tel:+493012345"');
  });
});

describe('pictures', () => {
  it('are on the buttons of presets and of sources with a logo, and nowhere else', async () => {
    const { body, headers } = await login('acme');
    const pictures = [...body.matchAll(/<img class="upstream-logo" src="([^"]+)"/g)].map(([, url]) => url);

    expect(pictures).toEqual([
      expect.stringMatching(/^\/assets\/provider-google\.[0-9a-f]{12}\.svg$/),
      'https://cdn.partner.example/logo.png',
    ]);
    const served = await fetch(server.publicUrl + pictures[0]);
    expect([served.status, served.headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
    expect(headers.get('content-security-policy')).toMatch(
      /img-src 'self' data: https:\/\/cdn\.partner\.example;/,
    );
  });

  it('of the tenant may be loaded on the pages of the provider', async () => {
    const page = await createBrowser().get(`${server.issuer('phone')}/device`);

    expect(page.body).toContain('https://cdn.acme.example/acme.svg');
    expect(page.headers.get('content-security-policy')).toContain('https://cdn.acme.example');
  });
});

describe('a disabled person', () => {
  it('learns so with the right password, where the operator allows it', async () => {
    const outcomes = [];
    for (const [tenant, password] of [
      ['acme', 'shall be disabled'],
      ['acme', 'not this one here'],
      ['globex', 'shall be disabled'],
    ] as const) {
      const users = server.users(tenant);
      await users.add({ username: 'dora', password: 'shall be disabled' });
      await users.disable('dora');
      const browser = createBrowser();
      const page = await browser.follow(await browser.get(server.issuer(tenant)));
      const answer = await browser.submit(page, { login: 'dora', password });
      outcomes.push(textOf(answer).includes('This account is disabled'));
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    expect(outcomes).toEqual([true, false, false]);
  });
});
