import { afterEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf, type Page, unescapeHtml } from '../support/browser.ts';
import { instanceHeader } from '../support/instances-front.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  formOf,
  goToAuthorization,
  introspect,
  type Parameters,
  postAs,
  prepareAuthorization,
  redeem,
  refresh,
  signIn,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  alice,
  bob,
  type KnownClient,
  ordersApi,
  ordersResource,
  shop,
  web,
} from '../support/sample-tenants.ts';
import { withEachStore } from '../support/use-server.ts';

const signedOutUri = 'https://app.example.com/signed-out';

await withEachStore({ instances: 2 }, (server) => {
  const issuer = server.issuer('acme');
  afterEach(restoreTime);

  const askToEnd = (browser: Browser, parameters: Parameters = {}): Promise<Page> =>
    browser.get(`${issuer}/session/end?${formOf(parameters)}`);

  const toApp = (url: string): boolean => url.startsWith('https://app.example.com');

  const signOut = async (browser: Browser, parameters: Parameters = {}): Promise<Page> =>
    browser.follow(await browser.submit(await askToEnd(browser, parameters), { logout: 'yes' }), toApp);

  /** Is there a session that this app can use without a page? */
  const isSignedIn = async (browser: Browser, client: KnownClient = web): Promise<boolean> => {
    const prepared = prepareAuthorization({ issuer, client, extra: { prompt: 'none' } });
    const page = await goToAuthorization(browser, prepared, client.redirectUri);
    return new URL(page.location ?? page.url).searchParams.get('code') !== null;
  };

  describe('an app that ends the session', () => {
    it('has the person asked, and gets them back at its own address with its state', async () => {
      const browser = createBrowser();
      const { id_token } = await tokensFor(browser, { issuer, client: web });
      const asked = await askToEnd(browser, {
        id_token_hint: id_token,
        post_logout_redirect_uri: signedOutUri,
        state: 'a&b=c',
      });
      const stillThere = await isSignedIn(browser, shop);
      const page = await browser.follow(await browser.submit(asked, { logout: 'yes' }), toApp);
      const back = new URL(page.location ?? page.url);

      expect(asked.status).toBe(200);
      expect(textOf(asked)).toContain('You are signed in as alice.');
      expect(textOf(asked)).toContain('The web app');
      expect(stillThere).toBe(true);
      expect(back.origin + back.pathname).toBe(signedOutUri);
      expect([...back.searchParams]).toEqual([['state', 'a&b=c']]);
      expect(await isSignedIn(browser)).toBe(false);
    });

    it('may send a form', async () => {
      const browser = createBrowser();
      const { id_token = '' } = await tokensFor(browser, { issuer, client: web });
      const fields = { id_token_hint: id_token, post_logout_redirect_uri: signedOutUri, state: 'a&b=c' };
      const asked = await browser.follow(await browser.post(`${issuer}/session/end`, fields));
      expect(textOf(asked)).toContain('You are signed in as alice.');
      const page = await browser.follow(await browser.submit(asked, { logout: 'yes' }), toApp);
      expect(page.location).toBe(`${signedOutUri}?state=a%26b%3Dc`);
    });

    it('may name itself by client_id, and may hold an ID token that has expired', async () => {
      const byName = createBrowser();
      await tokensFor(byName, { issuer, client: web });
      const first = await signOut(byName, { client_id: web.id, post_logout_redirect_uri: signedOutUri });
      const byHint = createBrowser();
      const { id_token } = await tokensFor(byHint, { issuer, client: web });
      moveTime(3600);
      const second = await signOut(byHint, {
        id_token_hint: id_token,
        post_logout_redirect_uri: signedOutUri,
      });

      expect([first.location, second.location]).toEqual([signedOutUri, signedOutUri]);
    });

    it('redirects no browser without an address', async () => {
      const browser = createBrowser();
      const { id_token } = await tokensFor(browser, { issuer, client: web });
      const page = await signOut(browser, { id_token_hint: id_token });

      expect(page.status).toBe(200);
      expect(page.url.startsWith(issuer)).toBe(true);
      expect(textOf(page)).toContain('You are signed out');
    });

    it.each([
      'https://evil.example/signed-out',
      `${signedOutUri}/`,
      `${signedOutUri}/../evil`,
      `${signedOutUri}?next=https://evil.example`,
      'https://APP.example.com/signed-out',
      'https://app.example.com@evil.example/signed-out',
      '//evil.example',
      'javascript:alert(1)',
      'data:text/html,<script>alert(1)</script>',
    ])('cannot send anybody to %s', async (uri) => {
      const browser = createBrowser();
      const { id_token } = await tokensFor(browser, { issuer, client: web });
      const page = await askToEnd(browser, { id_token_hint: id_token, post_logout_redirect_uri: uri });

      expect(page.status).toBe(400);
      expect(page.location).toBeUndefined();
      expect(page.body).not.toContain('<script>alert');
      expect(page.body).not.toMatch(/href="(?:javascript|data|https:\/\/evil)/);
      expect(await isSignedIn(browser)).toBe(true);
    });

    it('cannot send anybody anywhere without saying which app it is', async () => {
      const browser = createBrowser();
      await tokensFor(browser, { issuer, client: web });
      const page = await signOut(browser, { post_logout_redirect_uri: signedOutUri });

      expect(page.location).toBeUndefined();
      expect(page.url.startsWith(issuer)).toBe(true);
    });

    it('cannot use the ID token of another tenant or app, or one it made itself', async () => {
      const browser = createBrowser();
      const { id_token = '' } = await tokensFor(browser, { issuer, client: web });
      const elsewhere = await tokensFor(createBrowser(), { issuer: server.issuer('globex'), client: web });
      const [header, , signature] = id_token.split('.');
      const claims = Buffer.from(JSON.stringify({ iss: issuer, aud: web.id, sub: 'x' })).toString(
        'base64url',
      );
      const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
      const hints = [
        { id_token_hint: elsewhere.id_token },
        { id_token_hint: id_token, client_id: shop.id },
        { id_token_hint: `${header}.${claims}.${signature}` },
        { id_token_hint: `${none}.${claims}.` },
        { id_token_hint: 'rubbish' },
      ];

      for (const hint of hints) {
        const page = await askToEnd(browser, { ...hint, post_logout_redirect_uri: signedOutUri });
        expect(page.status).toBe(400);
        expect(page.location).toBeUndefined();
      }
    });
  });

  describe('the person', () => {
    it('may stay signed in', async () => {
      const browser = createBrowser();
      const tokens = await tokensFor(browser, { issuer, client: web });
      const asked = await askToEnd(browser);
      const [, stayUrl = ''] = /<a [^>]*href="([^"]+)">Stay signed in</.exec(asked.body) ?? [];
      const stayed = await browser.follow(await browser.get(stayUrl));

      expect(textOf(stayed)).toContain('You are signed in as');
      expect(asked.body.match(/<button /g)).toHaveLength(1); // nothing is sent
      expect(await isSignedIn(browser)).toBe(true);
      expect((await userinfo(issuer, tokens.access_token)).status).toBe(200);
      expect((await refresh(issuer, web, tokens.refresh_token)).status).toBe(200);
    });

    it('may sign out of one app alone', async () => {
      const browser = createBrowser();
      const ofWeb = await tokensFor(browser, { issuer, client: web });
      const ofShop = await tokensFor(browser, { issuer, client: shop });
      const asked = await askToEnd(browser, { id_token_hint: ofWeb.id_token });
      await browser.follow(await browser.submit(asked));

      expect(textOf(asked)).toContain('Only sign out of The web app');
      expect((await userinfo(issuer, ofWeb.access_token)).status).toBe(401);
      expect((await refresh(issuer, web, ofWeb.refresh_token)).body.error).toBe('invalid_grant');
      expect((await userinfo(issuer, ofShop.access_token)).status).toBe(200);
      expect((await refresh(issuer, shop, ofShop.refresh_token)).status).toBe(200);
      expect(await isSignedIn(browser, shop)).toBe(true);
    });

    it('is not signed out by a page elsewhere', async () => {
      const browser = createBrowser();
      await tokensFor(browser, { issuer, client: web });
      await askToEnd(browser);
      const forged = await browser.post(`${issuer}/session/end/confirm`, { logout: 'yes', xsrf: 'guessed' });

      expect(forged.status).toBe(400);
      expect(await isSignedIn(browser)).toBe(true);
    });

    it('ends neither the session in another browser nor that at another tenant', async () => {
      const [here, there] = [createBrowser(), createBrowser()];
      await tokensFor(here, { issuer, client: web });
      const other = await tokensFor(there, { issuer, client: web });
      const globex = { issuer: server.issuer('globex'), client: web };
      const otherTenant = await tokensFor(here, globex);
      await signOut(here);

      expect(await isSignedIn(there)).toBe(true);
      expect((await userinfo(issuer, other.access_token)).status).toBe(200);
      expect((await userinfo(globex.issuer, otherTenant.access_token)).status).toBe(200);
      expect((await signIn(here, globex)).seen).toEqual([]);
    });

    it('finds the next one signing in with nothing left over', async () => {
      const browser = createBrowser();
      const first = await tokensFor(browser, { issuer, client: web });
      await signOut(browser);
      const second = await tokensFor(browser, { issuer, client: web }, bob);

      const subs = [first, second].map(({ id_token = '' }) => subOf(id_token));
      expect(new Set(subs).size).toBe(2);
      expect(await isSignedIn(browser)).toBe(true);
    });
  });

  it('refuses at once, on both instances, all that hung on the session', async () => {
    const browser = createBrowser({ [instanceHeader]: '0' });
    const plain = await tokensFor(browser, { issuer, client: web });
    const offline = await tokensFor(browser, {
      issuer,
      client: shop,
      scope: 'openid offline_access',
      extra: { prompt: 'consent' },
    });
    const jwt = await tokensFor(browser, {
      issuer,
      client: web,
      scope: 'orders:read',
      extra: { resource: ordersResource },
    });
    const unused = await signIn(browser, { issuer, client: shop });
    const before = await introspect(issuer, ordersApi, jwt.access_token);
    await signOut(browser);

    expect(before.body.active).toBe(true);
    expect(offline.scope).toContain('offline_access');
    for (const headers of [{ [instanceHeader]: '1' }, { [instanceHeader]: '0' }]) {
      const introspection = async (client: KnownClient, token: string) =>
        (await postAs(client, `${issuer}/token/introspection`, { form: { token }, headers })).body;
      const refreshed = async (client: KnownClient, token: string | undefined) => {
        const form = { grant_type: 'refresh_token', refresh_token: token };
        return (await postAs(client, `${issuer}/token`, { form, headers })).body.error;
      };
      expect((await userinfo(issuer, plain.access_token, headers)).status).toBe(401);
      expect(await introspection(web, plain.access_token)).toEqual({ active: false });
      expect(await introspection(web, plain.refresh_token ?? '')).toEqual({ active: false });
      expect(await introspection(ordersApi, jwt.access_token)).toEqual({ active: false });
      expect(await introspection(web, jwt.access_token)).toEqual({ active: false });
      expect(await refreshed(web, plain.refresh_token)).toBe('invalid_grant');
      expect(await refreshed(shop, offline.refresh_token)).toBe('invalid_grant');
      expect(await refreshed(web, jwt.refresh_token)).toBe('invalid_grant');
    }
    expect((await redeem({ issuer, client: shop }, unused)).body.error).toBe('invalid_grant');
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('makes the cookie of the ended session worthless, even if a copy was kept', async () => {
    const browser = createBrowser();
    await tokensFor(browser, { issuer, client: web });
    const kept = browser
      .cookies()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    await signOut(browser);
    const { url } = prepareAuthorization({ issuer, client: web, extra: { prompt: 'none' } });
    const answer = await fetch(url, { headers: { cookie: kept }, redirect: 'manual' });

    expect(answer.headers.get('location')).toContain('error=login_required');
  });

  describe('the address of a tenant itself', () => {
    it('is the sign-in, which ends on a page that says who is signed in and signs out', async () => {
      const browser = createBrowser();
      const login = await browser.follow(await browser.get(issuer));
      const account = await browser.follow(
        await browser.submit(login, { login: alice.username, password: alice.password }),
      );
      const again = await browser.follow(await browser.get(issuer));
      const [, signOutUrl = ''] = /href="([^"]*session\/end[^"]*)"/.exec(account.body) ?? [];
      const asked = await browser.get(unescapeHtml(signOutUrl));
      const gone = await browser.follow(await browser.submit(asked, { logout: 'yes' }));
      const after = await browser.follow(await browser.get(`${issuer}/account`));

      expect(account.url).toBe(`${issuer}/account`);
      expect(textOf(account)).toContain('You are signed in as Alice Adams.');
      expect(textOf(account)).toContain('alice@acme.example');
      expect(again.url).toBe(`${issuer}/account`);
      expect(textOf(gone)).toContain('You are signed out');
      expect(formsOf(after)[0]?.fields).toHaveProperty('password');
    });

    it('makes a session that serves all apps', async () => {
      const browser = createBrowser();
      const login = await browser.follow(await browser.get(issuer));
      await browser.follow(await browser.submit(login, { login: alice.username, password: alice.password }));

      expect((await signIn(browser, { issuer, client: web })).seen).toEqual([]);
    });

    it('is the authorization endpoint for a request with parameters', async () => {
      const browser = createBrowser();
      const prepared = prepareAuthorization({ issuer, client: web });
      const login = await browser.follow(await browser.get(prepared.url.replace('/auth?', '?')));
      const back = await browser.follow(
        await browser.submit(login, { login: alice.username, password: alice.password }),
        toApp,
      );
      const returned = new URL(back.location ?? back.url).searchParams;
      const code = returned.get('code') ?? '';

      expect(returned.get('state')).toBe(prepared.state);
      expect((await redeem({ issuer, client: web }, { ...prepared, code })).status).toBe(200);
    });
  });
});

const subOf = (idToken: string): unknown => {
  const [, claims = ''] = idToken.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub?: unknown }).sub;
};
