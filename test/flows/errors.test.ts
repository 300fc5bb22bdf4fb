import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hashId } from '../../src/crypto/ids.ts';
import { findRefusal } from '../../src/oidc/provider/refusal-records.ts';
import type { ArtifactKind } from '../../src/storage/artifact-kind.ts';
import { databaseFile } from '../../src/storage/sqlite/connection.ts';
import { type Database, loadDriver } from '../../src/storage/sqlite/driver.ts';
import { createBrowser } from '../support/browser.ts';
import { pollDevice, startDevice } from '../support/device.ts';
import { dumpStore } from '../support/dump-store.ts';
import {
  basicAuthorization,
  introspect,
  prepareAuthorization,
  redeem,
  refresh,
  revoke,
  signIn,
  tokenRequest,
  userinfo,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, bob, migrator, ordersResource, service, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({ store: sqliteStore });
const issuer = server.issuer('acme');

/** The log lines that carry this error id. */
const loggedAs = (errorId: string | null): readonly Record<string, unknown>[] =>
  server
    .logLines()
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line.errorId === errorId);

const form = { 'content-type': 'application/x-www-form-urlencoded' };

describe('an answer of Drawbridge itself', () => {
  const askFor = (path: string, accept: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.publicUrl}${path}`, { ...init, headers: { accept, ...init.headers } });

  it.each([
    ['/nowhere', 404],
    ['/oauth/nobody/jwks', 404],
    ['/oauth/acme/interaction/xxxxxxxxxxxxxxxxxxxxx', 404],
    ['/oauth/acme/device/qr', 400],
  ])('%s says what is wrong and bears an id that is in the log beside the cause', async (path, status) => {
    for (const accept of ['application/json', 'text/html', '*/*']) {
      const answer = await askFor(path, accept);
      const errorId = answer.headers.get('x-error-id');
      const body = await answer.text();

      expect(answer.status).toBe(status);
      expect(answer.headers.get('x-error')).toMatch(/^[\x20-\x7e]+$/);
      expect(errorId).toMatch(/^[0-9a-f]{16}$/);
      expect(answer.headers.get('content-type')).toContain(accept === 'text/html' ? 'text/html' : 'json');
      if (accept === 'text/html') expect(body).toContain(errorId);
      else expect(JSON.parse(body)).toMatchObject({ error: expect.any(String) });
      const lines = loggedAs(errorId);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ requestId: answer.headers.get('x-request-id'), status });
      expect(JSON.stringify(lines[0])).toMatch(/error/);
    }
  });

  it('has another id each time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => askFor('/nowhere', '*/*')));

    expect(new Set(answers.map(({ headers }) => headers.get('x-error-id'))).size).toBe(20);
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(20);
  });

  it('to a form that is no form is a 400', async () => {
    const path = `/oauth/acme/interaction/${'x'.repeat(21)}/login`;
    const bodies = [
      { headers: form, body: 'login[$ne]=&password=x&csrf=x' },
      { headers: form, body: 'login=a&login=b&password=x&csrf=x' },
      {
        headers: { 'content-type': 'application/json' },
        body: '{"login":{"$ne":""},"password":{"$gt":""}}',
      },
      { headers: { 'content-type': 'text/plain' }, body: 'login=alice' },
      { headers: form, body: '__proto__[x]=1&csrf=x' },
      { headers: form, body: 'csrf=%E0%A4%A' },
    ];
    for (const { headers, body } of bodies) {
      const answer = await askFor(path, 'application/json', { method: 'POST', headers, body });
      expect({ body, status: answer.status }).toEqual({ body, status: expect.any(Number) });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
  });
});

describe('an OAuth endpoint', () => {
  it.each([
    ['token', () => tokenRequest(issuer, service, { grant_type: 'nonsense' }), 400],
    [
      'token, wrong secret',
      () => tokenRequest(issuer, { ...service, secret: 'x' }, { grant_type: 'x' }),
      401,
    ],
    ['introspection', () => introspect(issuer, { ...service, secret: 'x' }, 'x'), 401],
    ['revocation', () => revoke(issuer, { ...service, secret: 'x' }, 'x'), 401],
    ['userinfo', () => userinfo(issuer, 'no-such-token'), 401],
    ['device poll', () => pollDevice(issuer, { device_code: 'x' }), 400],
  ])(
    '(%s) answers JSON of the protocol, even to a browser, and the id is in the log',
    async (_name, ask, status) => {
      const answer = await ask();
      const errorId = answer.headers.get('x-error-id');

      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toContain('application/json');
      expect(answer.headers.get('cache-control')).toContain('no-store');
      expect(answer.body.error).toMatch(/^[a-z_]+$/);
      expect(answer.headers.get('x-error')).toBe(answer.body.error_description);
      expect(errorId).toMatch(/^[0-9a-f]{16}$/);
      expect(loggedAs(errorId)).toEqual([
        expect.objectContaining({ tenant: 'acme', error: answer.body.error }),
      ]);
    },
  );

  it('asked by a browser answers JSON all the same', async () => {
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { ...form, accept: 'text/html', ...basicAuthorization(service) },
      body: 'grant_type=nonsense',
    });

    expect(answer.headers.get('content-type')).toContain('application/json');
  });

  it('that people visit answers with a page to a browser', async () => {
    const page = await createBrowser().get(
      prepareAuthorization({ issuer, client: web, extra: { redirect_uri: 'https://evil.example/' } }).url,
    );
    const errorId = page.headers.get('x-error-id');

    expect(page.status).toBe(400);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.location).toBeUndefined();
    expect(textOf(page)).toContain(errorId);
    expect(loggedAs(errorId).length).toBeGreaterThanOrEqual(1);
  });
});

describe('an answer that cannot be stored', () => {
  let file: Database;
  beforeEach(async () => {
    file = (await loadDriver())(databaseFile(server.storeUrl.slice('file:'.length)));
    file.exec('BEGIN IMMEDIATE'); // reads go on, writes wait for as long as they may
  });
  afterEach(() => {
    file.exec('ROLLBACK');
    file.close();
  });

  it.each(['text/html', 'application/json'])('is withdrawn whole, for %s', async (accept) => {
    const { url } = prepareAuthorization({ issuer, client: web });
    const answer = await fetch(url, { redirect: 'manual', headers: { accept } });
    const { headers } = answer;

    expect(answer.status).toBe(503);
    expect({ location: headers.get('location'), cookies: headers.getSetCookie() }).toEqual({
      location: null,
      cookies: [],
    });
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(headers.get('x-error')).toMatch(/try again/);
    expect(headers.get('content-type')).toContain(accept);
  });
});

describe('an unknown error', () => {
  /** Nothing of ours writes such a record. */
  const destroy = async (kind: ArtifactKind, id: string): Promise<void> => {
    const { artifacts } = server.storage.forTenant('acme');
    const [artifact] = (await artifacts.load([{ kind, id: hashId(id) }])).artifacts;
    if (artifact === undefined) throw new Error(`there is no ${kind}`);
    await artifacts.write([{ op: 'put', artifact: { ...artifact, payload: '{"secret-of-the-store' } }]);
  };

  it('is a page with 500 that says nothing, with its stack in the log alone', async () => {
    const browser = createBrowser();
    const login = await browser.follow(await browser.get(prepareAuthorization({ issuer, client: web }).url));
    await destroy('Interaction', new URL(login.url).pathname.split('/').at(-1) ?? '');
    const page = await browser.get(login.url);

    expect(page.status).toBe(500);
    expect(page.headers.get('x-error')).toMatch(/error id/);
    expect(page.body).not.toMatch(/SyntaxError|JSON|secret-of-the-store|node_modules|node:|\.ts:/);
    expect(JSON.stringify(loggedAs(page.headers.get('x-error-id')))).toMatch(/SyntaxError.*stack/);
  });

  it('at an OAuth endpoint is a server_error that says nothing', async () => {
    const { body } = await tokenRequest(issuer, service, { grant_type: 'client_credentials' });
    await destroy('ClientCredentials', body.access_token ?? '');
    const answer = await introspect(issuer, service, body.access_token ?? '');

    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ error: 'server_error' });
    expect(JSON.stringify(answer.body)).not.toMatch(/SyntaxError|JSON|secret-of-the-store/);
    expect(answer.headers.get('x-error')).toMatch(/error id/);
    expect(JSON.stringify(loggedAs(answer.headers.get('x-error-id')))).toMatch(/SyntaxError.*stack/);
  });
});

it('no secret of any flow comes into the log, the store or an error', async () => {
  const browser = createBrowser();
  const request = {
    issuer,
    client: web,
    scope: 'openid offline_access profile',
    extra: { prompt: 'consent', nonce: 'n-0S6_WzA2Mj' },
  };
  const signedIn = await signIn(browser, request);
  const answers: string[] = [];
  const keep = (answer: { readonly status: number; readonly body: unknown }): void => {
    if (answer.status >= 400) answers.push(JSON.stringify(answer.body));
  };
  const first = await redeem(request, signedIn);
  const rotated = await refresh(issuer, web, first.body.refresh_token);
  keep(await redeem(request, { ...signedIn, verifier: 'w'.repeat(43) }));
  const password = await tokenRequest(issuer, migrator, {
    grant_type: 'password',
    ...bob,
    scope: 'openid',
  });
  keep(
    await tokenRequest(issuer, migrator, {
      grant_type: 'password',
      username: 'bob',
      password: 'a-wrong-guess',
    }),
  );
  const machine = await tokenRequest(issuer, service, { grant_type: 'client_credentials' });
  const jwt = await tokenRequest(issuer, service, {
    grant_type: 'client_credentials',
    resource: ordersResource,
  });
  await introspect(issuer, web, first.body.access_token ?? '');
  await introspect(issuer, service, jwt.body.access_token ?? '');
  keep(await userinfo(issuer, `${first.body.access_token}x`));
  keep(await introspect(issuer, { ...service, secret: 'not-its-secret' }, machine.body.access_token ?? ''));
  const device = await startDevice(issuer);
  keep(await pollDevice(issuer, device));
  keep(await refresh(issuer, web, `${rotated.body.refresh_token}x`));
  const sessions = browser
    .cookies()
    .filter(({ name }) => name.endsWith('session'))
    .map(({ value }) => value);
  const lateCode = await fetch(`${issuer}/account/callback?code=${signedIn.code}x&error=x`);
  answers.push(await lateCode.text());
  // a request that went astray carries what its query carries
  for (const path of ['/nowhere', '/', '/assets/x', '/oauth/nobody/auth', '/oauth/acme/nowhere']) {
    const answer = await fetch(`${server.publicUrl}${path}?code=${signedIn.code}`);
    keep({ status: answer.status, body: await answer.text() });
  }

  const secrets: Readonly<Record<string, string | undefined>> = {
    'password of alice': alice.password,
    'password of bob': bob.password,
    'wrong password': 'a-wrong-guess',
    'secret of web': web.secret,
    'secret of service': service.secret,
    'wrong secret': 'not-its-secret',
    code: signedIn.code,
    verifier: signedIn.verifier,
    'access token': first.body.access_token,
    'refresh token': first.body.refresh_token,
    'rotated refresh token': rotated.body.refresh_token,
    'token by password': password.body.access_token,
    'ID token': first.body.id_token,
    'token of a machine': machine.body.access_token,
    'JWT of a machine': jwt.body.access_token,
    'device code': device.device_code,
    'session cookie': sessions[0],
  };
  expect(Object.entries(secrets).filter(([, value]) => value === undefined || value.length < 8)).toEqual([]);
  const places = {
    log: server.logLines().join('\n'),
    store: await dumpStore(server.storeUrl),
    errors: answers.join('\n'),
  };
  for (const [place, text] of Object.entries(places)) {
    const found = Object.entries(secrets).filter(([, value]) => text.includes(value as string));
    expect({ place, found: found.map(([name]) => name) }).toEqual({ place, found: [] });
  }
  const userCode = device.user_code.replace('-', '');
  expect(places.log + places.errors).not.toMatch(new RegExp(`${device.user_code}|${userCode}`));
  expect(places.errors).not.toMatch(/node_modules|\.ts:\d|at [A-Za-z.]+ \(/);
  expect(places.log).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY/);
});

describe('a refused authorization request', () => {
  const explained = async (errorId: string | null) =>
    findRefusal(server.storage.forTenant('acme'), errorId ?? '');
  const askedWith = (extra: Readonly<Record<string, string>>, accept = 'text/html') =>
    fetch(prepareAuthorization({ issuer, client: web, extra }).url, {
      redirect: 'manual',
      headers: { accept },
    });

  it('for a wrong redirect_uri is explained in the log, in the store and, on loopback, on the page', async () => {
    const came = `${web.redirectUri}/`;
    const page = await askedWith({ redirect_uri: came });
    const html = await page.text();
    const errorId = page.headers.get('x-error-id');
    const address = expect.objectContaining({
      parameter: 'redirect_uri',
      came,
      registered: expect.arrayContaining([web.redirectUri]),
      difference: `differs from ${web.redirectUri} in the path only`,
    });

    expect(page.status).toBe(400);
    for (const text of [came, web.redirectUri, 'acme.yaml', 'redirect_uris:', '&quot;'])
      expect(html).toContain(text);
    expect(loggedAs(errorId)).toContainEqual(
      expect.objectContaining({
        clientId: web.id,
        address,
        advice: expect.stringContaining('redirect_uris'),
      }),
    );
    expect(await explained(errorId)).toMatchObject({
      error: 'invalid_redirect_uri',
      clientId: web.id,
      isClientKnown: true,
      address,
      status: 400,
    });
  });

  it('for an unknown client names it and those that there are', async () => {
    const page = await askedWith({ client_id: 'nobody' });
    const html = await page.text();

    expect(html).toContain('token_endpoint_auth_method: none');
    expect(html).toContain(web.id);
    expect(await explained(page.headers.get('x-error-id'))).toMatchObject({
      error: 'invalid_client',
      clientId: 'nobody',
      isClientKnown: false,
      knownClients: expect.arrayContaining([web.id]),
      remedy: expect.stringContaining('add a client nobody'),
    });
  });

  it('keeps neither more of a parameter than a line, nor a character that could hide another', async () => {
    const answer = await askedWith({ client_id: `x\u202e\n${'y'.repeat(3000)}` }, 'application/json');
    const kept = await explained(answer.headers.get('x-error-id'));

    expect(kept?.clientId?.length).toBeLessThanOrEqual(256);
    expect(kept?.clientId).toMatch(/^x\\u\{202e\}\\u\{a\}y+…$/);
  });

  it('is found by the id of a JSON answer too, without its secrets', async () => {
    const answer = await tokenRequest(
      issuer,
      { ...web, secret: 'a-wrong-secret' },
      {
        grant_type: 'authorization_code',
        code: 'a-secret-code',
        redirect_uri: web.redirectUri,
      },
    );
    const kept = await explained(answer.headers.get('x-error-id'));

    expect(kept).toMatchObject({ error: 'invalid_client', clientId: web.id, route: 'token', status: 401 });
    expect(JSON.stringify(kept)).not.toMatch(/a-wrong-secret|a-secret-code/);
  });

  it('cannot fill the store', async () => {
    const written = (): number => server.trips().filter((trip) => trip.includes('write')).length;
    written();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => tokenRequest(issuer, web, { grant_type: 'nonsense' })),
    );

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 400));
    expect(written()).toBeLessThanOrEqual(60); // two minutes, at most
    const [last] = await Promise.all([tokenRequest(issuer, web, { grant_type: 'nonsense' })]);
    expect(last?.headers.get('x-error-id')).toMatch(/^[0-9a-f]{16}$/);
  });
});
