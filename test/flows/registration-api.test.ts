import { describe, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { createBrowser } from '../support/browser.ts';
import { app, appOrigin, backend, directClients } from '../support/direct-login.ts';
import { textOf } from '../support/page-text.ts';
import { sampleClients, sampleTenant, secretOf, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const clients = [...sampleClients, ...directClients];
const open = sampleTenant({ clients, registration: { mode: 'open', roles: ['member'] } });
const domains = { mode: 'domains' as const, domains: ['acme.example'] };
const server = await useServer({
  store: sqliteStore,
  instances: 2,
  tenants: {
    acme: open,
    codes: open,
    limited: open,
    domains: sampleTenant({ clients, registration: domains }),
    invited: sampleTenant({ clients, registration: { mode: 'invited' } }),
    off: sampleTenant({ clients }),
    unchecked: sampleTenant({
      clients,
      registration: {
        mode: 'open',
        check: { url: 'http://127.0.0.1:9/check', key: 'a-key-that-nobody-guesses' },
      },
    }),
    pageless: sampleTenant({ registration: { mode: 'open' } }),
  },
});

const dora = 'dora@acme.example';
const password = 'a fresh and long enough secret';
const post = (step: '' | '/verify' | '/finish', body: object, tenant = 'acme') =>
  askApi(server.issuer(tenant), `/registrations${step}`, {
    method: 'POST',
    body: { client_id: app.id, ...body },
  });
const begin = async (email: string, tenant = 'acme') => {
  const answer = await post('', { email }, tenant);
  for (const { afterAnswer } of server.instances) await afterAnswer.idle();
  return answer;
};
const mailTo = async (address: string, tenant = 'acme') => {
  const found = await server.instances[0]?.tenants.find(tenant);
  if (found?.status !== 'served') throw new Error(`no tenant ${tenant}`);
  return (await found.tenant.mail.shown(50)).find(({ to }) => to === address);
};
const codeTo = async (address: string, tenant?: string): Promise<string> =>
  /\b\d{8}\b/.exec((await mailTo(address, tenant))?.text ?? '')?.[0] ?? '';
/** The token of a proven address. */
const prove = async (email: string): Promise<string> => {
  const { body } = await begin(email);
  const proven = await post('/verify', {
    registration_id: body.registration_id,
    code: await codeTo(email),
  });
  return String(proven.body.token);
};

describe('an account made on pages of an app', () => {
  it('is there after code, name and password, and signs in', async () => {
    const begun = await begin('Dora@Acme.example');
    expect([begun.status, begun.body]).toEqual([
      202,
      { registration_id: expect.stringMatching(/^[\w-]{43}$/), code_expires_in: 600 },
    ]);
    const code = await codeTo(dora);
    const other = await begin('other@acme.example');
    const elsewhere = await post('/verify', { registration_id: other.body.registration_id, code });
    expect([elsewhere.status, elsewhere.body.error]).toEqual([400, 'invalid_code']);
    const proven = await post('/verify', { registration_id: begun.body.registration_id, code });
    expect([proven.status, proven.body]).toEqual([
      200,
      { token: expect.stringMatching(/^[\w-]{43}$/), expires_in: 1800 },
    ]);
    const { token } = proven.body;
    const made = await post('/finish', { token, name: 'Dora Dean', username: 'dora', password });
    expect([made.status, made.body]).toEqual([201, { sub: expect.any(String) }]);
    expect(await server.storage.forTenant('acme').accounts.findBySub(String(made.body.sub))).toMatchObject({
      ...{ username: 'dora', logins: ['dora', dora], emailVerified: true, roles: ['member'] },
    });
    const login = await askApi(server.issuer('acme'), '/login', {
      method: 'POST',
      body: { client_id: app.id, username: dora, password },
    });
    expect(login.status).toBe(200);
    const again = await post('/finish', { token, name: 'Dora Dean', password });
    expect([again.status, again.body.error]).toEqual([400, 'invalid_token']);
  });

  it('is made once by 20 callers', async () => {
    const token = await prove('many@acme.example');
    const tried = await Promise.all(
      Array.from({ length: 20 }, () => post('/finish', { token, name: 'Many', password })),
    );
    expect(tried.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const { status } of tried) expect([201, 400, 409]).toContain(status);
  });

  it('says what cannot be', async () => {
    const token = await prove('erin@acme.example');
    const errorOf = async (fields: object) => {
      const { status, body } = await post('/finish', { token, name: 'Erin', password, ...fields });
      return `${status} ${body.error}`;
    };
    expect(await errorOf({ token: 'x'.repeat(43) })).toBe('400 invalid_token');
    expect(await errorOf({ username: 'Alice' })).toBe('409 username_taken');
    expect(await errorOf({ username: 'root' })).toBe('400 username_refused');
    expect(await errorOf({ name: 'a\u202eb' })).toBe('400 name_refused');
    expect(await errorOf({ password: 'short' })).toBe('400 password_refused');
    await server.users('acme').add({ username: 'erin', password, email: 'erin@acme.example' });
    expect(await errorOf({})).toBe('409 account_exists');
  });

  it('begins alike whether there is an account', async () => {
    const known = await begin('alice@acme.example');
    const unknown = await begin('nobody@acme.example');
    const shapeOf = ({ status, body }: typeof known) => ({ status, names: Object.keys(body) });
    expect(shapeOf(known)).toEqual(shapeOf(unknown));
    expect((await mailTo('alice@acme.example'))?.subject).toBe('You have an account at Acme');
    const wrong = await post('/verify', { registration_id: known.body.registration_id, code: '00000000' });
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_code']);
  });

  it('takes five codes', async () => {
    const { body } = await begin(dora, 'codes');
    const code = await codeTo(dora, 'codes');
    const { registration_id } = body;
    const wrong = code === '12345678' ? '12345679' : '12345678';
    for (let n = 0; n < 5; n += 1)
      expect((await post('/verify', { registration_id, code: wrong }, 'codes')).status).toBe(400);
    expect((await post('/verify', { registration_id, code }, 'codes')).status).toBe(400);
  });

  it('limits the mails to an address', async () => {
    for (let n = 0; n < 5; n += 1) expect((await begin(dora, 'limited')).status).toBe(202);
    const refused = await begin(dora, 'limited');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  });

  it('is for the tenants, addresses and clients of the file alone', async () => {
    const refused = await begin('dora@example.com', 'domains');
    expect([refused.status, refused.body.error]).toEqual([403, 'registration_refused']);
    expect((await begin(dora, 'domains')).status).toBe(202);
    expect((await begin('no address', 'domains')).status).toBe(400);
    for (const tenant of ['off', 'invited', 'pageless']) expect((await begin(dora, tenant)).status).toBe(404);
    const unchecked = await begin(dora, 'unchecked');
    expect([unchecked.status, await mailTo(dora, 'unchecked')]).toEqual([503, undefined]);
    const page = await createBrowser().post(`${server.issuer('unchecked')}/register`, { email: dora });
    expect([page.status, textOf(page)]).toEqual([
      503,
      expect.stringContaining('Nobody can create an account'),
    ]);
    for (const { headers } of [unchecked, page]) expect(headers.get('retry-after')).toBe('30');
    expect(server.logLines().join('\n')).toContain('registration.check.url cannot be reached');

    const asClient = (client: object, step: '' | '/verify' | '/finish' = '') =>
      post(step, { email: 'x@acme.example', ...client });
    expect((await asClient({ client_id: web.id })).status).toBe(403);
    expect((await asClient({ client_id: backend.id })).status).toBe(401);
    expect((await asClient({ client_id: backend.id, client_secret: secretOf(backend.id) })).status).toBe(202);
    const token = { token: 'x', name: 'X', password };
    expect((await post('/finish', { ...token, client_id: web.id })).status).toBe(403);
    expect((await post('/verify', { registration_id: 'x', code: 'x', client_id: web.id })).status).toBe(403);
  });

  it('is for the origins of the client', async () => {
    const from = (origin: string) =>
      fetch(`${server.issuer('acme')}/api/v1/registrations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin },
        body: JSON.stringify({ client_id: app.id, email: 'frank@acme.example' }),
      });
    const own = await from(appOrigin);
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([202, appOrigin]);
    expect((await from('https://evil.example')).status).toBe(400);
  });
});
