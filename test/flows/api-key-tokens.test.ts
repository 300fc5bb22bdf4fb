// API keys at the endpoints of OAuth: introspection (RFC 7662), and token exchange (RFC 8693) for a short access token.
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import type { NewKey } from '../../src/accounts/api-keys/api-keys.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { type Answer, introspect, type Parameters, tokenRequest } from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-http.ts';
import {
  alice,
  confidential,
  ordersApi,
  ordersResource,
  reportsResource,
  sampleClients,
  sampleTenant,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { startService } from '../support/service.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const inactive = { active: false };
const trader = confidential('trader');

const clients = [...sampleClients, webClient(trader, { grant_types: ['authorization_code', grantType] })];
const orders = await startService({
  answer: ({ headers }, res) => {
    const [roles = '', groups = ''] = ['x-auth-roles', 'remote-groups'].map((name) => headers[name]);
    res.end(JSON.stringify({ roles, groups }));
  },
});
afterAll(() => orders.close());
const server = await useServer({
  store: sqliteStore,
  settings: {
    gateway: {
      services: [
        serviceOf('orders', {
          host: 'orders.test',
          resources: [ordersResource],
          target: {
            ...{ url: orders.url, connectTimeoutMs: 2000, timeoutMs: 5000, idleTimeoutMs: 60_000 },
            ...{ hostHeader: 'public', authorization: 'none' },
          },
        }),
      ],
    },
  },
  tenants: {
    acme: sampleTenant({ clients }),
    globex: sampleTenant({ clients, sources: [{ id: 'local', type: 'local', clients: [web.id] }] }),
  },
});
const issuer = server.issuer('acme');

/** What a service of the resource gets to know. */
const rolesAtGateway = async (token: string) => {
  const { status, body } = await rawRequest({
    port: Number(new URL(server.publicUrl).port),
    target: '/',
    headers: ['Host: orders.test', 'X-ID-TENANT-NAME: acme', `Authorization: Bearer ${token}`],
  });
  return status === 200 ? (JSON.parse(/\{.*\}/.exec(body)?.[0] ?? '') as object) : status;
};

let count = 0;
const robotWith = async (wanted: NewKey = {}) => {
  count += 1;
  const facts = { username: `robot-${count}`, roles: ['reader', 'writer'], groups: ['robots'] };
  const added = await server.users('acme').add({ ...facts, isSystem: true });
  if (!added.ok) throw new Error(added.message);
  const { apiKeys } = await servedTenant(server, 'acme');
  const made = await apiKeys.create(added.account, wanted, { actor: 'cli' });
  if (!made.ok) throw new Error(made.message);
  return { ...made, robot: added.account, apiKeys };
};
afterEach(restoreTime);

describe('introspection of an API key', () => {
  it('tells the introspector of a resource who it is and what it has', async () => {
    const { secret, key, robot } = await robotWith({ scopes: ['orders:read'], roles: ['reader'] });
    const { status, body } = await introspect(issuer, ordersApi, secret);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ active: true, iss: issuer, sub: robot.sub, username: robot.username, scope: 'orders:read' },
      ...{
        token_type: 'Bearer',
        roles: ['reader'],
        groups: [],
        exp: Math.floor((key.expiresAt ?? 0) / 1000),
      },
    });
    expect([body.aud].flat()).toContain(ordersResource);
    expect(body).not.toHaveProperty('client_id');
  });

  it.each([
    ['a client that introspects no resource', web, {}],
    ['the introspector of another resource', ordersApi, { resources: ['https://elsewhere.example.com'] }],
    ['a key for some networks', ordersApi, { networks: ['10.0.0.0/8'] }],
    ['a key for some services', ordersApi, { services: ['files'] }],
  ])('says nothing to or of %s', async (_what, client, wanted) => {
    const { secret } = await robotWith(wanted);
    expect((await introspect(issuer, client, secret)).body).toEqual(inactive);
  });

  it('says nothing of a key that is wrong, revoked or over, or without client authentication', async () => {
    const { secret, key, apiKeys } = await robotWith({ lifetimeSeconds: 3600 });
    const wrong = secret.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));
    expect((await introspect(issuer, ordersApi, wrong)).body).toEqual(inactive);
    expect((await introspect(issuer, { ...ordersApi, secret: 'wrong' }, secret)).status).toBe(401);
    moveTime(3600);
    expect((await introspect(issuer, ordersApi, secret)).body).toEqual(inactive);
    restoreTime();
    expect((await introspect(issuer, ordersApi, secret)).body).toMatchObject({ active: true });
    await apiKeys.revoke(key.id, { actor: 'cli' });
    expect((await introspect(issuer, ordersApi, secret)).body).toEqual(inactive);
  });
});

