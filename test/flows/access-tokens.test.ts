import { afterEach, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { createBrowser } from '../support/browser.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  introspect,
  type Parameters,
  prepareAuthorization,
  redeem,
  refresh,
  revoke,
  signIn,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import {
  confidential,
  migrator,
  ordersResource,
  reportsResource,
  sampleClients,
  sampleTenant,
  service,
  shop,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { eachStore, sqliteStore } from '../support/stores.ts';
import { startTestServer } from '../support/test-server.ts';
import { useServer } from '../support/use-server.ts';

const signers = (['ES256', 'PS256', 'Ed25519', 'EdDSA'] as const).map((algorithm) => ({
  algorithm,
  client: confidential(`signs-${algorithm}`),
}));
/** Has a default resource and lifetimes of its own. */
const special = confidential('special');
/** May ask for a few scopes only. */
const narrow = confidential('narrow');

/** One resource for each signature, and one whose service takes no `typ` but `JWT`. */
const signed = (['EdDSA', 'RS256', 'PS256', 'ES256', 'Ed25519'] as const).map((signingAlgorithm) => ({
  signingAlgorithm,
  identifier: `https://${signingAlgorithm.toLowerCase()}.example.com`,
}));
const plainlyTyped = 'https://spring.example.com';
const someGroups = 'https://some-groups.example.com';
const noGroups = 'https://no-groups.example.com';

const acme = sampleTenant({
  resources: [
    ...(sampleTenant().resources ?? []),
    ...signed.map((resource) => ({ ...resource, introspectedBy: [web.id] })),
    { identifier: someGroups, groups: ['eng*'] },
    { identifier: noGroups, groups: 'none' },
    { identifier: plainlyTyped, signingAlgorithm: 'RS256', typ: 'JWT', introspectedBy: [web.id] },
  ],
  clients: [
    ...sampleClients,
    ...signers.map(({ algorithm, client }) => webClient(client, { id_token_signed_response_alg: algorithm })),
    webClient(special, {
      grant_types: ['authorization_code', 'client_credentials'],
      defaultResource: ordersResource,
      lifetimes: { accessToken: '2m', idToken: '3m' },
    }),
    webClient(narrow, { scope: 'openid email orders:read' }),
  ],
});
const opaque = sampleTenant({
  resources: [],
});
const withDefault = sampleTenant({
  defaultResource: ordersResource,
  lifetimes: { accessToken: '30m', idToken: '5m' },
});

const server = await useServer({
  store: sqliteStore,
  instances: 2,
  tenants: { acme, plain: sampleTenant(), opaque, withdefault: withDefault },
});
const issuer = server.issuer('acme');
afterEach(restoreTime);

const verify = (token: string | undefined, expected: { readonly audience: string; readonly typ?: string }) =>
  jwtVerify(token ?? '', createRemoteJWKSet(new URL(`${issuer}/jwks`)), { issuer, ...expected });

const forResource = (resource: string, scope: string, client = web) =>
  tokensFor(createBrowser(), { issuer, client, scope, extra: { resource } });

const serviceToken = (form: Parameters = {}, client = service) =>
  tokenRequest(issuer, client, { grant_type: 'client_credentials', ...form });

describe('without a resource', () => {
  it('are opaque', async () => {
    const { access_token: token } = await tokensFor(createBrowser(), { issuer, client: web });
    expect(token).toMatch(/^[\w-]{43,}$/);
    expect((await userinfo(issuer, token)).status).toBe(200);
  });

  it('live as long as tenant or client say', async () => {
    const lifetimes = await Promise.all(
      [
        { issuer, client: web },
        { issuer, client: special },
        { issuer: server.issuer('withdefault'), client: web },
      ].map(async (request) => (await tokensFor(createBrowser(), request)).expires_in),
    );
    expect(lifetimes).toEqual([3600, 120, 1800]);
  });

  it('end when their lifetime is over', async () => {
    const { access_token: token } = await tokensFor(createBrowser(), { issuer, client: special });
    moveTime(90);
    expect((await userinfo(issuer, token)).status).toBe(200);
    moveTime(31);
    expect((await userinfo(issuer, token)).status).toBe(401);
    expect((await introspect(issuer, special, token)).body).toEqual({ active: false });
  });
});

describe('for a resource', () => {
  it('are JWTs as RFC 9068 describes them', async () => {
    const { access_token: token, expires_in } = await forResource(ordersResource, 'orders:read');
    const { payload, protectedHeader } = await verify(token, { audience: ordersResource, typ: 'at+jwt' });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: expect.any(String) });
    expect(payload).toMatchObject({
      iss: issuer,
      aud: ordersResource,
      client_id: web.id,
      scope: 'orders:read',
      sub: expect.any(String),
      jti: expect.any(String),
      sid: expect.any(String),
    });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(3600);
    expect(expires_in).toBe(3600);
  });

  it.each(signed)('are signed by $signingAlgorithm where the resource says so', async (resource) => {
    const { identifier, signingAlgorithm } = resource;
    const { body } = await serviceToken({ resource: identifier });
    const { protectedHeader } = await verify(body.access_token, { audience: identifier, typ: 'at+jwt' });
    expect(protectedHeader.alg).toBe(signingAlgorithm);
    const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as JSONWebKeySet;
    expect(keys.filter(({ kid }) => kid === protectedHeader.kid)).toMatchObject([
      { alg: signingAlgorithm, use: 'sig' },
    ]);
    expect((await introspect(issuer, web, body.access_token ?? '')).body.active).toBe(true);
  });

  it('have the typ that the resource says, and are no less good for it', async () => {
    const tokens = await forResource(plainlyTyped, 'groups');
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ alg: 'RS256', typ: 'JWT' });
    await verify(tokens.access_token, { audience: plainlyTyped, typ: 'JWT' });
    expect((await introspect(issuer, web, tokens.access_token)).body.active).toBe(true);
    await revoke(issuer, web, tokens.access_token);
    expect((await introspect(issuer, web, tokens.access_token)).body.active).toBe(false);
  });

  it('are not what an ID token is', async () => {
    const { id_token: token = '' } = await tokensFor(createBrowser(), { issuer, client: web });
    expect((await introspect(issuer, web, token)).body).toEqual({ active: false });
  });

  it('are opaque where the resource says so, with its lifetime', async () => {
    const tokens = await forResource(reportsResource, 'reports:read');
    expect(tokens.access_token).toMatch(/^[\w-]{43,}$/);
    expect(tokens.expires_in).toBe(600);
    const { body } = await introspect(issuer, web, tokens.access_token);
    expect(body).toMatchObject({ active: true, aud: reportsResource, scope: 'reports:read' });
  });

  it('are no good for userinfo', async () => {
    for (const [resource, scope] of [
      [ordersResource, 'orders:read'],
      [reportsResource, 'reports:read'],
    ] as const) {
      const { access_token: token } = await forResource(resource, scope);
      const answer = await userinfo(issuer, token);
      expect([401, 403]).toContain(answer.status);
      expect(answer.body).not.toHaveProperty('sub');
    }
  });

  it('hold the scopes of this resource only', async () => {
    const tokens = await forResource(ordersResource, 'orders:read reports:read orders:none profile');
    expect(decodeJwt(tokens.access_token).scope).toBe('orders:read');
  });

  it('hold the scopes that the client may have only', async () => {
    const tokens = await forResource(ordersResource, 'orders:read orders:write', narrow);
    expect(decodeJwt(tokens.access_token).scope).toBe('orders:read');
  });

  it('are had beside the one for userinfo', async () => {
    const request = {
      issuer,
      client: web,
      scope: 'openid profile orders:read',
      extra: { resource: ordersResource },
    };
    const signedIn = await signIn(createBrowser(), request);
    const first = await redeem(request, signedIn);
    expect((await userinfo(issuer, first.body.access_token ?? '')).body.name).toBe('Alice Adams');
    const second = await refresh(issuer, web, first.body.refresh_token, { resource: ordersResource });
    expect(decodeJwt(second.body.access_token ?? '')).toMatchObject({
      aud: ordersResource,
      scope: 'orders:read',
    });
    const third = await refresh(issuer, web, second.body.refresh_token);
    expect((await userinfo(issuer, third.body.access_token ?? '')).status).toBe(200);
  });

  it.each([
    ['that there is not', 'https://nowhere.example.com', web],
    ['that is spelled otherwise', `${ordersResource}/`, web],
    ['that this client may not have', reportsResource, shop],
  ])('are refused for one %s', async (_name, resource, client) => {
    const { url } = prepareAuthorization({ issuer, client, extra: { resource } });
    const { location } = await createBrowser().get(url);
    expect(location).toContain('error=invalid_target');

    const tokens = await tokensFor(createBrowser(), { issuer, client });
    const answer = await refresh(issuer, client, tokens.refresh_token, { resource });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  it('are refused at the token endpoint for one that was not asked for at the sign-in', async () => {
    const tokens = await tokensFor(createBrowser(), { issuer, client: web });
    const answer = await refresh(issuer, web, tokens.refresh_token, { resource: ordersResource });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });
});

