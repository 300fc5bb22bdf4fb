// Keys that people make for themselves: a program that knows no second factor signs in with one.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { type Answer, redeem, tokensFor } from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-http.ts';
import { alice, sampleTenant, web } from '../support/sample-tenants.ts';
import { afterPassword, setUpApp } from '../support/second-factor.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { type Service, startService } from '../support/service.ts';
import { shownMails } from '../support/shown-mails.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const clock = createTestClock(Date.now());
const day = 86_400;
let service: Service;
let server: TestServer;

const behind = (name: string) =>
  serviceOf(name, {
    host: `${name}.test`,
    target: {
      url: service.url,
      connectTimeoutMs: 2000,
      timeoutMs: 5000,
      idleTimeoutMs: 60_000,
      hostHeader: 'public',
      authorization: 'none',
    },
  });

beforeAll(async () => {
  service = await startService({
    answer: (req, res) => {
      res.end(`${req.headers['remote-user']} by ${req.headers['x-auth-method']}`);
    },
  });
  server = await startTestServer({
    store: sqliteStore,
    clock,
    tenants: {
      acme: sampleTenant({
        secondFactor: { required: { everyone: true } },
        apiKeys: { maximumAge: '90d', own: { services: ['mail', 'files'] } },
      }),
      globex: sampleTenant({ apiKeys: { own: { services: ['files'] } } }),
      none: sampleTenant(),
    },
    settings: { gateway: { services: [behind('mail'), behind('files'), behind('payroll')] } },
  });
});
afterAll(async () => {
  await server.close();
  await service.close();
});

/** The answer of a service to a program that sends a name and this password. */
const at = (host: string, password: string, tenant = 'acme') =>
  rawRequest({
    port: Number(new URL(server.publicUrl).port),
    target: '/',
    headers: [
      `Host: ${host}.test`,
      `X-ID-TENANT-NAME: ${tenant}`,
      `Authorization: Basic ${Buffer.from(`${alice.username}:${password}`).toString('base64')}`,
    ],
  });

/** Of a person who has set up the second factor that the tenant asks for. */
const tokenWithFactor = async (): Promise<string> => {
  const request = { issuer: server.issuer('acme'), client: web, scope: 'openid account' };
  const browser = createBrowser();
  const { page, prepared } = await afterPassword(browser, request);
  const { redirectUri } = web;
  const { done } = await setUpApp(browser, page, { redirectUri, nowMs: clock.now });
  const code = new URL(done.location ?? done.url).searchParams.get('code') ?? '';
  return String((await redeem(request, { ...prepared, code })).body.access_token);
};

describe('what the tenant allows', () => {
  it('ends a key at a service that is no longer allowed', async () => {
    const { apiKeys, accounts } = await servedTenant(server, 'globex');
    await accounts.seed();
    const owner = await server.storage.forTenant('globex').accounts.findByLogin(alice.username);
    if (owner === undefined) throw new Error('alice was expected');
    const wanted = { services: ['mail', 'files'], isOwn: true } as const;
    const made = await apiKeys.create(owner, wanted, { actor: owner.sub });
    if (!made.ok) throw new Error(made.message);
    const statusAt = async (host: string) => (await at(host, made.secret, 'globex')).status;
    expect([await statusAt('files'), await statusAt('mail')]).toEqual([200, 403]);
  });

  it('is nothing unless its file says so', async () => {
    const issuer = server.issuer('none');
    const request = { issuer, client: web, scope: 'openid account' };
    const { access_token: token } = await tokensFor(createBrowser(), request);
    const ask = (method: string, body?: object) =>
      askApi(issuer, '/account/keys', {
        ...{ method, token },
        ...(body === undefined ? {} : { body }),
      });
    expect((await ask('GET')).body).toEqual({ keys: [], services: [] });
    expect((await ask('POST', { note: 'Mail' })).status).toBe(404);
  });
});

describe('the page of keys', () => {
  it('makes a key without JavaScript, shows it once, renews and revokes it', async () => {
    const browser = createBrowser();
    const issuer = server.issuer('globex');
    const form = await browser.follow(await browser.get(`${issuer}/account/keys/new`));
    const send = async (page: Page, fields: Readonly<Record<string, string>>, end = ''): Promise<Page> => {
      const actions = [...page.body.matchAll(/<form[^>]* action="([^"]*)"/g)];
      const index = actions.findIndex(([, action = '']) => action.endsWith(end));
      return browser.follow(await browser.submit(page, fields, index));
    };
    const asked = await send(form, { login: alice.username, password: alice.password });
    expect(asked.body).toContain('name="service:files"');
    const empty = await send(asked, { note: '  ' });
    expect(empty.body).toContain('Write in a few words what the key is for.');
    const shown = await send(empty, { note: 'Old mail program' });
    const secretOf = ({ body }: Page): string =>
      /<code class="secret">(db_\w+)<\/code>/.exec(body)?.[1] ?? '';
    expect((await at('files', secretOf(shown), 'globex')).status).toBe(200);
    const list = await browser.get(`${issuer}/account/keys`);
    expect(list.body).toContain('Old mail program');
    expect(list.body).not.toContain(secretOf(shown).slice(20));
    const renewed = await send(list, {}, '/rotate');
    expect((await at('files', secretOf(renewed), 'globex')).status).toBe(200);
    const revoked = await send(await browser.get(`${issuer}/account/keys`), {}, '/revoke');
    expect(revoked.body).toContain('The key is revoked.');
    expect((await at('files', secretOf(renewed), 'globex')).status).toBe(401);
  });

  it('is shown where nobody may make keys, and the form is not', async () => {
    const browser = createBrowser();
    const login = await browser.follow(await browser.get(`${server.issuer('none')}/account/keys`));
    const list = await browser.follow(
      await browser.submit(login, { login: alice.username, password: alice.password }),
    );
    expect(list.body).toContain('You have no API keys.');
    expect((await browser.get(`${server.issuer('none')}/account/keys/new`)).status).toBe(404);
  });
});

