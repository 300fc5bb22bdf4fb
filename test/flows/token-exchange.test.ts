import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { randomId } from '../../src/crypto/ids.ts';
import { createBrowser, formsOf } from '../support/browser.ts';
import { dumpStore } from '../support/dump-store.ts';
import {
  type Answer,
  introspect,
  type Parameters,
  revoke,
  signOut,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { plainSource, signInAtPlain } from '../support/plain-source.ts';
import {
  confidential,
  desktop,
  type KnownClient,
  ordersApi,
  ordersResource,
  publicClient,
  sampleTenant,
  shop,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { describeOnce, eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { openUpstreamOauth2, type UpstreamOauth2 } from '../support/upstream-oauth2.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
/** Lists the grant, but the source gives it nothing. */
const outsider = confidential('outsider');

const newKey = async (server: TestServer, tenant: string) => {
  const added = await server.users(tenant).add({ username: 'robot', isSystem: true });
  const { apiKeys } = await servedTenant(server, tenant);
  const made = added.ok ? await apiKeys.create(added.account, {}, { actor: 'cli' }) : added;
  if (!made.ok) throw new Error(made.message);
  return made;
};

eachStore((store) => {
  describe('token exchange', () => {
    let upstream: UpstreamOauth2;
    let server: TestServer;
    let issuer: string;
    let renewals: number;

    beforeAll(async () => {
      upstream = await openUpstreamOauth2();
      const grant_types = ['authorization_code', 'refresh_token', grantType] as const;
      const resource = {
        identifier: ordersResource,
        scopes: { 'orders:read': 'Read your orders' },
        introspectedBy: [ordersApi.id],
      };
      const clients = [
        webClient(web, { grant_types: [...grant_types] }),
        webClient(shop),
        webClient(outsider, { grant_types: [...grant_types], scope: 'openid' }),
        webClient(ordersApi, { grant_types: [...grant_types] }),
        publicClient(desktop),
      ];
      const tenant = (changes: object) =>
        sampleTenant({ clients, pkceExemptions: [], resources: [resource], ...changes });
      const source = { acceptUpstreamTokens: true, clients: [web.id, shop.id, ordersApi.id] };
      server = await startTestServer({
        store,
        instances: 2,
        tenants: {
          acme: tenant({
            sources: [
              { id: 'local', type: 'local' },
              plainSource(upstream, { ...source, tokensFor: [web.id, ordersApi.id] }),
            ],
          }),
          globex: tenant({
            sources: [
              { id: 'local', type: 'local' },
              plainSource(upstream, { ...source, tokensFor: [web.id], acceptUpstreamTokens: false }),
            ],
          }),
        },
      });
      issuer = server.issuer('acme');
    });
    afterAll(async () => {
      await server.close();
      await upstream.close();
    });

    /** From now on the upstream's tokens live so long, and can be renewed or not. */
    const upstreamGives = (lifeSeconds: number, isRenewed = true): void => {
      upstream.setToken(({ form }) => {
        if (form.get('grant_type') !== 'refresh_token') {
          const body = { access_token: upstream.issue(), token_type: 'bearer', expires_in: lifeSeconds };
          return { body: { ...body, refresh_token: `refresh-token-of-${randomId()}`, scope: 'mail' } };
        }
        renewals += 1;
        if (!isRenewed) return { status: 400, body: { error: 'invalid_grant' } };
        return { body: { access_token: upstream.issue(), token_type: 'bearer', expires_in: 3600 } };
      });
    };

    beforeEach(() => {
      renewals = 0;
      upstream.setFaults();
      upstreamGives(3600);
    });

    const exchange = (client: Pick<KnownClient, 'id' | 'secret'>, form: Parameters): Promise<Answer> =>
      tokenRequest(issuer, client, { grant_type: grantType, subject_token_type: accessTokenType, ...form });

    const forUpstream = (token: string, client = web): Promise<Answer> =>
      exchange(client, { subject_token: token, audience: 'plain' });

    const upstreamKnows = async (token: string | undefined): Promise<boolean> =>
      (await fetch(`${upstream.url}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status ===
      200;

    const whileDisabled = async (ask: () => Promise<Answer>): Promise<Answer> => {
      const { accounts } = server.storage.forTenant('acme');
      const [bob] = (await accounts.list({ limit: 100 })).filter(({ origin }) => origin === 'source');
      if (bob === undefined) throw new Error('bob has no account');
      await accounts.update(bob.sub, { disabledAt: Date.now() });
      const answer = await ask();
      await accounts.update(bob.sub, { disabledAt: undefined });
      return answer;
    };

    describe("ours for the upstream's", () => {
      it('gives the token that the person got there, to the apps that may have it', async () => {
        const tokens = await signInAtPlain({ issuer, client: web });
        const { status, body, headers } = await forUpstream(tokens.access_token);

        expect(status).toBe(200);
        expect(body).toMatchObject({
          issued_token_type: accessTokenType,
          token_type: 'Bearer',
          scope: 'mail',
        });
        expect(body.expires_in).toBeGreaterThan(3500);
        expect(await upstreamKnows(body.access_token)).toBe(true);
        expect(headers.get('cache-control')).toContain('no-store');
        expect(body).not.toHaveProperty('refresh_token');
      });

      it('takes a token for a resource from the service that it is for', async () => {
        const request = { issuer, client: web, scope: 'orders:read', extra: { resource: ordersResource } };
        const tokens = await signInAtPlain(request);

        expect((await forUpstream(tokens.access_token, ordersApi)).status).toBe(200);
        expect((await forUpstream(tokens.access_token, web)).status).toBe(200);
      });

      it('gives nothing to an app that the source does not name', async () => {
        const tokens = await signInAtPlain({ issuer, client: web });
        const refused = await forUpstream(tokens.access_token, outsider);
        const unknown = await exchange(outsider, { subject_token: tokens.access_token, audience: 'nowhere' });
        const notListed = await forUpstream(tokens.access_token, shop);

        expect([refused.status, refused.body.error]).toEqual([400, 'invalid_target']);
        expect(refused.body).toEqual(unknown.body);
        expect(notListed.body.error).toBe('unauthorized_client');
      });

      it('takes no token of another app, another tenant, or one that is over', async () => {
        const tokens = await signInAtPlain({ issuer, client: web });
        const ofShop = await signInAtPlain({ issuer, client: shop });
        const elsewhere = await signInAtPlain({ issuer: server.issuer('globex'), client: web });
        const revoked = await signInAtPlain({ issuer, client: web });
        await revoke(issuer, web, revoked.access_token);
        const browser = createBrowser();
        const signedOut = await signInAtPlain({ issuer, client: web }, browser);
        const forOrders = { issuer, client: web, scope: 'orders:read', extra: { resource: ordersResource } };
        const signedOutJwt = await signInAtPlain(forOrders, browser);
        await signOut(browser, issuer);

        expect((await forUpstream(tokens.access_token)).status).toBe(200);
        for (const token of [
          ofShop.access_token,
          elsewhere.access_token,
          revoked.access_token,
          signedOut.access_token,
          signedOutJwt.access_token,
          tokens.refresh_token ?? '',
          tokens.id_token ?? '',
          'rubbish',
        ]) {
          const { status, body } = await forUpstream(token);
          expect([status, body.error]).toEqual([400, 'invalid_request']);
        }
        const records = await server.storage.forTenant('acme').audit.list({ limit: 100 });
        const refused = records.filter(({ action }) => action === 'token_exchange.subject_token');
        expect(refused).toHaveLength(8);
        expect(refused[0]).toMatchObject({ outcome: 'failure', reason: 'not_valid', clientId: web.id });
      });

      it('gives nothing for the token of an API key with fewer roles than its person', async () => {
        await signInAtPlain({ issuer, client: web });
        const { accounts } = server.storage.forTenant('acme');
        const bob = (await accounts.list({ limit: 100 })).find(({ origin }) => origin === 'source');
        if (bob === undefined) throw new Error('bob has no account');
        const { apiKeys } = await servedTenant(server, 'acme');
        const statuses: number[] = [];
        for (const limits of [{}, { roles: [] }]) {
          const made = await apiKeys.create(bob, { scopes: ['orders:read'], ...limits }, { actor: 'cli' });
          if (!made.ok) throw new Error(made.message);
          const { body } = await exchange(ordersApi, {
            ...{ subject_token: made.secret, resource: ordersResource, scope: 'orders:read' },
          });
          statuses.push((await forUpstream(body.access_token ?? '', ordersApi)).status);
        }
        expect(statuses).toEqual([200, 400]);
      });

      it('gives nothing of a person whom an operator has disabled', async () => {
        const tokens = await signInAtPlain({ issuer, client: web });
        const { status, body } = await whileDisabled(() => forUpstream(tokens.access_token));

        expect([status, body.error]).toEqual([400, 'invalid_request']);
      });

      it('gives nothing of a source that the person has disconnected', async () => {
        const bob = { id: 4711, login: 'bob', email: 'bob@plain.test' };
        upstream.setResource('/userinfo', { body: { ...bob, id: 4712 } });
        const browser = createBrowser();
        const tokens = await tokensFor(browser, { issuer, client: web });
        const press = async (action: string): Promise<void> => {
          const page = await browser.get(`${issuer}/account`);
          const index = formsOf(page).findIndex((form) => form.action.endsWith(`/sources/plain/${action}`));
          await browser.follow(await browser.submit(page, {}, index));
        };
        await press('connect');
        const connected = await forUpstream(tokens.access_token);
        await press('disconnect');
        const { status, body } = await forUpstream(tokens.access_token);
        upstream.setResource('/userinfo', { body: bob });

        expect(connected.status).toBe(200);
        expect([status, body.error]).toEqual([400, 'invalid_target']);
        expect(body.error_description).toMatch(/^no_upstream_tokens: /);
      });

      it('says when the person has no token there', async () => {
        const tokens = await tokensFor(createBrowser(), { issuer, client: web });
        const { status, body } = await forUpstream(tokens.access_token);

        expect([status, body.error]).toEqual([400, 'invalid_target']);
        expect(body.error_description).toMatch(/^no_upstream_tokens: /);
      });

      it('renews a token that is about to expire, once for all who ask on both instances', async () => {
        upstreamGives(20);
        const tokens = await signInAtPlain({ issuer, client: web });
        const answers = await Promise.all(Array.from({ length: 10 }, () => forUpstream(tokens.access_token)));
        const after = await forUpstream(tokens.access_token);

        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
        expect(renewals).toBe(1);
        expect(after.body.expires_in).toBeGreaterThan(3500);
        expect(await upstreamKnows(after.body.access_token)).toBe(true);
      });

      it('says so when the upstream no longer renews it, or cannot be reached', async () => {
        upstreamGives(0);
        const tokens = await signInAtPlain({ issuer, client: web });
        upstream.setFaults({ at: /./, fault: { kind: 'status', status: 500 } });
        const down = await forUpstream(tokens.access_token);
        upstream.setFaults();
        upstreamGives(0, false);
        const refused = await forUpstream(tokens.access_token);

        expect([down.status, down.body.error]).toEqual([503, 'temporarily_unavailable']);
        expect([refused.status, refused.body.error]).toEqual([400, 'invalid_target']);
        // with the refresh token of this sign-in, and those of four before
        expect([1, 2, 3, 4, 5]).toContain(renewals);
      });

      it('is sealed in the store, and nothing of it is logged', async () => {
        const tokens = await signInAtPlain({ issuer, client: web });
        const { body } = await forUpstream(tokens.access_token);
        const stored = await dumpStore(server.storeUrl);

        expect(stored).not.toContain(body.access_token);
        expect(stored).not.toContain('refresh-token-of-');
        expect(server.logLines().join('')).not.toContain(body.access_token);
        expect(server.logLines().join('')).toContain('an upstream token was handed out');
      });
    });

    describeOnce(store, "the upstream's for ours", () => {
      const fromUpstream = (token: string, form: Parameters = {}, client = web): Promise<Answer> =>
        exchange(client, { subject_token: token, subject_issuer: 'plain', ...form });

      it('gives a token for the account of that person', async () => {
        const signedIn = await signInAtPlain({ issuer, client: web });
        const { status, body } = await fromUpstream(upstream.issue(), { scope: 'openid profile' });
        const known = await userinfo(issuer, body.access_token ?? '');

        expect(status).toBe(200);
        expect(body).toMatchObject({ issued_token_type: accessTokenType, scope: 'openid profile' });
        expect(known.body.sub).toBe(decodeJwt(signedIn.id_token ?? '').sub);
        expect(body).not.toHaveProperty('refresh_token');
        expect(body).not.toHaveProperty('id_token');
        expect((await introspect(issuer, web, body.access_token ?? '')).body.active).toBe(true);
      });

      it('lives no longer than the upstream says, and not long when it does not say', async () => {
        const { body } = await fromUpstream(upstream.issue(), { scope: 'openid' });

        expect(body.expires_in).toBeLessThanOrEqual(300);
      });

      it('gives what the client may have, and tokens for resources too', async () => {
        const narrow = await fromUpstream(upstream.issue(), { scope: 'openid profile' }, ordersApi);
        const form = { scope: 'orders:read', resource: ordersResource };
        const { body } = await fromUpstream(upstream.issue(), form);

        expect(narrow.body.scope).toBe('openid profile');
        expect(decodeJwt(body.access_token ?? '')).toMatchObject({
          aud: ordersResource,
          scope: 'orders:read',
        });
        expect(body.expires_in).toBeLessThanOrEqual(300);
      });

      it('takes no token that the upstream does not know, and none where they are not accepted', async () => {
        const unknown = await fromUpstream('rubbish', { scope: 'openid' });
        const notHere = await tokenRequest(server.issuer('globex'), web, {
          grant_type: grantType,
          subject_token: upstream.issue(),
          subject_token_type: accessTokenType,
          subject_issuer: 'plain',
        });
        const notForThisApp = await fromUpstream(upstream.issue(), {}, outsider);
        const local = await exchange(web, { subject_token: upstream.issue(), subject_issuer: 'local' });

        for (const { status, body } of [unknown, notHere, notForThisApp, local])
          expect([status, body.error]).toEqual([400, 'invalid_request']);
      });

      it('says so when the upstream cannot be reached', async () => {
        const token = upstream.issue();
        upstream.setFaults({ at: /./, fault: { kind: 'status', status: 500 } });
        const { status, body } = await fromUpstream(token);

        expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
      });

      it('shows no API key of ours to an upstream', async () => {
        const { secret } = await newKey(server, 'acme');
        upstream.setFaults({ at: /./, fault: { kind: 'status', status: 500 } });
        for (const form of [{}, { resource: ordersResource }, { audience: 'plain' }]) {
          const { status, body } = await fromUpstream(secret, form);
          expect([status, body.error]).toEqual([400, 'invalid_request']);
        }
      });

      it('refuses a person who has a second factor that the upstream did not ask for', async () => {
        const { accounts } = server.storage.forTenant('acme');
        const tokens = await signInAtPlain({ issuer, client: web });
        const { sub = '' } = decodeJwt(tokens.id_token ?? '');
        const upstreamToken = (await forUpstream(tokens.access_token)).body.access_token;
        const app = {
          type: 'totp',
          id: 'app',
          name: 'App',
          createdAt: 0,
          sealedSecret: '',
          lastStep: 0,
        } as const;
        await accounts.update(sub, { factors: [app] });
        const answer = await exchange(web, { subject_token: upstreamToken, subject_issuer: 'plain' });
        await accounts.update(sub, { factors: undefined });

        expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
        expect(answer.body.error_description).toContain('mfa_required');
      });

      it('refuses a person whom an operator has disabled', async () => {
        await fromUpstream(upstream.issue(), { scope: 'openid' });
        const { status, body } = await whileDisabled(() =>
          fromUpstream(upstream.issue(), { scope: 'openid' }),
        );

        expect([status, body.error]).toEqual([400, 'invalid_request']);
        expect(body.error_description).toMatch(/^account_disabled: /);
      });
    });

    it.each([
      ['no subject token', { subject_token: undefined }],
      ['a subject of another type', { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
      ['an actor', { actor_token: 'x', actor_token_type: accessTokenType }],
      ['a wish for another type', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
      ['both parameters at once', { subject_issuer: 'plain' }],
      ['neither parameter', { audience: undefined }],
    ] as const)('refuses %s', async (_, form) => {
      const tokens = await signInAtPlain({ issuer, client: web });
      const good = { subject_token: tokens.access_token, audience: 'plain' };
      const { status, body } = await exchange(web, { ...good, ...form });

      expect([status, body.error]).toEqual([400, 'invalid_request']);
    });

    it('is for clients that list it', async () => {
      const tokens = await signInAtPlain({ issuer, client: web });
      const { body } = await forUpstream(tokens.access_token, { ...shop });

      expect(body.error).toBe('unauthorized_client');
    });
  });
});
