import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import type { LogoutDelivery } from '../../src/storage/storage-endings.ts';
import { createBrowser } from '../support/browser.ts';
import { startChild } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { type LogoutApp, openLogoutApp } from '../support/logout-app.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { type Answer, signIn, signOut, toAnswer, tokensFor } from '../support/oauth-client.ts';
import { alice, confidential, sampleTenant, shop, web, webClient } from '../support/sample-tenants.ts';
import { eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const crowd = Array.from({ length: 20 }, (_, index) => confidential(`app-${index}`));
const newPassword = 'a new and long enough one';
/** Long enough for a busy machine; what is waited for takes a fraction of a second. */
const timeoutMs = 15_000;

eachStore((store) => {
  describe('back-channel logout', () => {
    let server: TestServer;
    let issuer: string;
    let apps: readonly LogoutApp[];
    let webApp: LogoutApp;

    beforeAll(async () => {
      apps = await Promise.all([web, ...crowd].map(() => openLogoutApp()));
      [webApp] = apps as [LogoutApp];
      const clients = [
        webClient(web, { backchannel_logout_uri: webApp.uri }),
        webClient(shop),
        ...crowd.map((client, index) =>
          webClient(client, { backchannel_logout_uri: apps[index + 1]?.uri ?? '' }),
        ),
      ];
      server = await startTestServer({
        store,
        tenants: { acme: sampleTenant({ clients, pkceExemptions: [], resources: [] }) },
        instances: 2,
      });
      issuer = server.issuer('acme');
    });
    beforeEach(() => {
      for (const app of apps) app.answer(200);
    });
    afterEach(restoreTime);
    afterAll(async () => {
      for (const app of apps) await app.close();
      await server.close();
    });

    const ledger = (): Promise<readonly LogoutDelivery[]> =>
      server.storage.forTenant('acme').deliveries.list({ limit: 1000 });
    const latest = async (): Promise<LogoutDelivery | undefined> => (await ledger())[0];

    /** The tokens that come in while something happens, once there are so many. */
    const tokensAt = async (app: LogoutApp, count: number, happen: () => Promise<unknown>) => {
      const before = app.tokens.length;
      await happen();
      await eventually(`${count} logout tokens`, () => app.tokens.length - before >= count, timeoutMs);
      return app.tokens.slice(before);
    };

    it('is announced', async () => {
      const answer: Answer = await toAnswer(await fetch(`${issuer}/.well-known/openid-configuration`));

      expect(answer.body).toMatchObject({
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
      });
    });

    it('sends a token to the apps that want one, with the session as they know it', async () => {
      const browser = createBrowser();
      const { id_token: idToken = '' } = await tokensFor(browser, { issuer, client: web });
      await tokensFor(browser, { issuer, client: shop });
      const [token = ''] = await tokensAt(webApp, 1, () => signOut(browser, issuer));
      const { payload, protectedHeader } = await jwtVerify(
        token,
        createRemoteJWKSet(new URL(`${issuer}/jwks`)),
        { issuer, audience: web.id, typ: 'logout+jwt' },
      );
      await eventually('the ledger', async () => (await latest())?.state === 'delivered', timeoutMs);

      expect(protectedHeader.alg).toBe('RS256');
      expect(payload).toMatchObject({ sub: decodeJwt(idToken).sub, sid: decodeJwt(idToken).sid });
      expect(payload.events).toEqual({ 'http://schemas.openid.net/event/backchannel-logout': {} });
      expect(payload.jti).toMatch(/^.{20,}$/);
      expect(payload).not.toHaveProperty('nonce');
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(120);
      expect(await latest()).toMatchObject({
        clientId: web.id,
        reason: 'signed_out',
        attempts: 1,
        lastOutcome: 'HTTP 200',
      });
      expect((await ledger()).filter(({ clientId }) => clientId === shop.id)).toEqual([]);
    });

    it('sends a token to an app that alone was signed out of', async () => {
      const browser = createBrowser();
      const { id_token } = await tokensFor(browser, { issuer, client: web });
      const [other] = crowd;
      if (other === undefined) throw new Error('there is a crowd');
      await tokensFor(browser, { issuer, client: other });
      const heard = apps[1]?.tokens.length;
      await tokensAt(webApp, 1, async () => {
        const asked = await browser.get(`${issuer}/session/end?id_token_hint=${id_token}`);
        await browser.follow(await browser.submit(asked));
      });

      expect((await signIn(browser, { issuer, client: other })).seen).toEqual([]);
      expect(apps[1]?.tokens).toHaveLength(heard ?? -1);
    });

    it.each([
      ['is disabled', (users: ReturnType<TestServer['users']>) => users.disable(alice.username)],
      [
        'gets a new password',
        (users: ReturnType<TestServer['users']>) => users.setPassword(alice.username, newPassword),
      ],
    ] as const)('tells the apps of all sessions when a person %s', async (_, change) => {
      const users = server.users('acme');
      await users.enable(alice.username);
      await users.setPassword(alice.username, alice.password);
      const first = await tokensFor(createBrowser(), { issuer, client: web });
      const second = await tokensFor(createBrowser(), { issuer, client: web });
      const tokens = await tokensAt(webApp, 2, () => change(users));

      const sids = (list: readonly (string | undefined)[]) =>
        list.map((jwt = '') => decodeJwt(jwt).sid).sort();
      expect(sids(tokens)).toEqual(sids([first.id_token, second.id_token]));
      await users.enable(alice.username);
      await users.setPassword(alice.username, alice.password);
    });

    it('lets no person wait for apps that do not answer', async () => {
      const browser = createBrowser();
      for (const client of crowd) await signIn(browser, { issuer, client });
      // more than there are instances
      for (const blackHole of apps.slice(1, 4)) blackHole.answer('silence');
      const others = apps.slice(4);
      const before = others.map(({ tokens }) => tokens.length);
      const page = await signOut(browser, issuer);
      await eventually(
        'the others get theirs',
        () => others.every(({ tokens }, index) => tokens.length === (before[index] ?? 0) + 1),
        timeoutMs,
      );
      const silent = new Set(crowd.slice(0, 3).map(({ id }) => id));
      const stillAsked = (await ledger()).filter(
        ({ clientId, lastOutcome }) => silent.has(clientId) && lastOutcome === undefined,
      );

      expect(page.status).toBe(200);
      expect(stillAsked).toHaveLength(3);
    });

    it.each([500, 400, 302] as const)('tries again when an app answers %d', async (status) => {
      const browser = createBrowser();
      await tokensFor(browser, { issuer, client: web });
      webApp.answer(status);
      const tokens = await tokensAt(webApp, 2, async () => {
        await signOut(browser, issuer);
        await eventually(
          'the first attempt',
          async () => (await latest())?.lastOutcome === `HTTP ${status}`,
          timeoutMs,
        );
        webApp.answer(200);
      });
      await eventually('the second', async () => (await latest())?.state === 'delivered', timeoutMs);

      expect((await latest())?.attempts).toBe(2);
      expect(new Set(tokens.map((token) => decodeJwt(token).jti)).size).toBe(2);
    });

    it('delivers what a process was about to deliver when it was killed', async () => {
      webApp.answer('silence');
      const id = `${Date.now().toString(16).padStart(12, '0')}killed`;
      const before = webApp.tokens.length;
      const child = startChild('./outbox-child.ts', [server.storeUrl, webApp.uri, web.id, id]);
      await eventually('its attempt', () => webApp.tokens.length > before, 10_000);
      child.process.kill('SIGKILL');
      await child.exited;
      webApp.answer(200);
      moveTime(31); // then its claim is over
      const [token = ''] = await tokensAt(webApp, 1, () =>
        server.storage.forTenant('acme').events.publish({ what: 'session', id, reason: 'test', at: 0 }),
      );
      const find = async () => (await ledger()).find((delivery) => delivery.id === id);
      await eventually('the ledger', async () => (await find())?.state === 'delivered', timeoutMs);

      expect(webApp.tokens[before]).toBe('of the process that is killed');
      expect(decodeJwt(token)).toMatchObject({ sub: 'somebody', sid: 'a-session' });
      expect((await find())?.attempts).toBe(2);
    });

    it('gives up after a day, and says so', async () => {
      const { deliveries, events } = server.storage.forTenant('acme');
      const createdAt = Date.now() - 25 * 3_600_000;
      const id = `${createdAt.toString(16).padStart(12, '0')}old`;
      const due = { state: 'pending', attempts: 30, nextAttemptAt: createdAt } as const;
      webApp.answer(503);
      await tokensAt(webApp, 1, async () => {
        await deliveries.add([
          { ...due, id, clientId: web.id, sub: 'somebody', sid: 's', reason: 'test', createdAt },
        ]);
        await events.publish({ what: 'session', id: 'a', reason: 'test', at: Date.now() });
      });
      const find = async () => (await ledger()).find((delivery) => delivery.id === id);
      await eventually('the end', async () => (await find())?.state === 'failed', timeoutMs);

      expect((await find())?.lastOutcome).toBe('HTTP 503');
      // the line is written once the outcome is stored
      const isLogged = () => server.logLines().join('').includes('a logout will not be delivered');
      await eventually('the line in the log', isLogged, timeoutMs);
    });
  });
});
