import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { TenantRevocation } from '../../src/accounts/revocation-hub.ts';
import { createBrowser } from '../support/browser.ts';
import { type Child, startChild } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { type LogoutApp, openLogoutApp } from '../support/logout-app.ts';
import {
  introspect,
  refresh,
  revoke,
  signOut,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import {
  alice,
  bob,
  ordersResource,
  sampleClients,
  sampleTenant,
  service,
  shop,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** Long enough for a busy machine; an event takes a quarter of a second. */
const timeoutMs = 10_000;

eachStore((store) => {
  describe('when something ends', () => {
    let server: TestServer;
    let issuer: string;
    let app: LogoutApp;
    let heard: TenantRevocation[][];

    beforeAll(async () => {
      app = await openLogoutApp();
      const others = sampleClients.filter(({ client_id: id }) => id !== web.id);
      server = await startTestServer({
        store,
        tenants: {
          acme: sampleTenant({ clients: [webClient(web, { backchannel_logout_uri: app.uri }), ...others] }),
        },
        instances: 2,
      });
      issuer = server.issuer('acme');
      for (const [index, { hub }] of server.instances.entries())
        hub.subscribe({ event: (event) => void heard[index]?.push(event), lost: () => {} });
    });
    beforeEach(() => {
      heard = [[], []];
    });
    afterAll(async () => {
      await app.close();
      await server.close();
    });

    /** The event that all instances hear within a second. */
    const eventOf = async (
      what: TenantRevocation['what'],
      happen: () => Promise<unknown>,
    ): Promise<TenantRevocation> => {
      await happen();
      const find = (events: readonly TenantRevocation[]) => events.find((event) => event.what === what);
      await eventually(
        `the end of a ${what} on both instances`,
        () => heard.every((events) => find(events) !== undefined),
        timeoutMs,
      );
      const [first, second] = heard.map(find);
      expect(first).toEqual(second);
      return first as TenantRevocation; // found above
    };

    const commandLine = (...args: readonly string[]): Child =>
      startChild('./cli-child.ts', [
        `DRAWBRIDGE_STORAGE__URL=${server.storeUrl}`,
        `DRAWBRIDGE_TENANTS__DIRECTORY=${server.tenantsDirectory}`,
        `DRAWBRIDGE_SERVER__PUBLIC_URL=${server.publicUrl}`,
        'DRAWBRIDGE_SERVER__SECRET_KEY=no-command-here-needs-the-one-of-the-server',
        ...args,
      ]);

    it('a sign-out is one event', async () => {
      const browser = createBrowser();
      const tokens = await tokensFor(browser, { issuer, client: web });
      await tokensFor(browser, { issuer, client: shop });
      const event = await eventOf('session', () => signOut(browser, issuer));

      expect(event).toMatchObject({
        tenant: 'acme',
        reason: 'signed_out',
        sub: decodeJwt(tokens.id_token ?? '').sub,
      });
      expect(heard[0]).toHaveLength(1);
    });

    it('so is signing out of one app, and the revocation of a refresh token', async () => {
      const browser = createBrowser();
      const { id_token, refresh_token } = await tokensFor(browser, { issuer, client: web });
      const left = await eventOf('grant', async () => {
        const asked = await browser.get(`${issuer}/session/end?id_token_hint=${id_token}`);
        await browser.follow(await browser.submit(asked));
      });
      expect(left.sub).toBe(decodeJwt(id_token ?? '').sub);
      expect((await refresh(issuer, web, refresh_token)).body.error).toBe('invalid_grant');

      heard = [[], []];
      const second = await tokensFor(createBrowser(), { issuer, client: shop });
      const revoked = await eventOf('grant', () => revoke(issuer, shop, second.refresh_token ?? ''));
      expect(revoked.id).not.toBe(left.id);
      expect(heard.map(({ length }) => length)).toEqual([1, 1]);
    });

    it('an access token that is revoked, opaque or JWT, makes caches ask again about its grant', async () => {
      const opaque = await tokensFor(createBrowser(), { issuer, client: web });
      const first = await eventOf('grant', () => revoke(issuer, web, opaque.access_token));
      heard = [[], []];
      const extra = { resource: ordersResource };
      const jwt = await tokensFor(createBrowser(), { issuer, client: web, scope: 'orders:read', extra });
      const second = await eventOf('grant', () => revoke(issuer, web, jwt.access_token));

      expect([first.reason, second.reason]).toEqual(['token_revoked', 'token_revoked']);
      expect((await introspect(issuer, web, jwt.access_token)).body.active).toBe(false);
    });

    it("a client's own token likewise; one that is another client's ends nothing", async () => {
      const { body } = await tokenRequest(issuer, service, { grant_type: 'client_credentials' });
      const { access_token: token = '' } = body;
      await revoke(issuer, shop, token);
      expect((await introspect(issuer, service, token)).body.active).toBe(true);
      const event = await eventOf('client', () => revoke(issuer, service, token));

      expect(event).toMatchObject({ id: service.id, reason: 'token_revoked' });
      expect(heard.map(({ length }) => length)).toEqual([1, 1]);
    });

    it('a person whom an operator disables, from another process', async () => {
      const tokens = await tokensFor(createBrowser(), { issuer, client: web });
      const { sid } = decodeJwt(tokens.id_token ?? '');
      const child = commandLine('user', 'disable', 'acme', alice.username);
      const exitCode = await child.exited;
      const event = await eventOf('account', () => Promise.resolve());
      const isNotified = (): boolean => app.tokens.some((token) => decodeJwt(token).sid === sid);
      await eventually('the app gets its token', isNotified, timeoutMs);

      expect([exitCode, child.errors()]).toEqual([0, '']);
      expect(event).toMatchObject({ id: decodeJwt(tokens.id_token ?? '').sub, reason: 'user.disable' });
      expect((await userinfo(issuer, tokens.access_token)).status).toBe(401);
      expect((await refresh(issuer, web, tokens.refresh_token)).body.error).toBe('invalid_grant');
      await server.users('acme').enable(alice.username);
    });

    it('leaves a session alone that began with the new password', async () => {
      const users = server.users('acme');
      const old = await tokensFor(createBrowser(), { issuer, client: web }, bob);
      await users.setPassword(bob.username, 'his new and long password');
      const browser = createBrowser();
      const who = { username: bob.username, password: 'his new and long password' };
      const { access_token } = await tokensFor(browser, { issuer, client: web }, who);
      const found = await server.instances[0]?.tenants.find('acme');
      if (found?.status !== 'served') throw new Error('acme is not served');
      await found.tenant.revocations.endAccount(decodeJwt(old.id_token ?? '').sub ?? '', 'late');

      expect((await userinfo(issuer, access_token)).status).toBe(200);
      expect((await userinfo(issuer, old.access_token)).status).toBe(401);
    });

    it('shows the operator what became of the logouts', async () => {
      const asJson = commandLine('tenant', 'deliveries', 'acme', '--json');
      const asText = commandLine('tenant', 'deliveries', 'acme', '--limit', '1');
      expect([await asJson.exited, await asText.exited]).toEqual([0, 0]);
      const deliveries = JSON.parse(asJson.lines.join('\n')) as readonly { readonly clientId: string }[];

      expect(deliveries.length).toBeGreaterThan(2);
      expect(new Set(deliveries.map(({ clientId }) => clientId))).toEqual(new Set([web.id]));
      expect(asText.lines).toHaveLength(2);
      expect(asText.lines[0]).toMatch(/^SINCE +APP +SUB +WHY +STATE +ATTEMPTS +LAST OUTCOME +NEXT ATTEMPT$/);
      expect(asText.lines[1]).toMatch(/ web .* delivered +1 +HTTP 200 +-$/);
    });
  });
});
