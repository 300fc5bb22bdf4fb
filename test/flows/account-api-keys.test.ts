// API keys at the API of the own account: they read, and change nothing.
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { NewKey } from '../../src/accounts/api-keys/api-keys.ts';
import { operations } from '../../src/self-service/api/operations.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { askApi } from '../support/account-api.ts';
import type { Answer } from '../support/oauth-client.ts';
import {
  alice,
  ordersResource,
  sampleClients,
  sampleTenant,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const origin = 'https://spa.example.com';
const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant({
      clients: [
        ...sampleClients.filter(({ client_id: id }) => id !== web.id),
        webClient(web, { allowedOrigins: [origin] }),
      ],
    }),
  },
});

const issuer = server.issuer('acme');
let person: AccountRecord;
let robot: AccountRecord;
beforeAll(async () => {
  const { accounts } = await servedTenant(server, 'acme');
  await accounts.seed();
  const found = await server.storage.forTenant('acme').accounts.findByLogin(alice.username);
  const added = await server.users('acme').add({ username: 'robot', isSystem: true });
  if (found === undefined || !added.ok) throw new Error('two users were expected');
  person = found;
  robot = added.account;
});

const keyOf = async (owner: AccountRecord, wanted: NewKey = { scopes: ['account'] }) => {
  const { apiKeys } = await servedTenant(server, 'acme');
  const made = await apiKeys.create(owner, wanted, { actor: 'cli' });
  if (!made.ok) throw new Error(made.message);
  return { ...made, revoke: () => apiKeys.revoke(made.key.id, { actor: 'cli' }) };
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const ask = (headers: Readonly<Record<string, string>>, path = '/account', method = 'GET'): Promise<Answer> =>
  askApi(issuer, path, { method, headers });

describe('an API key with the scope account', () => {
  it('is accepted in each form of the gateway, and nowhere else', async () => {
    const { secret, halves } = await keyOf(person);
    for (const headers of [
      bearer(secret),
      basic(`${secret}:`),
      basic(`${alice.username}:${secret}`),
      { 'x-api-key': halves.key, 'x-api-secret': halves.secret },
      { 'x-api-key': secret },
    ]) {
      const { status, headers: answered, body } = await ask({ ...headers, origin });
      expect([status, body.username, answered.get('cache-control')]).toEqual([200, 'alice', 'no-store']);
      expect(answered.has('access-control-allow-origin')).toBe(false);
    }
    for (const name of ['access_token', 'api_key', 'X-API-Key'])
      expect((await ask({}, `/account?${name}=${secret}`)).status).toBe(401);
  });

  it('is refused with the name of somebody else, when it is revoked, and without a trip with a typing error', async () => {
    const { secret, revoke } = await keyOf(person);
    const { status, body, headers } = await ask(basic(`bob:${secret}`));
    expect([status, body.error]).toEqual([401, 'invalid_token']);
    expect(headers.get('www-authenticate')).toBe(`Bearer realm="${issuer}", error="invalid_token"`);
    server.trips();
    const typed = secret.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));
    expect((await ask(bearer(typed))).status).toBe(401);
    expect(server.trips()).toEqual([]);
    expect((await ask(bearer(secret))).status).toBe(200);
    await revoke();
    expect((await ask(bearer(secret))).status).toBe(401);
  });

  it.each([
    ['without that scope', { scopes: ['orders:read'] }],
    ['without any scope', {}],
    ['for a service', { scopes: ['account'], services: ['files'] }],
    ['for a resource', { scopes: ['account'], resources: [ordersResource] }],
    ['for another network', { scopes: ['account'], networks: ['10.0.0.0/8'] }],
  ])('is not enough %s', async (_what, wanted) => {
    const { secret } = await keyOf(person, wanted);
    const { status, body } = await ask(bearer(secret));
    expect([status, body.error]).toEqual([403, 'insufficient_scope']);
  });

  it('is good from its own network', async () => {
    const { secret } = await keyOf(person, { scopes: ['account'], networks: ['127.0.0.0/8', '::1'] });
    expect((await ask(bearer(secret))).status).toBe(200);
  });

  it('never does what changes something, or needs a sign-in', async () => {
    const { secret } = await keyOf(person);
    const guarded = operations.filter(({ isPublic }) => isPublic === undefined);
    const accepting = guarded.filter(({ acceptsKeys }) => acceptsKeys !== undefined);
    expect(accepting.length).toBeGreaterThan(3);
    for (const { method, needsRecentSignIn, needsFactor } of accepting)
      expect([method, needsRecentSignIn, needsFactor]).toEqual(['GET', undefined, undefined]);
    for (const { id, method, path, acceptsKeys } of guarded) {
      const { status, body } = await ask(bearer(secret), path.replaceAll(/\{\w+\}/g, 'x'), method);
      expect([id, status, body.error]).toEqual(
        acceptsKeys === undefined ? [id, 403, 'insufficient_scope'] : [id, 200, undefined],
      );
    }
  });

  it('shows a system user its own record and keys', async () => {
    const { secret, key } = await keyOf(robot);
    expect((await ask(bearer(secret))).body).toMatchObject({ sub: robot.sub, username: 'robot' });
    const { body } = await ask(bearer(secret), '/account/keys');
    expect(body.keys).toEqual([expect.objectContaining({ id: key.id, scopes: ['account'] })]);
    for (const path of ['/sessions', '/audit', '/factors'])
      expect((await ask(bearer(secret), path)).status).toBe(403);
  });

  it('is in the OpenAPI document', async () => {
    const { body } = await askApi(issuer, '/openapi.json');
    const { paths, components } = body as unknown as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: object }>>>>;
      readonly components: { readonly securitySchemes: object };
    };
    const keys = [{ apiKey: [] }, { apiKeyAsUser: [] }, { apiKeyHalf: [], apiSecretHalf: [] }];
    expect(paths['/account']?.get?.security).toEqual([{ accessToken: ['account'] }, ...keys]);
    expect(paths['/account']?.delete).not.toHaveProperty('security');
    expect(Object.keys(components.securitySchemes)).toEqual([
      ...['accessToken', 'apiKey', 'apiKeyAsUser', 'apiKeyHalf', 'apiSecretHalf'],
    ]);
  });
});
