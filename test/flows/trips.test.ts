import { describe, expect, it } from '@jest/globals';
import type { Trip } from '../../src/storage/engine-options.ts';
import { createBrowser } from '../support/browser.ts';
import { approve, enterCode, pollDevice, startDevice } from '../support/device.ts';
import {
  introspect,
  redeem,
  refresh,
  signIn,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import {
  bob,
  confidential,
  ordersResource,
  sampleClients,
  sampleTenant,
  service,
  web,
} from '../support/sample-tenants.ts';
import { afterPassword, sendTo, setUpApp } from '../support/second-factor.ts';
import { createTestClock } from '../support/test-clock.ts';
import { withEachStore } from '../support/use-server.ts';

const box = confidential('box');

/**
 * Throttle, accounts, audit and usage are counted beside, and what the server does of its own accord for the outbox:
 * SQLite names the operation, MongoDB the collection.
 */
const beside = /^(?:counter|account|audit|usage|deliver|event)/;

const targetOf = ({ name, detail }: Trip): string => {
  const collection = (detail as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof collection === 'string' ? collection : name;
};

const deviceClient = {
  client_id: box.id,
  client_secret: box.secret as string,
  firstParty: true,
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code' as const, 'refresh_token' as const],
};
const tenants = { acme: sampleTenant({ clients: [...sampleClients, deviceClient] }) };

const clock = createTestClock(Date.now());

await withEachStore({ clock, tenants }, (server) => {
  describe('trips to the store, warm', () => {
    const issuer = server.issuer('acme');

    /** Plays it once to warm up, then counts. */
    const tripsOf = async (play: () => Promise<unknown>): Promise<readonly string[]> => {
      await play();
      server.trips();
      await play();
      return server
        .tripDetails()
        .filter((trip) => !beside.test(targetOf(trip)))
        .map(({ name }) => name);
    };

    const expectStatus = (status: number, answer: { readonly status: number }): void => {
      expect(answer.status).toBe(status);
    };

    it('client_credentials: one, and none for a JWT', async () => {
      const grant = { grant_type: 'client_credentials' };
      const opaque = await tripsOf(async () => expectStatus(200, await tokenRequest(issuer, service, grant)));
      const jwt = await tripsOf(async () =>
        expectStatus(
          200,
          await tokenRequest(issuer, service, { ...grant, resource: ordersResource, scope: 'orders:read' }),
        ),
      );

      expect(opaque).toHaveLength(1);
      expect(jwt).toEqual([]);
    });

    it('introspection: one', async () => {
      const tokens = await tokensFor(createBrowser(), { issuer, client: web });
      const trips = await tripsOf(async () => {
        expect((await introspect(issuer, web, tokens.access_token)).body.active).toBe(true);
      });

      expect(trips).toHaveLength(1);
    });

    it('userinfo: one', async () => {
      const tokens = await tokensFor(createBrowser(), {
        issuer,
        client: web,
        scope: 'openid profile groups',
      });
      const trips = await tripsOf(async () => expectStatus(200, await userinfo(issuer, tokens.access_token)));

      expect(trips).toHaveLength(1);
    });

    it('refresh: three', async () => {
      let { refresh_token: token } = await tokensFor(createBrowser(), { issuer, client: web });
      const trips = await tripsOf(async () => {
        const answer = await refresh(issuer, web, token);
        expect(answer.body.refresh_token).not.toBe(token);
        token = answer.body.refresh_token;
        expectStatus(200, answer);
      });

      expect(trips).toHaveLength(3);
    });

    it('code flow with login and userinfo: thirteen at most', async () => {
      const request = { issuer, client: web, scope: 'openid profile' };
      const trips = await tripsOf(async () => {
        const signedIn = await signIn(createBrowser(), request);
        const { body } = await redeem(request, signedIn);
        expect(signedIn.seen).toEqual(['login']);
        expectStatus(200, await userinfo(issuer, body.access_token ?? ''));
      });

      expect(trips.length).toBeLessThanOrEqual(13);
    });

    it('a second factor: two at most beside those of the code flow', async () => {
      const request = { issuer, client: web, extra: { acr_values: 'mfa' } };
      const { redirectUri } = web;
      const first = createBrowser();
      const started = await afterPassword(first, request, bob);
      const { app } = await setUpApp(first, started.page, { redirectUri, nowMs: () => clock.now() });
      const withFactor = await tripsOf(async () => {
        clock.advance(30_000);
        const browser = createBrowser();
        const { page } = await afterPassword(browser, request, bob);
        const { location } = await sendTo(browser, page, { fields: { code: app.next() }, redirectUri });
        expect(location).toContain('code=');
      });
      const without = await tripsOf(async () => {
        const signedIn = await signIn(createBrowser(), { issuer, client: web });
        expect(signedIn.seen).toEqual(['login']);
      });

      expect(withFactor.length - without.length).toBeLessThanOrEqual(2);
    });

    it('device flow with login: twenty-two at most', async () => {
      const trips = await tripsOf(async () => {
        const browser = createBrowser();
        const started = await startDevice(issuer, { client: box });
        await approve(browser, await enterCode(browser, issuer, started.user_code));
        expectStatus(200, await pollDevice(issuer, started, box));
      });

      expect(trips.length).toBeLessThanOrEqual(22);
    });

    it('discovery and JWKS: none', async () => {
      const trips = await tripsOf(async () => {
        expectStatus(200, await fetch(`${issuer}/.well-known/openid-configuration`));
        expectStatus(200, await fetch(`${issuer}/jwks`));
      });

      expect(trips).toEqual([]);
    });
  });
});