describe('an API key of a person whose source is for some apps alone', () => {
  it('is none at other services, while that of a system user is one', async () => {
    const { apiKeys, accounts } = await servedTenant(server, 'globex');
    await accounts.seed();
    const person = await server.storage.forTenant('globex').accounts.findByLogin('alice');
    const added = await server.users('globex').add({ username: 'ci', isSystem: true });
    if (person === undefined || !added.ok) throw new Error('nobody');
    for (const [owner, active] of [
      [person, false],
      [added.account, true],
    ] as const) {
      const made = await apiKeys.create(owner, {}, { actor: 'cli' });
      if (!made.ok) throw new Error(made.message);
      expect((await introspect(server.issuer('globex'), ordersApi, made.secret)).body).toMatchObject({
        active,
      });
    }
  });
});

describe('token exchange of an API key', () => {
  const exchange = (key: string, form: Parameters = {}): Promise<Answer> =>
    tokenRequest(issuer, trader, {
      ...{ grant_type: grantType, subject_token: key, subject_token_type: accessTokenType },
      ...{ resource: ordersResource, scope: 'orders:read', ...form },
    });

  it('gives a short token that a service verifies by itself, and the gateway accepts', async () => {
    const { secret, robot } = await robotWith({ scopes: ['orders:read'] });
    const { status, body } = await exchange(secret);
    expect([status, body.token_type, body.expires_in, body.issued_token_type]).toEqual([
      ...[200, 'Bearer', 300, accessTokenType],
    ]);
    expect(body).not.toHaveProperty('refresh_token');
    const token = body.access_token ?? '';
    const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
    const { payload } = await jwtVerify(token, keys, { issuer, audience: ordersResource });
    expect(payload).toMatchObject({ sub: robot.sub, scope: 'orders:read', client_id: trader.id });
    const live = await (await servedTenant(server, 'acme')).accessTokens.verify(token);
    expect(live?.account?.sub).toBe(robot.sub);
    expect((await introspect(issuer, ordersApi, token)).body).toMatchObject({ active: true });
  });

  it('gives the roles of the key and no groups, in the token and at the gateway', async () => {
    const { secret } = await robotWith({ scopes: ['orders:read', 'roles', 'groups'], roles: ['reader'] });
    const { body } = await exchange(secret, { scope: 'orders:read roles groups' });
    const token = body.access_token ?? '';
    expect(decodeJwt(token)).toMatchObject({ roles: ['reader'], groups: [] });
    expect((await introspect(issuer, ordersApi, token)).body).toMatchObject({
      roles: ['reader'],
      groups: [],
    });
    const seen = await rolesAtGateway(token);
    expect(seen).toEqual({ roles: 'reader', groups: '' });
    const whole = await robotWith({ scopes: ['orders:read'] });
    const other = await exchange(whole.secret);
    expect(await rolesAtGateway(other.body.access_token ?? '')).toEqual({
      roles: 'reader,writer',
      groups: 'robots',
    });
  });

  it('gives no more than the key has', async () => {
    const { secret } = await robotWith({ scopes: ['roles'], lifetimeSeconds: 60 });
    const { body } = await exchange(secret, { scope: 'orders:read roles groups' });
    expect(body.expires_in).toBeLessThanOrEqual(60);
    const claims = decodeJwt(body.access_token ?? '');
    for (const name of ['scope', 'groups']) expect(claims).not.toHaveProperty(name);
  });

  it.each([
    ['another resource than its own', { resources: [reportsResource] }, {}, 'invalid_target'],
    ['a service of the gateway alone', { services: ['files'] }, {}, 'invalid_target'],
    // the gateway would accept the token at other services of the resource
    ['a service of the resource', { services: ['files'], resources: [ordersResource] }, {}, 'invalid_target'],
    ['another network', { networks: ['10.0.0.0/8'] }, {}, 'invalid_request'],
    ['a resource that there is not', {}, { resource: 'https://nowhere.example.com' }, 'invalid_target'],
    ['a typing error', {}, { subject_token: `db_${'x'.repeat(16)}_${'y'.repeat(34)}` }, 'invalid_request'],
  ])('is refused for %s', async (_what, wanted, form, error) => {
    const { secret } = await robotWith(wanted);
    const { status, body } = await exchange(secret, form);
    expect([status, body.error]).toEqual([400, error]);
    expect(JSON.stringify(body)).not.toContain(secret.slice(20, 48));
  });

  it('is refused to a client that is none of the source of its person', async () => {
    const { apiKeys, accounts } = await servedTenant(server, 'globex');
    await accounts.seed();
    const owner = await server.storage.forTenant('globex').accounts.findByLogin(alice.username);
    if (owner === undefined) throw new Error('no alice');
    const made = await apiKeys.create(owner, { scopes: ['orders:read'] }, { actor: 'cli' });
    if (!made.ok) throw new Error(made.message);
    const { status, body } = await tokenRequest(server.issuer('globex'), trader, {
      ...{ grant_type: grantType, subject_token: made.secret, subject_token_type: accessTokenType },
      ...{ resource: ordersResource, scope: 'orders:read' },
    });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });
});
