import { afterEach, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  type AuthorizationRequest,
  goToAuthorization,
  postAs,
  prepareAuthorization,
  redeem,
  signIn,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { alice, appRedirect, desktop, sampleTenant, shop, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({ store: sqliteStore, instances: 2 });
const issuer = server.issuer('acme');
const request: AuthorizationRequest = { issuer, client: web };
afterEach(restoreTime);

it('takes an e-mail address in any spelling for a user name', async () => {
  const byName = await tokensFor(createBrowser(), request);
  const byMail = await tokensFor(createBrowser(), request, {
    username: ' Alice@ACME.example',
    password: alice.password,
  });
  const subOf = async (token: string) => (await userinfo(issuer, token)).body.sub;
  expect(await subOf(byMail.access_token)).toBe(await subOf(byName.access_token));
});

it('answers the issuer itself as the authorization endpoint', async () => {
  const { url } = prepareAuthorization(request);
  const page = await createBrowser().get(url.replace('/auth?', '?'));
  expect(page.location).toMatch(new RegExp(`^${issuer}/interaction/`));
});

it('takes the request as a form, which the browser sends on with its session', async () => {
  const browser = createBrowser();
  await signIn(browser, request);
  const { url, state } = prepareAuthorization(request);
  const { search, searchParams } = new URL(url);
  const answer = await browser.post(`${issuer}/auth`, Object.fromEntries(searchParams));
  expect(answer).toMatchObject({ status: 303, location: `${issuer}/auth${search}` });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const { location = '' } = await browser.follow(answer, (target) => target.startsWith(appRedirect));
  const returned = Object.fromEntries(new URL(location).searchParams);
  expect(returned).toEqual({ code: expect.any(String), state, iss: issuer });
});

it('takes no form that is none, too long, or says something twice', async () => {
  const post = (body: URLSearchParams | string, type = 'application/x-www-form-urlencoded') =>
    fetch(`${issuer}/auth`, { method: 'POST', body, headers: { 'content-type': type }, redirect: 'manual' });
  expect((await post('{"client_id":"web"}', 'application/json')).status).toBe(400);
  expect((await post(`client_id=web&state=${'x'.repeat(12_000)}`)).status).toBe(400);
  const twice = await post('client_id=web&client_id=shop');
  expect(twice.headers.get('location')).toBe(`${issuer}/auth?client_id=web&client_id=shop`);
});

it('signs in without an app when the issuer is opened without parameters', async () => {
  const browser = createBrowser();
  const login = await browser.follow(await browser.get(issuer));
  const account = await browser.follow(
    await browser.submit(login, { login: alice.username, password: alice.password }),
  );
  expect(account).toMatchObject({ status: 200, url: `${issuer}/account` });
  expect(account.body).toContain('Alice Adams');
  expect((await signIn(browser, request)).seen).toEqual([]);
});

it('returns state and iss with a code', async () => {
  const { returned, state } = await signIn(createBrowser(), request);
  expect(Object.fromEntries(returned)).toEqual({ code: expect.any(String), state, iss: issuer });
});

it('returns state and iss with an error', async () => {
  const prepared = prepareAuthorization({ ...request, extra: { code_challenge: 'short' } });
  const { location } = await createBrowser().get(prepared.url);
  expect(Object.fromEntries(new URL(location ?? '').searchParams)).toMatchObject({
    error: 'invalid_request',
    state: prepared.state,
    iss: issuer,
  });
});

it('returns access_denied when the person goes back', async () => {
  const browser = createBrowser();
  const prepared = prepareAuthorization(request);
  const login = await goToAuthorization(browser, prepared, appRedirect);
  const back = await browser.follow(await browser.submit(login, {}, 1), (url) => url.startsWith(appRedirect));
  expect(Object.fromEntries(new URL(back.location ?? '').searchParams)).toMatchObject({
    error: 'access_denied',
    state: prepared.state,
    iss: issuer,
  });
});

it.each([
  ['an unknown client', { client_id: 'nobody' }],
  ['no client', { client_id: undefined }],
  ['no redirect', { redirect_uri: undefined }],
])('shows a page, and goes nowhere, for %s', async (_name, extra) => {
  const page = await createBrowser().get(prepareAuthorization({ ...request, extra }).url);
  expect(page).toMatchObject({ status: 400, location: undefined });
  expect(page.headers.get('content-type')).toContain('text/html');
});

it('asks again after a wrong password, and reveals nothing about who exists', async () => {
  const pages = await Promise.all(
    [alice.username, 'nobody-at-all'].map(async (login) => {
      const browser = createBrowser();
      const form = await goToAuthorization(browser, prepareAuthorization(request), appRedirect);
      const page = await browser.submit(form, { login, password: 'not the password' });
      const neutral = page.body
        .replace(`value="${login}"`, '')
        .replace(/interaction\/[\w-]+/g, '')
        .replace(/&quot;challenge&quot;:&quot;[\w-]+/g, '')
        .replace(/name="csrf" value="[^"]+"/g, '');
      return { status: page.status, body: neutral };
    }),
  );
  expect(pages[0]?.status).toBe(400);
  expect(pages[0]).toEqual(pages[1]);
});

it('knows no implicit and no hybrid flow', async () => {
  for (const type of ['id_token', 'code id_token', 'token', 'none']) {
    const { url } = prepareAuthorization({ ...request, extra: { response_type: type, nonce: 'n-0S6' } });
    const { location } = await createBrowser().get(url);
    expect(location).toContain('error=unsupported_response_type');
  }
});

it('refuses an unknown grant type, and one that the client does not list', async () => {
  const unknown = await tokenRequest(issuer, web, { grant_type: 'urn:example:other' });
  expect(unknown).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
  const unlisted = await tokenRequest(issuer, web, { grant_type: 'client_credentials' });
  expect(unlisted).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
  expect(unlisted.body.access_token).toBeUndefined();
  const device = await postAs(desktop, `${issuer}/device/auth`, { form: {} });
  expect(device).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
});

it('leaves out a scope that there is not, and says so', async () => {
  const { body } = await redeem(
    request,
    await signIn(createBrowser(), { ...request, scope: 'openid profile telepathy' }),
  );
  expect(body.scope).toBe('openid profile');
  const lines = server.logLines().filter((line) => line.includes('telepathy'));
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ level: 'debug', clientId: web.id, scopes: ['telepathy'] }),
  ]);
});

