import { describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as openid from 'openid-client';
import { createBrowser } from '../support/browser.ts';
import {
  type Answer,
  introspect,
  postAs,
  redeem,
  refresh,
  signIn,
  tokenRequest,
  userinfo,
} from '../support/oauth-client.ts';
import { cloneInThisRealm } from '../support/same-realm-clone.ts';
import {
  confidential,
  desktop,
  ordersApi,
  ordersResource,
  sampleClients,
  sampleTenant,
  secretOf,
  service,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { describeOnce } from '../support/stores.ts';
import { withEachStore } from '../support/use-server.ts';

const signer = confidential('signer');
const poster = confidential('poster');
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

cloneInThisRealm();
const pair = await generateKeyPair('ES256');
const key: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'] = pair.privateKey;
const { kty, crv, x, y } = await exportJWK(pair.publicKey);
const acme = sampleTenant({
  clients: [
    ...sampleClients,
    webClient(poster, {
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      redirect_uris: [],
    }),
    {
      client_id: signer.id,
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['client_credentials'],
      jwks: { keys: [{ kty, crv, x, y, alg: 'ES256', use: 'sig' }] },
    },
  ],
});

await withEachStore({ instances: 2, tenants: { acme } }, (server, store) => {
  const issuer = server.issuer('acme');

  const assertion = (changes: Record<string, unknown> = {}): Promise<string> =>
    new SignJWT({
      iss: signer.id,
      sub: signer.id,
      aud: issuer,
      jti: crypto.randomUUID(),
      exp: Math.floor(Date.now() / 1000) + 60,
      ...changes,
    })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(key);

  const present = (token: string): Promise<Answer> =>
    tokenRequest(
      issuer,
      { id: signer.id },
      {
        grant_type: 'client_credentials',
        client_assertion_type: assertionType,
        client_assertion: token,
      },
    );

  describe('a client with a key of its own', () => {
    it('proves itself by a signed assertion', async () => {
      expect((await present(await assertion())).status).toBe(200);
    });
    it('cannot use one assertion twice, not even 8 times at once on two instances', async () => {
      for (let round = 0; round < 5; round += 1) {
        const token = await assertion();
        const answers = await Promise.all(Array.from({ length: 8 }, () => present(token)));
        expect(answers.map(({ status }) => status === 200).filter(Boolean)).toHaveLength(1);
        expect((await present(token)).status).not.toBe(200);
      }
    });
  });

  describeOnce(store, 'an assertion', () => {
    it.each([
      ['for the token endpoint', () => ({ aud: `${issuer}/token` })],
      ['for another server', () => ({ aud: 'https://other.example' })],
      ['of another client', () => ({ iss: web.id, sub: web.id })],
      ['that has expired', () => ({ exp: Math.floor(Date.now() / 1000) - 60 })],
      ['without an id', () => ({ jti: undefined })],
    ])('%s is refused', async (_name, changes) => {
      const answer = await present(await assertion(changes()));
      expect([400, 401]).toContain(answer.status);
      expect(answer.body).not.toHaveProperty('access_token');
    });

    it('that nobody signed is refused', async () => {
      const [, payload] = (await assertion()).split('.');
      const header = Buffer.from('{"alg":"none"}').toString('base64url');
      expect((await present(`${header}.${payload}.`)).status).toBe(401);
    });
  });

  describeOnce(store, 'a client with a secret', () => {
    it('sends it in the form if it is registered so', async () => {
      const form = { grant_type: 'client_credentials', client_id: poster.id, client_secret: poster.secret };
      expect((await postAs({ id: poster.id }, `${issuer}/token`, { form })).status).toBe(200);
    });

    it.each([
      ['a wrong secret', { ...service, secret: secretOf('web') }],
      ['an empty secret', { ...service, secret: '' }],
      ['a part of the secret', { ...service, secret: secretOf('service').slice(0, -1) }],
      ['no secret', { id: service.id }],
    ])('is refused with %s, wherever it has to prove itself', async (_name, client) => {
      const answers = [
        await tokenRequest(issuer, client, { grant_type: 'client_credentials' }),
        await introspect(issuer, client, 'x'),
        await postAs(client, `${issuer}/token/revocation`, { form: { token: 'x' } }),
        await postAs(client, `${issuer}/request`, { form: {} }),
      ];
      for (const { status, body } of answers) {
        expect(`${status} ${body.error}`).toMatch(/^(401 invalid_client|400 invalid_request)$/);
      }
    });
  });

  // RFC 9449
  describeOnce(store, 'an app that binds its tokens to a key', () => {
    it('gets tokens that only the holder of the key can use', async () => {
      const config = await openid.discovery(new URL(issuer), desktop.id, undefined, openid.None(), {
        execute: [openid.allowInsecureRequests],
      });
      const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair());
      const request = { issuer, client: desktop };
      const signedIn = await signIn(createBrowser(), request);
      const back = new URL(`${desktop.redirectUri}?${signedIn.returned}`);
      const tokens = await openid.authorizationCodeGrant(
        config,
        back,
        { pkceCodeVerifier: signedIn.verifier, expectedState: signedIn.state },
        undefined,
        { DPoP },
      );
      expect(tokens.token_type.toLowerCase()).toBe('dpop');
      const sub = tokens.claims()?.sub ?? '';
      expect((await openid.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).sub).toBe(sub);
      expect((await userinfo(issuer, tokens.access_token)).status).toBe(401);

      // bound to its sender, so not rotated, and of no use without the key
      const again = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP });
      expect(again.refresh_token ?? tokens.refresh_token).toBe(tokens.refresh_token);
      expect((await refresh(issuer, desktop, tokens.refresh_token)).status).toBe(400);
    });

    it('shows the binding of its JWT at introspection', async () => {
      const config = await openid.discovery(
        new URL(issuer),
        service.id,
        undefined,
        openid.ClientSecretBasic(service.secret),
        { execute: [openid.allowInsecureRequests] },
      );
      const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair());
      const parameters = { resource: ordersResource, scope: 'orders:read' };
      const { access_token: token } = await openid.clientCredentialsGrant(config, parameters, { DPoP });
      expect((await introspect(issuer, ordersApi, token)).body).toMatchObject({
        active: true,
        token_type: 'DPoP',
        cnf: { jkt: await DPoP.calculateThumbprint() },
      });
    });
  });

  // RFC 9126
  describe('a pushed authorization request', () => {
    it('is used once', async () => {
      const signedIn = await signIn(createBrowser(), { issuer, client: web });
      const { code: _, ...first } = Object.fromEntries(new URL(signedIn.url).searchParams);
      const pushed = await postAs(web, `${issuer}/request`, { form: first });
      expect(pushed.status).toBe(201);
      const query = { request_uri: String(pushed.body.request_uri) };
      const bare = { redirect_uri: undefined, scope: undefined, response_type: undefined, state: undefined };
      const extra = { ...bare, code_challenge: undefined, code_challenge_method: undefined, ...query };
      const browser = createBrowser();
      const done = await signIn(browser, { issuer, client: web, extra });
      expect((await redeem({ issuer, client: web }, { ...done, verifier: signedIn.verifier })).status).toBe(
        200,
      );
      const replay = await browser.get(
        `${issuer}/auth?${new URLSearchParams({ client_id: web.id, ...query })}`,
      );
      expect(replay.location ?? '').not.toContain('code=');
      expect(replay.status === 400 || (replay.location ?? '').includes('error=invalid_request_uri')).toBe(
        true,
      );
    });
  });
});