describe('for the default resource', () => {
  it('come without openid, by tenant', async () => {
    const tenant = server.issuer('withdefault');
    const request = { issuer: tenant, client: web, scope: 'orders:read' };
    expect(decodeJwt((await tokensFor(createBrowser(), request)).access_token)).toMatchObject({
      iss: tenant,
      aud: ordersResource,
    });
    const own = await tokenRequest(tenant, service, {
      grant_type: 'client_credentials',
      scope: 'orders:read',
    });
    expect(decodeJwt(own.body.access_token ?? '')).toMatchObject({ aud: ordersResource, sub: service.id });
  });

  it('come without openid, by client', async () => {
    const request = { issuer, client: special, scope: 'orders:write' };
    const tokens = await tokensFor(createBrowser(), request);
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: ordersResource, scope: 'orders:write' });
    const own = await serviceToken({ scope: 'orders:read' }, special);
    expect(decodeJwt(own.body.access_token ?? '').aud).toBe(ordersResource);
  });

  it('do not come with openid: that token is for userinfo', async () => {
    const tenant = server.issuer('withdefault');
    for (const request of [
      { issuer: tenant, client: web },
      { issuer, client: special },
    ]) {
      const { access_token: token } = await tokensFor(createBrowser(), request);
      expect((await userinfo(request.issuer, token)).status).toBe(200);
    }
  });
});

