import { describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import { enterCode, startDevice } from '../support/device.ts';
import { goToAuthorization, prepareAuthorization, signIn } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { sampleTenant, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({ store: sqliteStore, tenants: { acme: sampleTenant() } });
const issuer = server.issuer('acme');

const german = (): Browser => createBrowser({ 'accept-language': 'de-AT' });

const expectOurs = (page: Page): void => {
  expect(page.status).toBe(200);
  expect(page.body).toContain('<html lang="de">');
  expect(textOf(page)).toContain('Einen Moment bitte');
  expect(page.body).not.toMatch(/Submitting|<script(?! src=)|<noscript/);
  expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self';/);
  expect(page.body).toMatch(/<form [^>]*data-submit-now/);
  expect(page.body).toMatch(/<button [^>]*type="submit">Weiter</);
};

describe('a form that is sent on', () => {
  it('to an app is a page of ours, with the answer in it', async () => {
    const browser = german();
    await signIn(browser, { issuer, client: web });
    const state = `"'<&amp;>`;
    const { url } = prepareAuthorization({
      issuer,
      client: web,
      extra: { response_mode: 'form_post', state },
    });
    const page = await goToAuthorization(browser, { url }, web.redirectUri);

    expectOurs(page);
    expect(formsOf(page)[0]).toMatchObject({
      action: web.redirectUri,
      method: 'post',
      fields: { state, iss: issuer, code: expect.stringMatching(/^[\w-]{40,}$/) },
    });
  });

  it('with the code of a device is a page of ours, and leads to the question', async () => {
    const browser = german();
    const { verification_uri_complete: complete } = await startDevice(issuer);
    const page = await browser.get(complete);

    expectOurs(page);
    expect(textOf(await browser.submit(page))).toContain('Dieses Gerät verbinden?');
  });

  it('at a sign-out of nobody is a page of ours', async () => {
    const browser = german();
    const page = await browser.get(`${issuer}/session/end`);

    expectOurs(page);
    expect(textOf(await browser.follow(await browser.submit(page)))).toContain('abgemeldet');
  });
});

describe('the language links', () => {
  it('keep the place after the code of a device was sent', async () => {
    const browser = createBrowser();
    const { user_code: code } = await startDevice(issuer);
    const page = await enterCode(browser, issuer, code);
    const [, target = ''] = /href="([^"]+)" hreflang="de"/.exec(page.body) ?? [];
    const url = new URL(target.replaceAll('&amp;', '&'), page.url);

    expect(url.pathname).toBe(`${new URL(issuer).pathname}/device`);
    expect(url.searchParams.get('user_code')).toBe(code);
    expect(url.searchParams.get('ui_locales')).toBe('de');
  });

  it.each(['/device', '/session/end/success', '/auth?client_id=nobody'])('are on %s', async (path) => {
    expect((await createBrowser().get(issuer + path)).body).toContain('hreflang="de"');
  });
});

describe('the title of a page', () => {
  const titleOf = ({ body }: Page): string | undefined => /<title>([^<]+)<\/title>/.exec(body)?.[1];

  it('says that it is an error, in the language of the page', async () => {
    const url = `${issuer}/auth?client_id=nobody`;
    expect(titleOf(await createBrowser().get(url))).toBe('Error: Unknown app · Acme');
    expect(titleOf(await german().get(url))).toMatch(/^Fehler: .* · Acme$/);
    expect(titleOf(await createBrowser().get(`${server.publicUrl}/nowhere`))).toMatch(/^Error: /);
  });

  it('and the reason are in the language of the page', async () => {
    const page = await german().get(`${issuer}/nowhere`);
    expect(textOf(page).toLowerCase()).toContain('grund unter dieser adresse gibt es nichts');
    const english = await german().get(`${issuer}/auth?client_id=web&response_type=nonsense`);
    expect(english.body).toMatch(/<dd dir="auto" lang="en">/);
  });

  it('says so after a wrong password, and not before', async () => {
    const browser = createBrowser();
    const login = await goToAuthorization(
      browser,
      prepareAuthorization({ issuer, client: web }),
      web.redirectUri,
    );
    const wrong = await browser.submit(login, { login: 'bob', password: 'wrong' });

    expect(titleOf(login)).toBe('Sign in · Acme');
    expect(titleOf(wrong)).toBe('Error: Sign in · Acme');
  });
});
