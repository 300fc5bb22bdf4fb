import { describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { prepareAuthorization, signIn, tokensFor } from '../support/oauth-client.ts';
import { confidential, sampleClients, sampleTenant, web, webClient } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const rp = confidential('rp', 'https://app.example.com/Cb');
const withQuery = confidential('with-query', 'https://app.example.com/cb?app=One');

const acme = sampleTenant({
  clients: [
    ...sampleClients,
    webClient(rp, { post_logout_redirect_uris: ['https://app.example.com/bye'] }),
    webClient(withQuery),
  ],
});
const server = await useServer({ store: sqliteStore, tenants: { acme } });
const issuer = server.issuer('acme');

describe('a code is sent nowhere but to the address as it is registered', () => {
  it('which is where it does go', async () => {
    for (const client of [rp, withQuery]) {
      const { returned, code } = await signIn(createBrowser(), { issuer, client });
      expect(returned.get('code')).toBe(code);
    }
    const { returned } = await signIn(createBrowser(), { issuer, client: withQuery });
    expect(returned.get('app')).toBe('One');
  });

  it.each([
    ['by its path', 'https://app.example.com/Cb/..;/evil'],
    ['by its path', 'https://app.example.com/Cb/../x'],
    ['by its path', 'https://app.example.com/x/../Cb'],
    ['by its path', 'https://app.example.com/Cb%2f..'],
    ['by its path', 'https://app.example.com/Cb/'],
    ['by its path', 'https://app.example.com/Cb?x'],
    ['by its path', 'https://app.example.com/Cb?'],
    ['by its path', 'https://app.example.com/Cb#x'],
    ['by its path', 'https://app.example.com/Cb#'],
    ['by its path', 'https://app.example.com//Cb'],
    ['by its authority', 'https://app.example.com@evil.example/Cb'],
    ['by its authority', 'https://app.example.com:443@evil.example/Cb'],
    ['by its authority', 'https://app.example.com:443/Cb'],
    ['by its authority', 'https://app.example.com\\@evil.example/Cb'],
    ['by its authority', 'https://evil.example#@app.example.com/Cb'],
    ['by its authority', 'https://evil.example\\.app.example.com/Cb'],
    ['by its authority', 'https://user@app.example.com/Cb'],
    ['by its authority', '//app.example.com/Cb'],
    ['as a pattern', 'https://appXexample.com/Cb'],
    ['by a longer text', 'https://app.example.com/Cb.evil.example'],
    ['by a longer text', 'https://app.example.com/Cbx'],
    ['by a longer text', 'https://app.example.com.evil.example/Cb'],
    ['by case', 'https://app.example.com/cb'],
    ['by case', 'https://APP.example.com/Cb'],
    ['by case', 'HTTPS://app.example.com/Cb'],
    ['by its scheme', 'http://app.example.com/Cb'],
    ['by its scheme', 'javascript:alert(1)'],
    ['by its scheme', 'JaVaScRiPt:alert(1)'],
    ['by its scheme', 'data:text/html,x'],
    ['with a line end', 'https://app.example.com/Cb\r\nLocation: https://evil.example'],
    ['with a line end', 'https://app.example.com/Cb%0d%0aLocation:x'],
    ['', 'null'],
    ['', ' https://app.example.com/Cb'],
    ['', 'https://app.example.com/Cb '],
    ['', 'https://app.example.com/\u0421b'],
  ])('%s %s', async (_kind, redirectUri) => {
    const { url } = prepareAuthorization({ issuer, client: { ...rp, redirectUri } });
    const page = await createBrowser().get(url);
    expect(page).toMatchObject({ status: 400, location: undefined });
    expect(page.headers.get('content-type')).toContain('text/html');
  });

  it.each([
    'https://app.example.com/cb?app=one',
    'https://app.example.com/cb',
    'https://app.example.com/cb?app=One&x',
  ])('with its query: %s', async (redirectUri) => {
    const { url } = prepareAuthorization({ issuer, client: { ...withQuery, redirectUri } });
    expect(await createBrowser().get(url)).toMatchObject({ status: 400, location: undefined });
  });

  it.each([
    'redirect_uri',
    'client_id',
    'state',
    'scope',
    'response_type',
    'code_challenge',
    'nonce',
    'prompt',
  ])('when the request has two of %s', async (name) => {
    const { url } = prepareAuthorization({
      issuer,
      client: rp,
      extra: { nonce: 'n-0S6', prompt: 'login' },
    });
    const page = await createBrowser().get(`${url}&${name}=https://evil.example/Cb`);
    const target = page.location ?? `${rp.redirectUri}?error=invalid_request`;
    expect(target.split('?')[0]).toBe(rp.redirectUri);
    expect(new URL(target).searchParams.get('error')).toBe('invalid_request');
    if (page.location === undefined) expect(page.status).toBe(400);
  });

  it('when it comes by form_post, nor as markup', async () => {
    const state = '"><script>alert(1)</script>';
    const { url } = prepareAuthorization({
      issuer,
      client: rp,
      extra: { response_mode: 'form_post', prompt: 'none', state },
    });
    const page = await createBrowser().get(url);
    expect(page.status).toBeLessThan(500);
    expect(page.body).not.toContain('<script>alert(1)');
    expect(page.body).not.toContain('action="https://evil');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe-inline');
  });
});
describe('after a sign-out no browser is redirected', () => {
  it.each([
    'https://evil.example/',
    'https://app.example.com/bye/../evil',
    'https://app.example.com/BYE',
    'https://app.example.com/Cb',
    'javascript:alert(1)',
    '//evil.example',
  ])('to %s', async (target) => {
    const browser = createBrowser();
    const { id_token: hint = '' } = await tokensFor(browser, { issuer, client: rp });
    const query = new URLSearchParams({
      client_id: rp.id,
      id_token_hint: hint,
      post_logout_redirect_uri: target,
    });
    const page = await browser.get(`${issuer}/session/end?${query}`);
    expect(page).toMatchObject({ status: 400, location: undefined });
  });

  it('anywhere without naming the client, or by naming another one', async () => {
    const target = 'https://app.example.com/bye';
    for (const more of [{}, { client_id: web.id }]) {
      const browser = createBrowser();
      await tokensFor(browser, { issuer, client: rp });
      const query = new URLSearchParams({ ...more, post_logout_redirect_uri: target });
      let page = await browser.get(`${issuer}/session/end?${query}`);
      if (page.status === 200) page = await browser.submit(page, { logout: 'yes' });
      expect(page.location ?? '').not.toContain('app.example.com');
    }
  });
});