describe('groups and roles', () => {
  const groups = ['staff', 'engineering'];
  const roles = ['admin'];

  it('are in ID token and userinfo when their scopes were granted', async () => {
    const tokens = await tokensFor(createBrowser(), { issuer, client: web, scope: 'openid groups roles' });
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({ groups, roles });
    expect((await userinfo(issuer, tokens.access_token)).body).toMatchObject({ groups, roles });
  });

  it('are in the JWT when their scopes were granted', async () => {
    const tokens = await forResource(ordersResource, 'orders:read groups roles');
    expect(decodeJwt(tokens.access_token)).toMatchObject({ groups, roles });
    const some = await forResource(ordersResource, 'orders:read roles');
    expect(decodeJwt(some.access_token)).toMatchObject({ roles });
    expect(decodeJwt(some.access_token)).not.toHaveProperty('groups');
  });

  it('are in the JWT as far as its resource wants them', async () => {
    const some = decodeJwt((await forResource(someGroups, 'groups roles')).access_token);
    expect(some).toMatchObject({ groups: ['engineering'], roles });
    const none = decodeJwt((await forResource(noGroups, 'groups roles')).access_token);
    expect(none).toMatchObject({ roles });
    expect(none).not.toHaveProperty('groups');
  });

  it('are nowhere when they were not', async () => {
    const tokens = await tokensFor(createBrowser(), { issuer, client: web, scope: 'openid profile' });
    const person = (await userinfo(issuer, tokens.access_token)).body;
    const jwt = decodeJwt((await forResource(ordersResource, 'orders:read')).access_token);
    for (const claims of [decodeJwt(tokens.id_token ?? ''), person, jwt]) {
      expect(claims).not.toHaveProperty('groups');
      expect(claims).not.toHaveProperty('roles');
    }
  });

  it('come by the password grant as well', async () => {
    const form = { grant_type: 'password', username: 'alice', password: 'correct horse battery' };
    const opaque = await tokenRequest(issuer, migrator, { ...form, scope: 'openid groups' });
    expect(decodeJwt(opaque.body.id_token ?? '')).toMatchObject({ groups });
    const jwt = await tokenRequest(issuer, migrator, {
      ...form,
      scope: 'orders:read groups',
      resource: ordersResource,
    });
    expect(decodeJwt(jwt.body.access_token ?? '')).toMatchObject({ groups, aud: ordersResource });
  });
});

