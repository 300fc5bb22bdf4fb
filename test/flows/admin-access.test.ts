// Who gets in at the administration API, and what others are answered.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { adminOperations } from '../../src/admin/api/operations.ts';
import { type AdministrativeRole, administrativeRoles, may } from '../../src/admin/permissions.ts';
import { type AdminSample, adminSamples, askAdmin, keyOf, type Things } from '../support/admin-api.ts';
import { createBrowser } from '../support/browser.ts';
import { type Answer, redeem, tokensFor } from '../support/oauth-client.ts';
import {
  alice,
  bob,
  confidential,
  sampleClients,
  sampleTenant,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { afterPassword, setUpApp } from '../support/second-factor.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { useServer } from '../support/use-server.ts';

const grant = (role: string) => ({ roles: [role] });
const adminClient = confidential('console');

const content = (changes = {}) =>
  sampleTenant({
    secondFactor: { required: { roles: ['admin'] } },
    administration: {
      administrators: grant('admin'),
      helpDesk: grant('support'),
      auditors: grant('audit'),
    },
    clients: [...sampleClients, webClient(adminClient, { scope: 'openid account admin' })],
    ...changes,
  });

const clock = createTestClock(Date.now());
const server = await useServer({
  store: sqliteStore,
  clock,
  tenants: { acme: content(), globex: content(), operations: content() },
  settings: {
    server: { trustedProxies: ['127.0.0.1', '::1'] },
    administration: {
      tenant: 'operations',
      operators: { subs: [], roles: ['operator'], groups: [] },
      secondFactor: true,
      maxAgeSeconds: 3600,
    },
  },
});

const keys: Partial<Record<AdministrativeRole | 'nobody', string>> = {};
let acme: Things;
let globex: Things;

const thingsOf = async (tenant: string): Promise<Things> => {
  const added = await server
    .users(tenant)
    .add({ username: `carol-${tenant}`, password: 'a long enough one' });
  if (!added.ok) throw new Error(added.message);
  const { sub, id } = await keyOf(server, tenant, 'robot', { scopes: [] });
  return { tenant, sub: added.account.sub, systemUser: sub, key: id };
};

beforeAll(async () => {
  acme = await thingsOf('acme');
  globex = await thingsOf('globex');
  const secretOf = async (tenant: string, role: string) =>
    (await keyOf(server, tenant, `a-${role}`, { roles: [role] })).secret;
  keys.operator = await secretOf('operations', 'operator');
  keys.administrator = await secretOf('acme', 'admin');
  keys.helpDesk = await secretOf('acme', 'support');
  keys.auditor = await secretOf('acme', 'audit');
  keys.nobody = await secretOf('acme', 'staff');
});

const methodOf = (id: string): string => adminOperations.find((one) => one.id === id)?.method ?? '';

const ask = (key: string | undefined, id: string, { path, body }: AdminSample): Promise<Answer> =>
  askAdmin(server, path, { method: methodOf(id), key, body });

/** All that an outsider can compare: without ids and times of this one answer. */
const visible = async (answer: Promise<Answer>) => {
  const { status, headers, body } = await answer;
  const own = ['date', 'x-request-id', 'x-error-id'];
  return {
    status,
    headers: [...headers].filter(([name]) => !own.includes(name)),
    body: { ...body, error_id: undefined },
  };
};

describe('rights', () => {
  it('have a request to be tried with, for each operation', () => {
    expect(Object.keys(adminSamples(acme))).toEqual(adminOperations.map(({ id }) => id));
  });

  it.each(['nobody', ...administrativeRoles] as const)(
    'of %s are those of the table, at each operation',
    async (role) => {
      // what is deleted is needed once more
      const order = [...adminOperations].sort(
        (one, other) => Number(one.method === 'DELETE') - Number(other.method === 'DELETE'),
      );
      for (const { id, permission } of order) {
        const isAllowed = role !== 'nobody' && may([role], permission);
        const { status, body } = await ask(
          keys[role],
          id,
          adminSamples(await thingsFor(id))[id] as AdminSample,
        );
        const outcome = { id, status, code: body.code };
        if (!isAllowed) expect(outcome).toEqual({ id, status: 403, code: 'forbidden' });
        else if (id === 'endSignIn') expect(outcome).toEqual({ id, status: 404, code: 'not_found' });
        else
          expect({ ...outcome, status: Math.floor(status / 100) }).toEqual({
            id,
            status: 2,
            code: undefined,
          });
      }
    },
  );
});

let count = 0;
/** Fresh ones for operations that use them up. */
const thingsFor = async (id: string): Promise<Things> => {
  if (methodOf(id) !== 'DELETE' || id.startsWith('endSignIn')) return acme;
  count += 1;
  const { sub, id: key } = await keyOf(server, 'acme', `robot-${count}`, { scopes: [] });
  return { ...acme, systemUser: sub, key };
};

describe('another tenant', () => {
  it('is answered as one that does not exist, whatever is asked', async () => {
    for (const key of [keys.administrator, keys.helpDesk, keys.auditor, keys.nobody, undefined])
      for (const { id } of adminOperations) {
        const there = adminSamples(globex)[id] as AdminSample;
        const nowhere = { ...there, path: there.path.replace('/globex/', '/nowhere/') };
        const seen = await visible(ask(key, id, there));
        expect(seen).toEqual(await visible(ask(key, id, nowhere)));
        expect(seen.status).toBe(401);
      }
  });

  it("has things that do not exist at one's own", async () => {
    const nothing: Things = {
      tenant: 'acme',
      sub: 'x'.repeat(22),
      systemUser: 'x'.repeat(22),
      key: 'x'.repeat(16),
    };
    for (const { id } of adminOperations) {
      const foreign = adminSamples({ ...globex, tenant: 'acme' })[id] as AdminSample;
      if (foreign.path === adminSamples({ ...acme })[id]?.path && foreign.body === undefined) continue;
      if (id === 'createSystemUser') continue;
      const absent = adminSamples(nothing)[id] as AdminSample;
      const seen = await visible(ask(keys.administrator, id, foreign));
      expect({ id, seen }).toEqual({ id, seen: await visible(ask(keys.administrator, id, absent)) });
      expect({ id, status: seen.status }).toEqual({ id, status: 404 });
    }
  });

  it('gives its operators nothing of what they name elsewhere', async () => {
    // an administrator of the operators' tenant is no operator
    const { secret } = await keyOf(server, 'operations', 'own-admin', { roles: ['admin'] });
    expect((await askAdmin(server, '/tenants/operations/people', { key: secret })).status).toBe(200);
    const seen = await visible(askAdmin(server, '/tenants/acme/people', { key: secret }));
    expect(seen).toEqual(await visible(askAdmin(server, '/tenants/nowhere/people', { key: secret })));
    expect(seen.status).toBe(404);
  });
});

describe('an API key', () => {
  const people = '/tenants/acme/people';

  it('is taken in each form of header, and never from the URL', async () => {
    const key = keys.administrator ?? '';
    const [, half = '', secret = ''] = /^(db_[^_]+)_(.+)$/.exec(key) ?? [];
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const forms: readonly Readonly<Record<string, string>>[] = [
      { authorization: `Bearer ${key}` },
      basic(`${key}:`),
      basic(`a-admin:${key}`),
      { 'x-api-key': key },
      { 'x-api-key': half, 'x-api-secret': secret },
    ];
    for (const headers of forms) expect((await askAdmin(server, people, { headers })).status).toBe(200);
    expect((await askAdmin(server, people, { headers: basic(`robot:${key}`) })).status).toBe(401);
    for (const name of ['access_token', 'api_key', 'key'])
      expect((await askAdmin(server, `${people}?${name}=${key}`)).status).toBe(401);
  });

  it.each([
    ['without the scope', { scopes: ['openid'] }, 403],
    ['for services alone', { services: ['mail'] }, 403],
    ['from another network', { networks: ['10.0.0.0/8'] }, 403],
    ['from its network', { networks: ['198.18.0.0/15'] }, 200],
    ['without the role of its owner', { roles: ['staff'] }, 403],
  ] as const)('is answered by what it is for: %s', async (name, limits, status) => {
    const username = name.replaceAll(' ', '-');
    const added = await server.users('acme').add({ username, roles: ['admin', 'staff'], isSystem: true });
    if (!added.ok) throw new Error(added.message);
    const found = await server.instances[0]?.tenants.find('acme');
    if (found?.status !== 'served') throw new Error('acme is not served');
    const wanted = { scopes: ['admin'], ...limits };
    const made = await found.tenant.apiKeys.create(added.account, wanted, { actor: 'cli' });
    if (!made.ok) throw new Error(made.message);
    expect((await askAdmin(server, people, { key: made.secret })).status).toBe(status);
  });

  it('has the rights that its owner has at the time of use', async () => {
    const { sub, secret } = await keyOf(server, 'acme', 'changing', { roles: ['admin'] });
    const statusNow = async () => (await askAdmin(server, people, { key: secret })).status;
    expect(await statusNow()).toBe(200);
    await server.users('acme').edit(sub, { roles: ['staff'] });
    expect(await statusNow()).toBe(403);
    await server.users('acme').disable(sub);
    expect(await statusNow()).toBe(401);
  });

  it('with a typing error is refused without a look at the store', async () => {
    const wrong = (keys.administrator ?? '').replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));
    await askAdmin(server, people, { key: keys.administrator });
    server.trips();
    expect((await askAdmin(server, people, { key: wrong })).status).toBe(401);
    expect(server.trips()).toEqual([]);
  });
});