interface MadeKey {
  readonly key: { readonly id: string; readonly expires_at: number };
  readonly secret: string;
}
const madeOf = ({ status, body }: Answer): MadeKey => {
  if (status >= 300) throw new Error(JSON.stringify(body));
  return body as unknown as MadeKey;
};

describe('a key that a person makes', () => {
  let token: string;
  beforeAll(async () => {
    token = await tokenWithFactor();
  });
  const ask = (method: string, path = '', body?: object): Promise<Answer> =>
    askApi(server.issuer('acme'), `/account/keys${path}`, {
      ...{ method, token },
      ...(body === undefined ? {} : { body }),
    });
  const subjects = async (): Promise<readonly string[]> =>
    (await shownMails(server, 'acme')).map(({ subject }) => subject);

  it('is the password of a program, where the password alone is not enough', async () => {
    expect((await at('mail', alice.password)).status).toBe(401);
    const made = madeOf(await ask('POST', '', { note: 'Old mail program' }));
    expect(made).toMatchObject({ key: { note: 'Old mail program', own: true, services: ['mail', 'files'] } });
    expect(made.key.expires_at).toBe(Math.floor(clock.now() / 1000) + 90 * day);
    for (const host of ['mail', 'files'])
      expect(await at(host, made.secret)).toMatchObject({
        status: 200,
        body: expect.stringContaining('alice by apikey'),
      });
    expect((await at('payroll', made.secret)).status).toBe(403);
    expect(await subjects()).toContain('An API key was made for your account');
    expect(JSON.stringify((await ask('GET')).body)).not.toContain(made.secret.slice(20));
  });

  it('opens fewer services if the person says so, and never others', async () => {
    const { secret } = madeOf(await ask('POST', '', { note: 'Scanner', services: ['files'] }));
    expect([(await at('files', secret)).status, (await at('mail', secret)).status]).toEqual([200, 403]);
    const foreign = await ask('POST', '', { note: 'Wages', services: ['payroll'] });
    expect([foreign.status, foreign.body.error_description]).toEqual([
      400,
      'A key of your own is for one or more of these services: mail, files.',
    ]);
    const long = await ask('POST', '', { note: 'Long', expires_in: 91 * day });
    expect([long.status, long.body.error]).toEqual([400, 'invalid_request']);
  });

  it('is rotated with an overlap, and revoked, with a mail each time', async () => {
    const { key, secret } = madeOf(await ask('POST', '', { note: 'Calendar' }));
    const next = madeOf(await ask('POST', `/${key.id}/rotation`));
    expect([(await at('mail', secret)).status, (await at('mail', next.secret)).status]).toEqual([200, 200]);
    expect((await ask('DELETE', `/${key.id}`)).status).toBe(204);
    expect((await ask('DELETE', `/${key.id}`)).status).toBe(404);
    expect([(await at('mail', secret)).status, (await at('mail', next.secret)).status]).toEqual([401, 401]);
    expect(await subjects()).toEqual(
      expect.arrayContaining([
        'An API key of your account was revoked',
        'An API key of your account was renewed',
      ]),
    );
  });

  it('is changed by nobody else, and one that an operator has made is not renewed', async () => {
    const { apiKeys } = await servedTenant(server, 'acme');
    const people = server.storage.forTenant('acme').accounts;
    const other = await server.users('acme').add({ username: 'ci', isSystem: true });
    const own = await people.findByLogin(alice.username);
    if (!other.ok || own === undefined) throw new Error('two users were expected');
    const idOf = async (owner: typeof own): Promise<string> => {
      const made = await apiKeys.create(owner, {}, { actor: 'cli' });
      if (!made.ok) throw new Error(made.message);
      return made.key.id;
    };
    const foreign = await idOf(other.account);
    expect((await ask('POST', `/${foreign}/rotation`)).status).toBe(404);
    expect((await ask('DELETE', `/${foreign}`)).status).toBe(404);
    const byOperator = await idOf(own);
    expect((await ask('POST', `/${byOperator}/rotation`)).status).toBe(404);
    expect((await ask('DELETE', `/${byOperator}`)).status).toBe(204);
  });

  it('is made and revoked only after a sign-in of the last five minutes', async () => {
    const { key } = madeOf(await ask('POST', '', { note: 'Late' }));
    clock.advance(301_000);
    for (const answer of [
      await ask('POST', '', { note: 'Later' }),
      await ask('POST', `/${key.id}/rotation`),
      await ask('DELETE', `/${key.id}`),
    ])
      expect([answer.status, answer.body.error]).toEqual([401, 'insufficient_user_authentication']);
    expect((await ask('GET')).body.keys).toContainEqual(expect.objectContaining({ id: key.id }));
  });
});
