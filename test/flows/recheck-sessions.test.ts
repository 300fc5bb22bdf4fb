import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { type LogoutApp, openLogoutApp } from '../support/logout-app.ts';
import {
  goToAuthorization,
  introspect,
  prepareAuthorization,
  refresh,
  type TokenBody,
  userinfo,
} from '../support/oauth-client.ts';
import { plainSource, signInAtPlain } from '../support/plain-source.ts';
import { ordersResource, sampleTenant, web, webClient } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { eachStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { openUpstreamOauth2, type UpstreamOauth2 } from '../support/upstream-oauth2.ts';

const minute = 60_000;
const details = /^\/details\//;
const bob = { id: 4711, login: 'bob', name: 'Bob' };

eachStore((store) => {
  describe('a person with a live session', () => {
    let upstream: UpstreamOauth2;
    let app: LogoutApp;
    let server: TestServer;
    let clock: TestClock;
    let issuer: string;
    let browser: Browser;
    let tokens: TokenBody & { readonly access_token: string };

    beforeAll(async () => {
      upstream = await openUpstreamOauth2();
      app = await openLogoutApp();
    });
    afterAll(async () => {
      await app.close();
      await upstream.close();
    });
    beforeEach(async () => {
      upstream.setFaults();
      upstream.setResource('/details/4711', { body: bob });
      clock = createTestClock(Date.now());
      server = await startTestServer({
        store,
        clock,
        tenants: {
          acme: sampleTenant({
            clients: [webClient(web, { backchannel_logout_uri: app.uri })],
            resources: [{ identifier: ordersResource, scopes: { 'orders:read': 'Read your orders' } }],
            pkceExemptions: [],
            sources: [
              { id: 'local', type: 'local' },
              plainSource(upstream, {
                details: { uri: `${upstream.url}/details/{subject}` },
                recheck: '5m',
                degraded: { sessions: '30m' },
              }),
            ],
          }),
        },
      });
      issuer = server.issuer('acme');
      browser = createBrowser();
      tokens = await signInAtPlain({ issuer, client: web }, browser);
    });
    afterEach(() => server.close());

    const knowOf = async (): Promise<number> => (await userinfo(issuer, tokens.access_token)).status;
    const isActive = async (): Promise<unknown> =>
      (await introspect(issuer, web, tokens.access_token)).body.active;
    const continueSignIn = (): Promise<Page> =>
      goToAuthorization(
        browser,
        prepareAuthorization({ issuer, client: web, extra: { prompt: 'none' } }),
        web.redirectUri,
      );

    it('is looked up again when that is due, and not before', async () => {
      const before = upstream.hits(details);
      await knowOf();
      await isActive();
      await continueSignIn();
      const early = upstream.hits(details);
      clock.advance(6 * minute);
      await continueSignIn();
      expect([await knowOf(), await isActive()]).toEqual([200, true]);

      expect(early).toBe(before);
      expect(upstream.hits(details)).toBe(before + 1);
    });

    it('is looked up at each refresh', async () => {
      const before = upstream.hits(details);
      const first = await refresh(issuer, web, tokens.refresh_token);
      const second = await refresh(issuer, web, first.body.refresh_token);

      expect([first.status, second.status]).toEqual([200, 200]);
      expect(upstream.hits(details)).toBe(before + 2);
    });

    it('is looked up once a request, whatever the tokens say of them', async () => {
      const request = { issuer, client: web, scope: 'openid groups orders:read' };
      const { refresh_token: token } = await signInAtPlain({
        ...request,
        extra: { resource: ordersResource },
      });
      const before = upstream.hits(details);
      clock.advance(6 * minute);
      const { body } = await refresh(issuer, web, token, { resource: ordersResource });

      expect(decodeJwt(body.access_token ?? '')).toHaveProperty('groups');
      expect(upstream.hits(details)).toBe(before + 1);
    });

    it.each([
      ['userinfo', async () => expect(await knowOf()).toBe(401)],
      ['introspection', async () => expect(await isActive()).toBe(false)],
      [
        'the authorization endpoint',
        async () => expect((await continueSignIn()).location).toContain('error=login_required'),
      ],
    ] as const)('is out everywhere once the source has them no more, as %s finds', async (_, find) => {
      const before = app.tokens.length;
      upstream.setResource('/details/4711', { status: 404, body: {} });
      clock.advance(6 * minute);
      await find();
      await eventually('the app gets its token', () => app.tokens.length > before, 2000);

      expect([await knowOf(), await isActive()]).toEqual([401, false]);
      expect((await refresh(issuer, web, tokens.refresh_token)).body.error).toBe('invalid_grant');
      expect((await continueSignIn()).location).toContain('error=login_required');
      expect(decodeJwt(app.tokens.at(-1) ?? '').sid).toBe(decodeJwt(tokens.id_token ?? '').sid);
    });

    it('goes on while the source is down, as long as the tenant says, and then gets 503', async () => {
      upstream.setFaults({ at: details, fault: { kind: 'status', status: 500 } });
      clock.advance(30 * minute);
      expect([await knowOf(), await isActive()]).toEqual([200, true]);
      clock.advance(10 * minute);
      const page = await continueSignIn();
      const asked = await introspect(issuer, web, tokens.access_token);
      const refreshed = await refresh(issuer, web, tokens.refresh_token);

      expect([await knowOf(), asked.status, page.status]).toEqual([503, 503, 503]);
      expect([refreshed.status, refreshed.body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(Number(refreshed.headers.get('retry-after'))).toBeGreaterThan(0);

      upstream.setFaults();
      expect([await knowOf(), await isActive()]).toEqual([200, true]);
      expect((await refresh(issuer, web, tokens.refresh_token)).status).toBe(200);
    });

    it('is known to the gateway as long, and not once the source no longer has them', async () => {
      const { accessTokens, gatewaySessions } = await servedTenant(server, 'acme');
      const { sub = '', auth_time } = decodeJwt(tokens.id_token ?? '');
      const host = 'orders.example.com';
      const value = await gatewaySessions.begin({ sub, host, signedInAt: Number(auth_time), amr: [] });
      const asked = [
        () => accessTokens.verify(tokens.access_token),
        () => gatewaySessions.find(value, host),
      ] as const;
      const isKnown = async (): Promise<readonly boolean[]> =>
        (await Promise.all(asked.map((ask) => ask()))).map((found) => found !== undefined);

      upstream.setFaults({ at: details, fault: { kind: 'status', status: 500 } });
      clock.advance(15 * minute);
      const degraded = await isKnown();
      clock.advance(15 * minute);
      expect([degraded, await isKnown()]).toEqual([
        [true, true],
        [true, true],
      ]);
      clock.advance(10 * minute);
      for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
      upstream.setFaults();
      expect(await isKnown()).toEqual([true, true]);
      upstream.setResource('/details/4711', { status: 404, body: {} });
      clock.advance(6 * minute);
      expect(await isKnown()).toEqual([false, false]);
    });
  });
});