describe('an access token', () => {
  const request = { issuer: server.issuer('acme'), client: adminClient, scope: 'openid admin' };
  const people = '/tenants/acme/people';

  it('needs the scope, which only clients that name it get', async () => {
    const ordinary = await tokensFor(
      createBrowser(),
      { ...request, client: web, scope: 'openid account admin' },
      bob,
    );
    expect(ordinary.scope?.split(' ')).not.toContain('admin');
    expect(
      (await askAdmin(server, people, { key: ordinary.access_token })).headers.get('www-authenticate'),
    ).toMatch(/error="insufficient_scope", scope="admin"/);
  });

  it('needs a second factor and a role, and ages', async () => {
    const without = await tokensFor(createBrowser(), request, bob);
    const refused = await askAdmin(server, people, { key: without.access_token });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(
      /error="insufficient_user_authentication", acr_values="mfa"/,
    );

    const browser = createBrowser();
    const { page, prepared } = await afterPassword(browser, request, alice);
    const { redirectUri } = adminClient;
    const { done } = await setUpApp(browser, page, { redirectUri, nowMs: clock.now });
    const code = new URL(done.location ?? done.url).searchParams.get('code') ?? '';
    const { access_token: token } = (await redeem(request, { ...prepared, code })).body;
    const key = String(token);
    expect((await askAdmin(server, people, { key })).status).toBe(200);
    expect((await askAdmin(server, '/tenants/globex/people', { key })).status).toBe(401);

    clock.advance(3601 * 1000);
    const aged = await askAdmin(server, people, { key });
    expect(aged.status).toBe(401);
  });
});