describe('by client_credentials', () => {
  it('are opaque without a resource', async () => {
    const { status, body } = await serviceToken();
    expect(status).toBe(200);
    expect(body.access_token).toMatch(/^[\w-]{43,}$/);
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('id_token');
    expect((await introspect(issuer, service, body.access_token ?? '')).body).toMatchObject({
      active: true,
      client_id: service.id,
    });
  });

  it('are JWTs for a resource, of the client itself', async () => {
    const { body } = await serviceToken({ resource: ordersResource, scope: 'orders:read' });
    const { payload } = await verify(body.access_token, { audience: ordersResource, typ: 'at+jwt' });
    expect(payload).toMatchObject({ sub: service.id, client_id: service.id, scope: 'orders:read' });
  });

  // RFC 6749 section 3.3: the answer says which scopes there are
  it.each([
    ['of another resource', { resource: ordersResource, scope: 'orders:read reports:read' }, 'orders:read'],
    ['of no resource', { scope: 'orders:read' }, undefined],
    ['of people', { scope: 'openid profile groups' }, undefined],
  ])('leave out scopes %s', async (_name, form, scope) => {
    const { body } = await serviceToken(form);
    expect(body.scope).toBe(scope);
    expect((await introspect(issuer, service, body.access_token ?? '')).body.scope).toBe(scope);
  });

  it('are refused for an unknown resource', async () => {
    const answer = await serviceToken({ resource: 'https://nowhere.example.com' });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  it('open no userinfo', async () => {
    const { body } = await serviceToken();
    expect((await userinfo(issuer, body.access_token ?? '')).status).toBe(401);
  });
});

describe('ID tokens', () => {
  it('are signed by RS256 for a client that names no algorithm', async () => {
    const { id_token: token } = await tokensFor(createBrowser(), { issuer, client: web });
    const { payload, protectedHeader } = await verify(token, { audience: web.id });
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toMatchObject({ amr: ['pwd'], auth_time: expect.any(Number), sid: expect.any(String) });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(600);
  });

  it.each(signers)('are signed by $algorithm for a client that names it', async ({ algorithm, client }) => {
    const { id_token: token } = await tokensFor(createBrowser(), { issuer, client });
    const { protectedHeader } = await verify(token, { audience: client.id });
    expect(protectedHeader.alg).toBe(algorithm);
  });

  it('live as long as tenant or client say', async () => {
    const lifetimes = await Promise.all(
      [
        { issuer, client: special },
        { issuer: server.issuer('withdefault'), client: web },
      ].map(async (request) => {
        const { id_token: token = '' } = await tokensFor(createBrowser(), request);
        const { exp, iat } = decodeJwt(token);
        return Number(exp) - Number(iat);
      }),
    );
    expect(lifetimes).toEqual([180, 300]);
  });
});

describe('signing keys', () => {
  const keysOf = async (tenant: string): Promise<readonly Record<string, unknown>[]> => {
    const response = await fetch(`${server.issuer(tenant)}/jwks`);
    return ((await response.json()) as { keys: Record<string, unknown>[] }).keys;
  };

  const kindOf = ({ kty, crv, alg }: Record<string, unknown>): string =>
    [kty, crv, alg].filter((part) => part !== undefined).join(' ');

  it('are shown without their private members', async () => {
    const keys = await keysOf('acme');
    expect(keys).toHaveLength(5);
    for (const key of keys) {
      expect(key.use).toBe('sig');
      expect(
        Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name)),
      ).toEqual([]);
    }
  });

  it('are shown RSA first, then EC, then OKP, each for one algorithm', async () => {
    expect((await keysOf('acme')).map(kindOf)).toEqual([
      'RSA RS256',
      'RSA PS256',
      'EC P-256 ES256',
      'OKP Ed25519 EdDSA',
      'OKP Ed25519 Ed25519',
    ]);
  });

  it('are no more than clients and resources need', async () => {
    expect((await keysOf('plain')).map(kindOf)).toEqual(['RSA RS256', 'OKP Ed25519 EdDSA']);
    expect((await keysOf('opaque')).map(kindOf)).toEqual(['RSA RS256']);
  });

  it('name themselves in what they sign', async () => {
    const kids = (await keysOf('acme')).map(({ kid }) => kid);
    const tokens = await forResource(ordersResource, 'orders:read');
    expect(kids).toContain(decodeProtectedHeader(tokens.access_token).kid);
    expect(new Set(kids).size).toBe(kids.length);
  });
});

eachStore((store) => {
  describe('signing keys', () => {
    it('are made once by two instances that start together on an empty store', async () => {
      const fresh = await startTestServer({
        store,
        instances: 2,
        tenants: { acme: sampleTenant() },
        ownKeys: true,
      });
      try {
        const url = `${fresh.issuer('acme')}/jwks`;
        const documents = await Promise.all(Array.from({ length: 8 }, async () => (await fetch(url)).text()));
        expect(new Set(documents).size).toBe(1);
        expect((JSON.parse(documents[0] ?? '') as { keys: unknown[] }).keys).toHaveLength(2);
      } finally {
        await fresh.close();
      }
    });
  });
});
