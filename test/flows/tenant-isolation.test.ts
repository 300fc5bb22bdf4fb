import { beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import { type Browser, createBrowser, formsOf } from '../support/browser.ts';
import { enterCode, pollDevice, startDevice } from '../support/device.ts';
import {
  type AuthorizationRequest,
  goToAuthorization,
  introspect,
  prepareAuthorization,
  redeem,
  refresh,
  revoke,
  signIn,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-request.ts';
import {
  alice,
  appRedirect,
  confidential,
  ordersApi,
  ordersResource,
  sampleClients,
  sampleTenant,
  service,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { withEachStore } from '../support/use-server.ts';

const refused = { status: 400, body: { error: 'invalid_grant' } };

/** Another secret in each tenant. */
const own = confidential('own');
const ownAtGlobex = { ...own, secret: 'the-secret-of-own-at-globex-0123456789' };
const onlyAtAcme = confidential('only-at-acme');
const aliceAtGlobex = { username: 'alice', password: 'a different phrase here' };
const onlyHere = { username: 'heidi', password: 'known at acme alone' };

const acme = sampleTenant({ clients: [...sampleClients, webClient(own), webClient(onlyAtAcme)] });
const globex = sampleTenant({
  displayName: 'Globex',
  clients: [...sampleClients, webClient(own, { client_secret: ownAtGlobex.secret })],
  users: [{ ...aliceAtGlobex, email: 'alice@acme.example' }],
});

// A is acme, B is globex; clients, secrets, resources and people's names are the same in both
await withEachStore({ instances: 2, tenants: { acme, globex } }, (server) => {
  const a = server.issuer('acme');
  const b = server.issuer('globex');
  const atA: AuthorizationRequest = { issuer: a, client: web };

  beforeAll(async () => {
    await server.users('acme').add(onlyHere);
  });

  /** The cookies of a browser, for a request that a browser would not send them with. */
  const cookiesOf = (browser: Browser): Record<string, string> => ({
    cookie: browser
      .cookies()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; '),
  });

  describe('a session of A', () => {
    it('signs no person in at B', async () => {
      const browser = createBrowser();
      await signIn(browser, atA);
      const prepared = prepareAuthorization({ issuer: b, client: web, extra: { prompt: 'none' } });
      expect((await browser.get(prepared.url)).location).toContain('error=login_required');
      expect((await signIn(browser, { issuer: b, client: web }, aliceAtGlobex)).seen).toEqual(['login']);
    });

    it('signs no person in at B when its cookies are sent there', async () => {
      const browser = createBrowser();
      await signIn(browser, atA);
      const { url } = prepareAuthorization({ issuer: b, client: web, extra: { prompt: 'none' } });
      const response = await fetch(url, { headers: cookiesOf(browser), redirect: 'manual' });
      expect(response.headers.get('location')).toContain('error=login_required');
      const account = await fetch(`${b}/account`, { headers: cookiesOf(browser), redirect: 'manual' });
      expect(account.headers.get('location')).toBe(b);
    });

    it('and one of B live side by side in a browser, and end apart', async () => {
      const browser = createBrowser();
      await signIn(browser, atA);
      await signIn(browser, { issuer: b, client: web }, aliceAtGlobex);
      const page = await browser.follow(await browser.get(`${b}/session/end`));
      await browser.follow(await browser.submit(page, { logout: 'yes' }));
      expect((await signIn(browser, atA)).seen).toEqual([]);
      expect((await signIn(browser, { issuer: b, client: web }, aliceAtGlobex)).seen).toEqual(['login']);
    });

    it('has cookies for the path of A only', async () => {
      const browser = createBrowser();
      await signIn(browser, atA);
      const paths = browser.cookies().map(({ path }) => path);
      expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) expect(path).toMatch(/^\/oauth\/acme(\/|$)/);
    });
  });

  describe('what A has issued', () => {
    it('as a code is worth nothing at B', async () => {
      const signedIn = await signIn(createBrowser(), atA);
      expect(await redeem({ issuer: b, client: web }, signedIn)).toMatchObject(refused);
      expect((await redeem(atA, signedIn)).status).toBe(200);
    });

    it('as a refresh token is worth nothing at B', async () => {
      const tokens = await tokensFor(createBrowser(), atA);
      expect(await refresh(b, web, tokens.refresh_token)).toMatchObject(refused);
      expect((await refresh(a, web, tokens.refresh_token)).status).toBe(200);
    });

    it('as an access token is worth nothing at B', async () => {
      const { access_token: token } = await tokensFor(createBrowser(), atA);
      expect((await userinfo(b, token)).status).toBe(401);
      expect((await introspect(b, web, token)).body).toEqual({ active: false });
      await revoke(b, web, token);
      expect((await userinfo(a, token)).status).toBe(200);
    });

    it('as a JWT is worth nothing at B, and not signed by B', async () => {
      const request = { ...atA, issuer: a, scope: 'orders:read', extra: { resource: ordersResource } };
      const { access_token: token } = await tokensFor(createBrowser(), request);
      for (const client of [web, ordersApi]) {
        expect((await introspect(b, client, token)).body).toEqual({ active: false });
        await revoke(b, client, token);
        expect((await introspect(a, client, token)).body.active).toBe(true);
      }
      const keys = (await (await fetch(`${b}/jwks`)).json()) as JSONWebKeySet;
      await expect(jwtVerify(token, createLocalJWKSet(keys))).rejects.toThrow('no applicable key found');
    });

    it('as a device code and a user code is worth nothing at B', async () => {
      const started = await startDevice(a);
      expect(await pollDevice(b, started)).toMatchObject(refused);
      const known = await enterCode(createBrowser(), a, started.user_code);
      const unknown = await enterCode(createBrowser(), b, started.user_code);
      expect(known.body).toContain('name="confirm"');
      expect(unknown.body).not.toContain('name="confirm"');
      expect((await pollDevice(a, started)).body.error).toBe('authorization_pending');
    });

    it('as an interaction is worth nothing at B', async () => {
      const browser = createBrowser();
      const login = await goToAuthorization(browser, prepareAuthorization(atA), appRedirect);
      const [form] = formsOf(login);
      const headers = cookiesOf(browser);
      const shown = await fetch(login.url.replace('/acme/', '/globex/'), { headers });
      expect(shown.status).toBe(404);
      const sent = await fetch((form?.action ?? '').replace('/acme/', '/globex/'), {
        method: 'POST',
        headers,
        body: new URLSearchParams({ ...form?.fields, login: 'alice', password: aliceAtGlobex.password }),
        redirect: 'manual',
      });
      expect([403, 404]).toContain(sent.status);
    });

    it('as an ID token signs no person out at B', async () => {
      const browser = createBrowser();
      await signIn(browser, { issuer: b, client: web }, aliceAtGlobex);
      const { id_token: hint } = await tokensFor(createBrowser(), atA);
      const page = await browser.follow(await browser.get(`${b}/session/end?id_token_hint=${hint}`));
      expect(page.status).toBe(400);
      expect((await signIn(browser, { issuer: b, client: web }, aliceAtGlobex)).seen).toEqual([]);
    });

    it('as a pushed request is worth nothing at B', async () => {
      const pushed = await fetch(`${a}/request`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${web.id}:${web.secret}`).toString('base64')}` },
        body: new URL(prepareAuthorization(atA).url).searchParams,
      });
      const { request_uri: uri } = (await pushed.json()) as { request_uri: string };
      const query = new URLSearchParams({ client_id: web.id, request_uri: uri });
      expect((await createBrowser().get(`${b}/auth?${query}`)).status).toBe(400);
      expect((await createBrowser().get(`${a}/auth?${query}`)).location).toContain(`${a}/interaction/`);
    });
  });

  describe('clients and people of A', () => {
    it('with a secret of their own are refused at B', async () => {
      const { refresh_token: token } = await tokensFor(createBrowser(), { issuer: a, client: own });
      for (const [issuer, client] of [
        [a, ownAtGlobex],
        [b, own],
      ] as const) {
        expect(await refresh(issuer, client, token)).toMatchObject({
          status: 401,
          body: { error: 'invalid_client' },
        });
      }
    });

    it('are not known at B', async () => {
      const answer = await tokenRequest(b, onlyAtAcme, { grant_type: 'client_credentials' });
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      const page = await createBrowser().get(prepareAuthorization({ issuer: b, client: onlyAtAcme }).url);
      expect(page).toMatchObject({ status: 400, location: undefined });
    });

    it('sign in with their own password only, and are other people', async () => {
      const here = await tokensFor(createBrowser(), atA, alice);
      const there = await tokensFor(createBrowser(), { issuer: b, client: web }, aliceAtGlobex);
      expect(decodeJwt(here.id_token ?? '').sub).not.toBe(decodeJwt(there.id_token ?? '').sub);
      for (const [issuer, who] of [
        [a, aliceAtGlobex],
        [b, alice],
        [b, onlyHere],
      ] as const) {
        await expect(signIn(createBrowser(), { issuer, client: web }, who)).rejects.toThrow('no code, but');
      }
    });

    it('get tokens that B does not describe', async () => {
      const form = { grant_type: 'client_credentials', resource: ordersResource };
      const { body } = await tokenRequest(a, service, form);
      expect((await introspect(b, service, body.access_token ?? '')).body).toEqual({ active: false });
    });

    it('have no keys in common with B', async () => {
      const kids = await Promise.all(
        [a, b].map(async (issuer) => {
          const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as JSONWebKeySet;
          return keys.flatMap(({ kid, n, x }) => [kid, n ?? x]);
        }),
      );
      const [ofA = [], ofB = []] = kids;
      expect(ofA.length).toBeGreaterThanOrEqual(4);
      expect(ofA.filter((value) => ofB.includes(value))).toEqual([]);
    });
  });
  describe('one kind of thing', () => {
    it('is never taken for another', async () => {
      const signedIn = await signIn(createBrowser(), atA);
      const tokens = await tokensFor(createBrowser(), atA);
      const device = await startDevice(a);
      const asCode = (code = '') => redeem(atA, { code, verifier: signedIn.verifier });
      for (const value of [device.device_code, tokens.refresh_token, tokens.access_token]) {
        expect(await asCode(value)).toMatchObject(refused);
      }
      for (const value of [signedIn.code, tokens.access_token, device.device_code]) {
        expect(await refresh(a, web, value)).toMatchObject(refused);
      }
      for (const value of [signedIn.code, tokens.refresh_token ?? '', device.device_code]) {
        expect((await userinfo(a, value)).status).toBe(401);
      }
      expect(await pollDevice(a, { device_code: signedIn.code })).toMatchObject(refused);
    });
  });
  describe('a path that two readers could read differently', () => {
    it.each([
      '/oauth/acme;x=',
      '/oauth/%61cme',
      '/oauth/acme/../globex',
      '/oauth/acme/%2e%2e/globex',
      '/oauth/acme%2f..%2fglobex',
      '/oauth/acme%5c..%5cglobex',
      '/oauth/acme\\..\\globex',
      '//oauth/acme',
      '/oauth//acme',
      '/oauth/acme/',
      '/oauth/./acme',
      '/OAUTH/acme',
      '/oauth/ACME',
      '/oauth/Acme',
      '/oauth/acme%00',
      '/oauth/acme.',
      '/oauth/acme%20',
      '/oauth/constructor',
      '/oauth/__proto__',
    ])('%s is nobody’s', async (prefix) => {
      for (const rest of ['/.well-known/openid-configuration', '/jwks', '/token']) {
        const method = rest === '/token' ? 'POST' : 'GET';
        const { status, body } = await rawRequest(server.publicUrl, { method, target: `${prefix}${rest}` });
        expect([400, 404]).toContain(status);
        expect(body).not.toMatch(/"(issuer|keys|access_token)"/);
      }
    });
  });
  describe('a host', () => {
    const target = '/oauth/acme/.well-known/openid-configuration';

    it.each([
      'evil.example',
      'localhost',
      'localhost:1',
      'localhost:80@evil.example',
      'evil.example:443',
      '',
    ])('that is not ours is refused: %s', async (Host) => {
      const { status, body } = await rawRequest(server.publicUrl, { target, headers: { Host } });
      expect([400, 421]).toContain(status);
      expect(body).not.toContain('"issuer"');
    });

    it('is not taken from a forwarded header or an absolute target', async () => {
      const forwarded = await rawRequest(server.publicUrl, {
        target,
        headers: {
          'X-Forwarded-Host': 'evil.example',
          'X-Forwarded-Proto': 'javascript',
          'X-Forwarded-Port': '1',
          Forwarded: 'host=evil.example;proto=https',
        },
      });
      expect(forwarded.body).not.toMatch(/evil|javascript:/);
      expect(JSON.parse(forwarded.body)).toMatchObject({ issuer: a, token_endpoint: `${a}/token` });
      const absolute = await rawRequest(server.publicUrl, { target: `http://evil.example${target}` });
      expect([400, 421]).toContain(absolute.status);
    });
  });

  describe('a tenant with a host of its own', () => {
    let initech: string;
    let ownOrigin: string;

    beforeAll(async () => {
      ownOrigin = server.publicUrl.replace('localhost', '127.0.0.1');
      initech = `${ownOrigin}/oauth/initech`;
      await server.putTenant('initech', sampleTenant({ displayName: 'Initech', publicUrl: ownOrigin }));
    });

    it('is served there', async () => {
      const discovery = (await (await fetch(`${initech}/.well-known/openid-configuration`)).json()) as object;
      expect(discovery).toMatchObject({ issuer: initech, authorization_endpoint: `${initech}/auth` });
      const tokens = await tokensFor(createBrowser(), { issuer: initech, client: web });
      expect(decodeJwt(tokens.id_token ?? '').iss).toBe(initech);
      expect((await userinfo(initech, tokens.access_token)).status).toBe(200);
    });

    it('is served on no other host, and no other tenant is served there', async () => {
      for (const issuer of [server.issuer('initech'), `${ownOrigin}/oauth/acme`]) {
        for (const rest of [
          '',
          '/.well-known/openid-configuration',
          '/jwks',
          '/auth',
          '/account',
          '/device',
        ]) {
          expect((await fetch(`${issuer}${rest}`, { redirect: 'manual' })).status).toBe(404);
        }
      }
      const tokens = await tokensFor(createBrowser(), atA);
      expect((await userinfo(initech, tokens.access_token)).status).toBe(401);
    });

    it('is in the selection with its own address', async () => {
      const page = await createBrowser().get(`${server.publicUrl}/?tenant=initech`);
      expect(page.location).toBe(initech);
    });
  });
});