describe('refusals', () => {
  it('are problem details, beside the headers of all refusals', async () => {
    const refused = await askAdmin(server, '/tenants/acme/people/none', { key: keys.administrator });
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(refused.headers.get('cache-control')).toBe('no-store');
    expect(refused.body).toEqual({
      ...{ type: 'about:blank', title: 'Not Found', status: 404, code: 'not_found' },
      detail: refused.headers.get('x-error'),
      error_id: refused.headers.get('x-error-id'),
    });
  });

  it.each([
    ['GET', '/nothing', 404],
    ['PUT', '/tenants/acme/people', 405],
    ['OPTIONS', '/tenants/acme/people', 405],
    ['GET', '/tenants/ACME/people', 404],
  ])('are problem details where there is no operation: %s %s', async (method, path, status) => {
    const refused = await askAdmin(server, path, { method, headers: { origin: 'https://app.example.com' } });
    expect(refused.status).toBe(status);
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('set no cookies, and read none', async () => {
    const { headers } = await askAdmin(server, '/tenants/acme/people', { key: keys.administrator });
    expect(headers.get('set-cookie')).toBeNull();
  });
});

describe('wrong credentials', () => {
  it('are not looked at any more when there were too many from one address', async () => {
    const from = '192.0.2.1';
    const wrong = (n: number) => `x${n}`.padEnd(43, 'x');
    const statusOf = async (key: string) =>
      (await askAdmin(server, '/tenants/acme/people', { key, from })).status;
    // a program that repeats an expired one is no guesser
    for (let n = 0; n < 150; n += 1) expect(await statusOf(wrong(0))).toBe(401);
    for (let n = 1; n < 100; n += 1) expect(await statusOf(wrong(n))).toBe(401);
    expect(await statusOf(wrong(100))).toBe(429);
    server.trips();
    const refused = await askAdmin(server, '/tenants/acme/people', { key: keys.administrator, from });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([
      429,
      expect.stringMatching(/^\d+$/),
    ]);
    expect(server.trips()).toEqual([]);
    clock.advance(15 * 60_000);
    expect((await askAdmin(server, '/tenants/acme/people', { key: keys.administrator, from })).status).toBe(
      200,
    );
  });
});