it('refuses a client that there is not', async () => {
  const answer = await tokenRequest(
    issuer,
    { id: 'nobody', secret: 'x' },
    { grant_type: 'client_credentials' },
  );
  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

it('answers prompt=none with login_required without a session', async () => {
  const prepared = prepareAuthorization({ ...request, extra: { prompt: 'none' } });
  const { location } = await createBrowser().get(prepared.url);
  expect(Object.fromEntries(new URL(location ?? '').searchParams)).toMatchObject({
    error: 'login_required',
    state: prepared.state,
    iss: issuer,
  });
});

it('answers prompt=none with a code in a session', async () => {
  const browser = createBrowser();
  await signIn(browser, request);
  const silent = await signIn(browser, { issuer, client: shop, extra: { prompt: 'none' } });
  expect(silent.seen).toEqual([]);
  expect((await redeem({ issuer, client: shop }, silent)).status).toBe(200);
});

it('asks for the password again on prompt=login', async () => {
  const browser = createBrowser();
  await signIn(browser, request);
  expect((await signIn(browser, { ...request, extra: { prompt: 'login' } })).seen).toEqual(['login']);
});

it('asks for the password again when the sign-in is older than max_age', async () => {
  const browser = createBrowser();
  await signIn(browser, request);
  expect((await signIn(browser, { ...request, extra: { max_age: '100' } })).seen).toEqual([]);
  moveTime(101);
  const late = await signIn(browser, { ...request, extra: { max_age: '100' } });
  expect(late.seen).toEqual(['login']);
  const { body } = await redeem(request, late);
  const [, payload = ''] = (body.id_token ?? '').split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { auth_time: number };
  expect(claims.auth_time).toBe(Math.floor(Date.now() / 1000));
});

it('asks for the password again when the session is over', async () => {
  const browser = createBrowser();
  await signIn(browser, request);
  moveTime(14 * 24 * 3600 + 1);
  expect((await signIn(browser, request)).seen).toEqual(['login']);
});

it('asks a disabled person, who has a session, to sign in, and lets them not', async () => {
  const person = { username: 'dora', password: 'shall be disabled soon' };
  await server.users('acme').add(person);
  const browser = createBrowser();
  await signIn(browser, request, person);
  await server.users('acme').disable('dora');
  const page = await goToAuthorization(browser, prepareAuthorization(request), appRedirect);
  expect(page).toMatchObject({ status: 200, location: undefined });
  const again = await browser.submit(page, { login: person.username, password: person.password });
  expect(again.status).toBe(400);
});

it('lets strangers of one address begin only so much, and says when they may again', async () => {
  const throttle = { startAddress: { attempts: 3, window: '1m' } };
  await server.putTenant('busy', sampleTenant({ throttle }));
  const busy = server.issuer('busy');
  const { url } = prepareAuthorization({ issuer: busy, client: web });
  const signedIn = createBrowser();
  await signIn(signedIn, { issuer: busy, client: web });
  for (let i = 0; i < 2; i += 1) expect((await createBrowser().get(url)).status).toBe(303);

  const refused = await createBrowser().get(url);
  expect(refused).toMatchObject({ status: 429, location: undefined });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  expect(refused.body).toContain('Too many attempts');
  const pushed = await fetch(`${busy}/request`, {
    method: 'POST',
    body: new URLSearchParams(Object.fromEntries(new URL(publicRequest(busy)).searchParams)),
  });
  expect(pushed.status).toBe(429);
  expect(Number(pushed.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await pushed.json()).toMatchObject({ error: 'too_many_requests' });

  for (const path of ['device', 'session/end']) {
    const page = await createBrowser().get(`${busy}/${path}`);
    expect({ path, status: page.status }).toEqual({ path, status: 429 });
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(page.body).toContain('Too many attempts');
  }

  // neither a person who is signed in nor a client that has proven itself is a stranger
  expect((await signedIn.get(`${url}&prompt=login`)).status).toBe(303);
  const form = Object.fromEntries(new URL(url).searchParams);
  expect((await postAs(web, `${busy}/request`, { form })).status).toBe(201);
  moveTime(61);
  expect((await createBrowser().get(url)).status).toBe(303);
  expect((await createBrowser().get(`${busy}/device`)).status).toBe(200);
});

const publicRequest = (at: string): string => prepareAuthorization({ issuer: at, client: desktop }).url;
