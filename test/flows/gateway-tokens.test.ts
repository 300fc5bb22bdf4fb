import { afterEach, describe, expect, it } from '@jest/globals';
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { LiveAccessToken } from '../../src/oidc/tokens/access-tokens.ts';
import { type Browser, createBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  type AuthorizationRequest,
  type Credentials,
  introspect,
  type Parameters,
  postAs,
  prepareAuthorization,
  redeem,
  refresh,
  revoke,
  signIn,
  signOut,
  type TokenBody,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { cloneInThisRealm } from '../support/same-realm-clone.ts';
import {
  alice,
  bob,
  type ClientContent,
  confidential,
  desktop,
  migrator,
  ordersResource,
  publicClient,
  reportsResource,
  sampleClients,
  sampleTenant,
  service,
  shop,
  type TenantContent,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { describeOnce } from '../support/stores.ts';
import { withEachStore } from '../support/use-server.ts';

/** Its ID tokens are signed by the key that signs for the gateway too. */
const edwards = confidential('edwards');
const passing = confidential('passing');
const signer = confidential('signer');
const clients = [...sampleClients, webClient(edwards, { id_token_signed_response_alg: 'Ed25519' })];
/** Keeps no secret in its file, so it may be a demo or not. */
const serious: TenantContent = {
  displayName: 'Serious',
  resources: [{ identifier: ordersResource, scopes: { 'orders:read': 'Read your orders' } }],
  clients: [publicClient(desktop, { redirect_uris: ['http://127.0.0.1/callback'] })],
};

cloneInThisRealm();
const { publicKey } = await generateKeyPair('Ed25519');
const { kty, crv, x } = await exportJWK(publicKey);
const assertor: ClientContent = {
  client_id: signer.id,
  token_endpoint_auth_method: 'private_key_jwt',
  grant_types: ['client_credentials'],
  jwks: { keys: [{ kty, crv, x, use: 'sig' }] },
};

const tenants = {
  acme: sampleTenant({ clients: [...clients, assertor] }),
  globex: sampleTenant(),
  changing: sampleTenant({ clients: [...clients, webClient(passing)] }),
  moving: sampleTenant(),
  serious: { ...serious, demo: true, users: [alice] },
  brief: sampleTenant({ lifetimes: { session: '5m' } }),
};

await withEachStore({ instances: 2, tenants }, (server, store) => {
  const issuer = server.issuer('acme');
  afterEach(restoreTime);

  const verify = async (
    token: string | undefined,
    { tenant = 'acme', instance = 0 } = {},
  ): Promise<LiveAccessToken | undefined> =>
    (await servedTenant(server, tenant, instance)).accessTokens.verify(token ?? '');

  const tokens = ({
    browser = createBrowser(),
    who = alice,
    ...changes
  }: Partial<AuthorizationRequest> & {
    readonly browser?: Browser;
    readonly who?: Credentials;
  } = {}): Promise<TokenBody & { readonly access_token: string }> =>
    tokensFor(browser, { issuer, client: web, ...changes }, who);
  const jwtRequest = { scope: 'orders:read', extra: { resource: ordersResource } };
  const offlineJwtRequest = {
    scope: 'orders:read offline_access',
    extra: { resource: ordersResource, prompt: 'consent' },
  };
  const ofService = async (form: Parameters = {}): Promise<string> => {
    const { body } = await tokenRequest(issuer, service, { grant_type: 'client_credentials', ...form });
    return body.access_token ?? '';
  };
  const kinds = [
    ['an opaque access token', {}],
    ['a JWT access token', jwtRequest],
  ] as const;

  describe('to the gateway', () => {
    it.each(kinds)('%s is a person, on all instances, with one trip', async (_name, request) => {
      const { access_token: token } = await tokens({ scope: 'openid email', ...request });
      server.trips();
      const found = await Promise.all([verify(token), verify(token, { instance: 1 })]);
      expect(server.trips()).toHaveLength(2);
      for (const live of found)
        expect(live).toMatchObject({
          clientId: web.id,
          account: { username: alice.username, groups: ['staff', 'engineering'] },
          isSenderConstrained: false,
        });
    });

    it('tokens say what they are for', async () => {
      const found = await Promise.all(
        [
          await tokens({ scope: 'openid email' }),
          await tokens(jwtRequest),
          await tokens({ scope: 'reports:read', extra: { resource: reportsResource } }),
        ].map(async ({ access_token: token }) => {
          const { scopes, audiences } = (await verify(token)) ?? {};
          return { scopes, audiences };
        }),
      );
      expect(found).toEqual([
        { scopes: ['openid', 'email'], audiences: [] },
        { scopes: ['orders:read'], audiences: [ordersResource] },
        { scopes: ['reports:read'], audiences: [reportsResource] },
      ]);
    });

    it.each([
      ['an opaque token', {}, { scopes: [], audiences: [] }],
      [
        'a JWT',
        { resource: ordersResource, scope: 'orders:read' },
        { scopes: ['orders:read'], audiences: [ordersResource] },
      ],
    ])('%s of a client is that client', async (_name, form, expected) => {
      const live = await verify(await ofService(form));
      expect(live).toMatchObject({ ...expected, clientId: service.id, revocationIds: [service.id] });
      expect(live).not.toHaveProperty('account');
    });

    it.each(kinds)('%s names what it ends with', async (_name, request) => {
      const browser = createBrowser();
      const [first, second] = [
        await tokens({ browser, ...request }),
        await tokens({ browser, client: shop }),
      ];
      const [one, other] = [await verify(first.access_token), await verify(second.access_token)];
      const heard: string[] = [];
      server.instances[1]?.hub.subscribe({ event: ({ id }) => void heard.push(id), lost: () => {} });
      await revoke(issuer, web, first.access_token);
      await eventually('the revocation is heard', () => heard.length === 1, 10_000);
      await signOut(browser, issuer);
      await eventually('the sign-out is heard', () => heard.length === 2, 10_000);

      expect(one?.revocationIds).toEqual(heard);
      expect(other?.revocationIds).toContain(heard[1]);
      expect(other?.revocationIds).not.toContain(heard[0]);
    });

    it('a token that is bound to its sender says so', async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
      const jwk = await exportJWK(publicKey);
      for (const form of [{}, { resource: ordersResource }]) {
        const DPoP = await new SignJWT({ htm: 'POST', htu: `${issuer}/token`, jti: crypto.randomUUID() })
          .setIssuedAt()
          .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
          .sign(privateKey);
        const request = { form: { grant_type: 'client_credentials', ...form }, headers: { DPoP } };
        const { body } = await postAs(service, `${issuer}/token`, request);
        expect(body.token_type).toBe('DPoP');
        expect((await verify(body.access_token))?.isSenderConstrained).toBe(true);
      }
    });
  });

  describeOnce(store, 'an access token says how its person signed in', () => {
    it.each(kinds)('%s, after a refresh too', async (_name, { ...request }) => {
      moveTime(0);
      const browser = createBrowser();
      const first = await tokens({ browser, ...request });
      const signedInAt = Math.floor(Date.now() / 1000);
      moveTime(120);
      const second = await refresh(issuer, web, first.refresh_token);
      for (const token of [first.access_token, second.body.access_token])
        expect(await verify(token)).toMatchObject({ amr: ['pwd'], authTime: signedInAt });
    });

    it('that of then, when the person has signed in again since', async () => {
      moveTime(0);
      const browser = createBrowser();
      const first = await tokens({ browser });
      const signedInAt = Math.floor(Date.now() / 1000);
      moveTime(60);
      const second = await tokens({ browser, extra: { prompt: 'login' } });
      expect((await verify(first.access_token))?.authTime).toBe(signedInAt);
      expect((await verify(second.access_token))?.authTime).toBe(signedInAt + 60);
    });

    it.each([
      ['opaque', { scope: 'openid' }],
      ['a JWT', { scope: 'orders:read', resource: ordersResource }],
    ])('by the password grant too: %s', async (_name, form) => {
      const { body } = await tokenRequest(issuer, migrator, { grant_type: 'password', ...alice, ...form });
      expect(await verify(body.access_token)).toMatchObject({ amr: ['pwd'], authTime: expect.any(Number) });
    });

    it('to services as well (RFC 9068 section 2.2.1)', async () => {
      const { access_token: jwt } = await tokens(jwtRequest);
      const { access_token: opaque } = await tokens();
      const expected = { amr: ['pwd'], auth_time: expect.any(Number) };
      expect(decodeJwt(jwt)).toMatchObject(expected);
      expect((await introspect(issuer, web, opaque)).body).toMatchObject(expected);
      expect(decodeJwt(await ofService({ resource: ordersResource }))).not.toHaveProperty('amr');
    });
  });

  describeOnce(store, 'the gateway takes', () => {
    it.each(kinds)('no part of %s', async (_name, request) => {
      const { access_token: token } = await tokens(request);
      const cut = Array.from({ length: 50 }, (_, index) => token.slice(0, -(index + 1)));
      for (const part of [...cut, token.slice(1), `${token}A`, `${token} `, ` ${token}`, token.toUpperCase()])
        expect(await verify(part)).toBeUndefined();
      expect(await verify(token)).toBeDefined();
    });

    it('no rubbish, however much', async () => {
      const rubbish = [
        '',
        '.',
        '..',
        'a.b.c',
        'eyJ',
        'eyJ..',
        'x'.repeat(43),
        'x'.repeat(20_000),
        '\u{1f511}',
      ];
      const bigJwt = `${btoa('{"alg":"Ed25519","typ":"at+jwt"}')}.${'e'.repeat(20_000)}.x`;
      for (const token of [...rubbish, bigJwt]) expect(await verify(token)).toBeUndefined();
    });

    it.each(kinds)('%s at its own tenant only', async (_name, request) => {
      const { access_token: token } = await tokens(request);
      expect(await verify(token, { tenant: 'globex' })).toBeUndefined();
    });

    it('no code, refresh token, ID token or session in place of an access token', async () => {
      const browser = createBrowser();
      const request = { issuer, client: edwards };
      const signedIn = await signIn(browser, request);
      const beforeUse = await verify(signedIn.code);
      const { body } = await redeem(request, signedIn);
      const cookies = browser.cookies().map(({ value }) => value);
      expect(beforeUse).toBeUndefined();
      expect(cookies.length).toBeGreaterThan(0);
      for (const other of [signedIn.code, body.refresh_token, body.id_token, ...cookies])
        expect(await verify(other)).toBeUndefined();
      expect(await verify(body.access_token)).toBeDefined();
    });

    it('no JWT that says another algorithm, type or issuer', async () => {
      const { access_token: token } = await tokens(jwtRequest);
      const [, payload = '', signature = ''] = token.split('.');
      const header = decodeProtectedHeader(token);
      const encode = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url');
      const { privateKey } = await generateKeyPair('Ed25519');
      const foreign = await new SignJWT(decodeJwt(token))
        .setProtectedHeader(header as never)
        .sign(privateKey);
      for (const forged of [
        `${encode({ ...header, alg: 'none' })}.${payload}.`,
        `${encode({ ...header, alg: 'HS256' })}.${payload}.${signature}`,
        `${encode(header)}.${encode({ ...decodeJwt(token), sub: 'somebody-else' })}.${signature}`,
        foreign,
      ])
        expect(await verify(forged)).toBeUndefined();
    });
  });

  describe('the gateway refuses at once', () => {
    const expectEnd = async (token: string | undefined, end: () => Promise<unknown>): Promise<void> => {
      const before = await verify(token);
      await end();
      expect(before).toBeDefined();
      for (const instance of [0, 1]) expect(await verify(token, { instance })).toBeUndefined();
    };

    it.each(kinds)('%s that was revoked', async (_name, request) => {
      const { access_token: token } = await tokens(request);
      await expectEnd(token, () => revoke(issuer, web, token));
    });

    it.each([
      ['opaque', {}],
      ['JWT', { resource: ordersResource }],
    ])("a client's own %s that was revoked", async (_name, form) => {
      const token = await ofService(form);
      await expectEnd(token, () => revoke(issuer, service, token));
    });

    it.each(kinds)('%s whose refresh token was revoked', async (_name, request) => {
      const { access_token: token, refresh_token } = await tokens(request);
      await expectEnd(token, () => revoke(issuer, web, refresh_token ?? ''));
    });

    it.each([
      ...kinds,
      ['an opaque one of offline access', { scope: 'openid offline_access', extra: { prompt: 'consent' } }],
      ['a JWT of offline access', offlineJwtRequest],
    ] as const)('%s whose person signed out', async (_name, request) => {
      const browser = createBrowser();
      const { access_token: token } = await tokens({ browser, ...request });
      await expectEnd(token, () => signOut(browser, issuer));
    });

    it.each(kinds)('%s whose person was disabled, for good', async (_name, request) => {
      const { access_token: token } = await tokens({ ...request, who: bob });
      await expectEnd(token, () => server.users('acme').disable(bob.username));
      await server.users('acme').enable(bob.username);
      expect(await verify(token)).toBeUndefined();
    });

    it('one of the password grant whose person was disabled or has another password', async () => {
      const who = { username: 'carla', password: 'a first long password' };
      const users = server.users('acme');
      await users.add(who);
      const grant = async (form: Parameters): Promise<string | undefined> => {
        const { body } = await tokenRequest(issuer, migrator, { grant_type: 'password', ...form });
        return body.access_token;
      };
      const first = await grant({ ...who, resource: ordersResource, scope: 'orders:read' });
      await expectEnd(first, () => users.setPassword(who.username, 'a second long password'));
      const second = await grant({ ...who, password: 'a second long password', scope: 'openid' });
      await expectEnd(second, () => users.disable(who.username));
    });

    it.each(kinds)('%s when its time is over', async (_name, request) => {
      const { access_token: token, expires_in = 0 } = await tokens(request);
      moveTime(expires_in - 5);
      const before = await verify(token);
      moveTime(6);
      expect(before).toBeDefined();
      expect(await verify(token)).toBeUndefined();
    });

    it.each([
      ['an opaque one', {}, { scope: 'openid offline_access', extra: { prompt: 'consent' } }],
      ['a JWT', jwtRequest, offlineJwtRequest],
    ])('%s whose session has expired, unless it is offline', async (_name, request, offlineRequest) => {
      const at = { ...request, issuer: server.issuer('brief') };
      const bound = await tokens(at);
      const offline = await tokens({ ...at, ...offlineRequest });
      moveTime(200);
      const before = await verify(bound.access_token, { tenant: 'brief' });
      moveTime(101);
      const introspected = await introspect(server.issuer('brief'), web, bound.access_token);

      expect(before).toBeDefined();
      expect(await verify(bound.access_token, { tenant: 'brief' })).toBeUndefined();
      expect(introspected.body).toEqual({ active: false });
      expect(await verify(offline.access_token, { tenant: 'brief' })).toBeDefined();
    });

    it.each(kinds)('%s whose grant is of another client or person', async (_name, request) => {
      const { access_token: token } = await tokens(request);
      const { artifacts } = server.storage.forTenant('acme');
      const [id = ''] = (await verify(token))?.revocationIds ?? [];
      const [grant] = (await artifacts.load([{ kind: 'Grant', id }])).artifacts;
      if (grant === undefined) throw new Error('the first of the ids is not the grant');
      for (const changes of [{ clientId: shop.id }, { accountId: 'somebody-else' }, {}]) {
        const payload = JSON.stringify({ ...JSON.parse(grant.payload), ...changes });
        await artifacts.write([{ op: 'put', artifact: { ...grant, payload } }]);
        expect((await verify(token)) !== undefined).toBe(Object.keys(changes).length === 0);
      }
    });

    it('those of demo users, and their sessions, once the tenant is no longer a demo', async () => {
      const at = { issuer: server.issuer('serious'), client: desktop };
      const [opaque, jwt] = [await tokens(at), await tokens({ ...at, ...jwtRequest })];
      const { sub = '', auth_time } = decodeJwt(opaque.id_token ?? '');
      const host = 'orders.example.com';
      const { gatewaySessions } = await servedTenant(server, 'serious');
      const value = await gatewaySessions.begin({ sub, host, signedInAt: Number(auth_time), amr: [] });
      const live = async (): Promise<readonly unknown[]> => [
        await verify(opaque.access_token, { tenant: 'serious' }),
        await verify(jwt.access_token, { tenant: 'serious' }),
        await (await servedTenant(server, 'serious')).gatewaySessions.find(value, host),
      ];
      const before = await live();
      await server.putTenant('serious', serious);
      expect(before).not.toContain(undefined);
      expect(await live()).toEqual([undefined, undefined, undefined]);
    });

    it('a JWT of the address that the tenant had before', async () => {
      const { access_token: token } = await tokens({ issuer: server.issuer('moving'), ...jwtRequest });
      const before = await verify(token, { tenant: 'moving' });
      await server.putTenant('moving', sampleTenant({ publicUrl: 'http://localhost:9' }));
      expect(before).toBeDefined();
      expect(await verify(token, { tenant: 'moving' })).toBeUndefined();
    });

    it('those of a client that is no longer in the file', async () => {
      const at = { issuer: server.issuer('changing'), client: passing };
      const [opaque, jwt] = [await tokens(at), await tokens({ ...at, ...jwtRequest })];
      const live = () =>
        Promise.all([opaque, jwt].map((each) => verify(each.access_token, { tenant: 'changing' })));
      const before = await live();
      await server.putTenant('changing', sampleTenant());
      expect(before).not.toContain(undefined);
      expect(await live()).toEqual([undefined, undefined]);
    });
  });

  describeOnce(store, 'the token about a caller', () => {
    const audience = 'https://orders.example.com';
    const sign = async (claims: Readonly<Record<string, unknown>> = {}, aud = audience): Promise<string> => {
      const { identityTokens } = await servedTenant(server, 'acme');
      return identityTokens.sign({ sub: 'somebody', audience: aud, algorithm: 'EdDSA', claims });
    };

    it('is verified with the keys of the tenant, and lives five minutes', async () => {
      const token = await sign({ groups: ['staff'], email: undefined });
      const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        issuer,
        audience,
        typ: 'gateway+jwt',
        algorithms: ['EdDSA'],
      });
      const { kid } = decodeProtectedHeader((await tokens(jwtRequest)).access_token);
      expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'gateway+jwt', kid });
      expect(payload).toEqual({
        iss: issuer,
        aud: audience,
        sub: 'somebody',
        iat: expect.any(Number),
        exp: Number(payload.iat) + 300,
        jti: expect.any(String),
        groups: ['staff'],
      });
      expect((await servedTenant(server, 'acme')).identityTokens.lifetime).toBe(300);
    });

    it('is another one each time, and no claim replaces who signed it for whom', async () => {
      const claims = { iss: 'https://evil.test', aud: 'x', sub: 'admin', exp: 1e10, iat: 0, jti: 'mine' };
      const [one, other] = [decodeJwt(await sign(claims)), decodeJwt(await sign(claims))];
      expect(one).toMatchObject({ iss: issuer, aud: audience, sub: 'somebody' });
      expect(Number(one.exp) - Number(one.iat)).toBe(300);
      expect(one.jti).not.toBe(other.jti);
    });

    it('is no access token at all', async () => {
      const { access_token: jwt } = await tokens(jwtRequest);
      const { sub = '', ...claims } = decodeJwt(jwt);
      const { identityTokens } = await servedTenant(server, 'acme');
      const token = await identityTokens.sign({ sub, audience: ordersResource, algorithm: 'EdDSA', claims });
      expect(await verify(jwt)).toBeDefined();
      expect(await verify(token)).toBeUndefined();
      expect((await userinfo(issuer, token)).status).toBe(401);
      expect((await introspect(issuer, web, token)).body).toEqual({ active: false });
    });

    it('is no hint of who was signed in, though the client has its name as audience', async () => {
      const browser = createBrowser();
      const { id_token } = await tokens({ browser, client: edwards });
      const { sub = '' } = decodeJwt(id_token ?? '');
      const { identityTokens } = await servedTenant(server, 'acme');
      const token = await identityTokens.sign({
        sub,
        audience: edwards.id,
        algorithm: 'Ed25519',
        claims: {},
      });
      const ask = async (hint: string | undefined): Promise<string | undefined> => {
        const extra = { prompt: 'none', id_token_hint: hint };
        return (await browser.get(prepareAuthorization({ issuer, client: edwards, extra }).url)).location;
      };
      expect(await ask(id_token)).toContain('code=');
      expect(await ask(token)).toContain('error=invalid_request');
      expect((await browser.get(`${issuer}/session/end?id_token_hint=${token}`)).status).toBe(400);
    });

    it('proves no client', async () => {
      const { identityTokens } = await servedTenant(server, 'acme');
      const token = await identityTokens.sign({
        sub: signer.id,
        audience: issuer,
        algorithm: 'EdDSA',
        claims: { iss: signer.id },
      });
      const form = {
        grant_type: 'client_credentials',
        client_assertion: token,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      };
      const answer = await postAs({ id: signer.id }, `${issuer}/token`, { form });
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    });
  });
});
