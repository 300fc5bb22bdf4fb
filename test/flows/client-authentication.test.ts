import { describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as openid from 'openid-client';
import { definedOnly } from '../../src/defined-only.ts';
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
/** Its library knows no audience but the token endpoint. */
const older = confidential('older');
const poster = confidential('poster');
/** Changes from one secret to the next. */
const changing = confidential('changing');
const nextSecret = 'the-next-secret-that-is-long-enough-1234';
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
    webClient(changing, {
      client_secret: [secretOf('changing'), nextSecret],
      grant_types: ['client_credentials'],
      redirect_uris: [],
    }),
    {
      client_id: signer.id,
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['client_credentials'],
      jwks: { keys: [{ kty, crv, x, y, alg: 'ES256', use: 'sig' }] },
    },
    {
      client_id: older.id,
      token_endpoint_auth_method: 'private_key_jwt',
      assertionAudience: 'token_endpoint',
      grant_types: ['client_credentials'],
      jwks: { keys: [{ kty, crv, x, y, alg: 'ES256', use: 'sig' }] },
    },
  ],
});

await withEachStore({ instances: 2, tenants: { acme } }, (server, store) => {
  const issuer = server.issuer('acme');

  const assertion = (
    changes: Record<string, unknown> = {},
    { typ, id = signer.id }: { readonly typ?: string; readonly id?: string } = {},
  ): Promise<string> =>
    new SignJWT({
      iss: id,
      sub: id,
      aud: issuer,
      jti: crypto.randomUUID(),
      exp: Math.floor(Date.now() / 1000) + 60,
      ...changes,
    })
      .setProtectedHeader({ alg: 'ES256', ...(typ === undefined ? {} : { typ }) })
      .sign(key);

  const present = (token: string, id = signer.id): Promise<Answer> =>
    tokenRequest(
      issuer,
      { id },
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
        expect(await present(token)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
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
      ['for another server too', () => ({ aud: [issuer, 'https://other.example'] })],
      ['from the future', () => ({ iat: Math.floor(Date.now() / 1000) + 60 })],
      ['that lives for more than an hour', () => ({ exp: Math.floor(Date.now() / 1000) + 3700 })],
      ['that lives for ever', () => ({ exp: 1e15 })],
      ['with an expiry that is no time', () => ({ exp: 1e308 })],
    ])('%s is refused', async (_name, changes) => {
      const answer = await present(await assertion(changes()));
      expect([400, 401]).toContain(answer.status);
      expect(answer.body).not.toHaveProperty('access_token');
    });

    it.each([undefined, 'JWT', 'jwt', 'client-authentication+jwt'])(
      'of the type %s is taken',
      async (typ) => {
        const token = await assertion(
          { aud: [issuer], iat: Math.floor(Date.now() / 1000) },
          definedOnly({ typ }),
        );
        expect((await present(token)).status).toBe(200);
      },
    );

    it.each(['at+jwt', 'logout+jwt', 'dpop+jwt', 'gateway+jwt'])('of the type %s is refused', async (typ) => {
      const answer = await present(await assertion({}, { typ }));
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    });

    it('for the token endpoint is taken only where the client says so', async () => {
      const aud = `${issuer}/token`;
      const refused = await present(await assertion({ aud }));
      expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(refused.body.error_description).toContain('assertionAudience: token_endpoint');
      const { id } = older;
      expect((await present(await assertion({ aud }, { id }), id)).status).toBe(200);
      expect((await present(await assertion({ aud: [aud, issuer] }, { id }), id)).status).toBe(200);
      expect((await present(await assertion({ aud: `${aud}/introspection` }, { id }), id)).status).toBe(401);
    });

    it('without a signature is refused', async () => {
      const [, payload] = (await assertion()).split('.');
      const header = Buffer.from('{"alg":"none"}').toString('base64url');
      expect((await present(`${header}.${payload}.`)).status).toBe(401);
    });
  });

  describeOnce(store, 'a client with a secret', () => {
    it('is known by each of two while it changes from one to the other, and by no third', async () => {
      const statusWith = async (text: string) =>
        (await tokenRequest(issuer, { id: changing.id, secret: text }, { grant_type: 'client_credentials' }))
          .status;
      expect(await statusWith(secretOf('changing'))).toBe(200);
      expect(await statusWith(nextSecret)).toBe(200);
      for (const wrong of ['x', `${secretOf('changing')} ${nextSecret}`, secretOf('web')])
        expect(await statusWith(wrong)).toBe(401);
    });

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

  describeOnce(store, 'a public client that sends Basic with an empty secret', () => {
    const empty = { authorization: `Basic ${Buffer.from(`${desktop.id}:`).toString('base64')}` };

    it('is one that names itself', async () => {
      const signedIn = await signIn(createBrowser(), { issuer, client: desktop });
      const form = {
        grant_type: 'authorization_code',
        code: signedIn.code,
        redirect_uri: desktop.redirectUri,
        code_verifier: signedIn.verifier,
      };
      const post = (headers: Record<string, string>, body: Record<string, string>) =>
        fetch(`${issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(body) });
      expect((await post(empty, { ...form, client_id: web.id })).status).toBe(400);
      expect((await post(empty, form)).status).toBe(200);
    });

    it('is refused with a secret, and so is a confidential client without one', async () => {
      const wrong = await tokenRequest(
        issuer,
        { id: desktop.id, secret: 'x' },
        { grant_type: 'refresh_token' },
      );
      expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      const bare = { authorization: `Basic ${Buffer.from(`${service.id}:`).toString('base64')}` };
      const form = { grant_type: 'client_credentials' };
      const answer = await postAs({ id: service.id }, `${issuer}/token`, { form, headers: bare });
      expect([400, 401]).toContain(answer.status);
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
