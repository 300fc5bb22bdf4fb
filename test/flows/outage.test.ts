import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { enterCode, pollDevice, startDevice } from '../support/device.ts';
import { app, challenge, directClients, firstRequest } from '../support/direct-login.ts';
import { eventually } from '../support/eventually.ts';
import { type Mongod, startMongod } from '../support/mongod.mjs';
import {
  goToAuthorization,
  introspect,
  pkce,
  postAs,
  prepareAuthorization,
  redeem,
  refresh,
  revoke,
  signIn,
  toAnswer,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  alice,
  desktop,
  migrator,
  sampleClients,
  sampleTenant,
  service,
  tv,
  web,
} from '../support/sample-tenants.ts';
import { mongoUrl } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const limitMs = 3000;

interface Seen {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly errorId: string | null;
  readonly isInTime: boolean;
  /** Of anything that would have been issued. */
  readonly issued: readonly string[];
  /** What the log says of an answer that is nobody's fault but ours. */
  readonly faults: readonly string[];
}

const refused: Seen = {
  status: 503,
  retryAfter: expect.stringMatching(/^\d+$/) as never,
  errorId: expect.any(String) as never,
  isInTime: true,
  issued: [],
  faults: [],
};

const issuedBy = (answer: { readonly body: unknown; readonly headers: Headers }): readonly string[] => {
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  const location = answer.headers.get('location') ?? '';
  return [
    ...(text.match(/access_token|refresh_token|device_code|user_code"/g) ?? []),
    ...(location.match(/[?&]code=/g) ?? []),
  ];
};

const secret = 'x'.repeat(43);
/** Of the API, without an access token. */
const apiRequests: Readonly<Record<string, object>> = {
  '/login': alice,
  '/sessions': { email: 'alice@acme.example' },
  '/session/verify': { verification_id: secret, code: '12345678' },
  '/registrations': { email: 'new@acme.example' },
  '/registrations/verify': { registration_id: secret, code: '12345678' },
  '/registrations/finish': { token: secret, name: 'New', password: 'a long enough passphrase' },
  '/password-resets': { username: 'alice' },
  '/password-resets/verify': { reset_id: secret, code: '12345678' },
  '/password-resets/finish': { token: secret, password: 'a long enough passphrase' },
};

/** What there was before: each of these would go on if the store were there. */
interface Underway {
  readonly browser: Browser;
  readonly login: Page;
  readonly deviceBrowser: Browser;
  readonly codeEntry: Page;
  readonly userCode: string;
  readonly deviceCode: string;
  readonly signedIn: Awaited<ReturnType<typeof signIn>>;
  readonly tokens: Awaited<ReturnType<typeof tokensFor>>;
  readonly session: Browser;
}

const define = (): void => {
  let mongod: Mongod;
  let server: TestServer;
  let issuer: string;
  const request = () => ({ issuer, client: web, scope: 'openid profile' });

  beforeAll(async () => {
    mongod = await startMongod({ replicaSet: true });
    const acme = sampleTenant({
      clients: [...sampleClients, ...directClients],
      registration: { mode: 'open' },
      recovery: { password: 'mail' },
    });
    server = await startTestServer({ store: mongod.url, tenants: { acme, globex: sampleTenant() } });
    issuer = server.issuer('acme');
  });
  afterAll(async () => {
    await server.close();
    await mongod.stop();
  });

  afterEach(async () => {
    mongod.resume();
    if (!(await isWell())) await mongod.restart();
    await eventually('it is ready again', isWell, 20_000);
  });

  const begin = async (): Promise<Underway> => {
    const [browser, session, deviceBrowser] = [createBrowser(), createBrowser(), createBrowser()];
    const started = await startDevice(issuer);
    await fetch(`${issuer}/.well-known/openid-configuration`);
    await fetch(`${issuer}/jwks`);
    return {
      browser,
      login: await goToAuthorization(browser, prepareAuthorization(request()), web.redirectUri),
      deviceBrowser,
      codeEntry: await deviceBrowser.get(`${issuer}/device`),
      userCode: started.user_code,
      deviceCode: started.device_code,
      session,
      tokens: await tokensFor(session, request()),
      signedIn: await signIn(session, request()),
    };
  };

  const requestsDuring = (
    before: Underway,
  ): Readonly<Record<string, () => ReturnType<typeof refresh> | Promise<Page>>> => {
    const { tokens, browser, session, login } = before;
    const authorization = () => session.get(prepareAuthorization(request()).url);
    return {
      'client credentials': () => tokenRequest(issuer, service, { grant_type: 'client_credentials' }),
      refresh: () => refresh(issuer, web, tokens.refresh_token),
      'redeeming a code': () => redeem(request(), before.signedIn),
      'password grant': () => tokenRequest(issuer, migrator, { grant_type: 'password', ...alice }),
      'asking for a device code': () => postAs(tv, `${issuer}/device/auth`, { form: { scope: 'openid' } }),
      'polling a device code': () => pollDevice(issuer, { device_code: before.deviceCode }),
      introspection: () => introspect(issuer, web, tokens.access_token),
      userinfo: () => userinfo(issuer, tokens.access_token),
      revocation: () => revoke(issuer, web, tokens.refresh_token ?? ''),
      'authorization with a session': authorization,
      'silent authorization': () =>
        session.get(prepareAuthorization({ ...request(), extra: { prompt: 'none' } }).url),
      'authorization without a session': () => createBrowser().get(prepareAuthorization(request()).url),
      'authorization of an app on this machine': () =>
        createBrowser().get(prepareAuthorization({ issuer, client: desktop }).url),
      'the login page': () => browser.get(login.url),
      'the login form': () => browser.submit(login, { login: alice.username, password: alice.password }),
      'giving the sign-in up': () => browser.submit(login, {}, 1),
      'entering a device code': () =>
        before.deviceBrowser.submit(before.codeEntry, { user_code: before.userCode }),
      'the account page': () => session.get(`${issuer}/account`),
      'the logout page': () => session.get(`${issuer}/session/end`),
      ...Object.fromEntries(
        Object.entries(apiRequests).map(([path, body]) => [
          `POST ${path}`,
          () => askApi(issuer, path, { method: 'POST', body: { client_id: app.id, ...body } }),
        ]),
      ),
      'the own account by the API': () => askApi(issuer, '/account', { token: tokens.access_token }),
      'logout by the API': () =>
        askApi(issuer, '/logout', { method: 'POST', token: tokens.access_token, body: {} }),
      'the authorization challenge endpoint': () => challenge(issuer, { ...firstRequest(pkce()), ...alice }),
      'a step there whose auth_session names the client': async () =>
        toAnswer(
          await fetch(`${issuer}/authorize-challenge`, {
            method: 'POST',
            body: new URLSearchParams({ auth_session: 'x'.repeat(43) }),
          }),
        ),
      'a tenant that was not used yet': () =>
        createBrowser().get(`${server.issuer('globex')}/.well-known/openid-configuration`),
    };
  };

  const isWell = async (): Promise<boolean> => (await fetch(`${server.publicUrl}/readyz`)).status === 200;

  const loggedFor = (headers: Headers): readonly string[] => {
    const id = headers.get('x-error-id');
    return id === null ? [] : server.logLines().filter((line) => line.includes(id));
  };

  const watch = async (
    play: () => Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }>,
  ): Promise<Seen> => {
    const startedAt = performance.now();
    const answer = await play();
    return {
      status: answer.status,
      retryAfter: answer.headers.get('retry-after'),
      errorId: answer.headers.get('x-error-id'),
      isInTime: performance.now() - startedAt < limitMs,
      issued: issuedBy(answer),
      faults: answer.status === 500 ? loggedFor(answer.headers) : [],
    };
  };

  const expectRefusals = async (before: Underway): Promise<void> => {
    const plays = Object.entries(requestsDuring(before));
    const seen = await Promise.all(plays.map(async ([name, play]) => [name, await watch(play)] as const));
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(plays.map(([name]) => [name, refused])));
  };

  const expectWhatNeedsNoStore = async (): Promise<void> => {
    const metadata = await watch(async () => {
      const answer = await fetch(`${issuer}/.well-known/openid-configuration`);
      return { status: answer.status, headers: answer.headers, body: '' };
    });
    const ready = await fetch(`${server.publicUrl}/readyz`);

    expect(metadata).toMatchObject({ status: 200, isInTime: true });
    expect((await fetch(`${issuer}/jwks`)).status).toBe(200);
    expect((await fetch(`${server.publicUrl}/healthz`)).status).toBe(200);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: 'store_unavailable' });
  };

  /** All that was under way goes on where it stood; what was refused has not happened. */
  const expectToGoOn = async (before: Underway): Promise<void> => {
    const { tokens } = before;
    const back = await before.browser.follow(
      await before.browser.submit(before.login, { login: alice.username, password: alice.password }),
      (url) => url.startsWith(web.redirectUri),
    );
    const confirmation = await enterCode(before.deviceBrowser, issuer, before.userCode);

    expect((await introspect(issuer, web, tokens.access_token)).body.active).toBe(true);
    expect((await introspect(issuer, web, tokens.refresh_token ?? '')).body.active).toBe(true);
    expect((await userinfo(issuer, tokens.access_token)).status).toBe(200);
    expect((await refresh(issuer, web, tokens.refresh_token)).status).toBe(200);
    expect(new URL(back.location ?? back.url).searchParams.get('code')).not.toBeNull();
    expect(textOf(confirmation)).toContain('Connect this device?');
    expect((await signIn(before.session, request())).seen).toEqual([]);
    const cold = await fetch(`${server.issuer('globex')}/.well-known/openid-configuration`);
    expect(cold.status).toBe(200);
  };

  describe('while MongoDB is down', () => {
    it('everything that needs it answers 503 in time, and works again when it is back', async () => {
      const before = await begin();
      await mongod.kill();
      await expectRefusals(before);
      await expectWhatNeedsNoStore();
      await mongod.restart();
      await eventually('it is ready again', isWell, 20_000);
      await expectToGoOn(before);
    }, 180_000);

    it('the answers say so, and nothing of what is behind', async () => {
      const before = await begin();
      await mongod.kill();
      const form = await before.browser.submit(before.login, { login: 'alice', password: alice.password });
      const page = await before.session.get(prepareAuthorization(request()).url);
      const json = await tokenRequest(issuer, service, { grant_type: 'client_credentials' });
      await mongod.restart();
      await eventually('it is ready again', isWell, 20_000);

      expect([form.status, page.status]).toEqual([503, 503]);
      expect(textOf(page)).not.toMatch(/mongo|ECONNREFUSED|127\.0\.0\.1/i);
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(page.headers.get('x-error-id')).toBeTruthy();
      expect(JSON.stringify(json.body)).not.toMatch(/mongo|ECONNREFUSED|127\.0\.0\.1/i);
      expect(json.body.error).toBe('temporarily_unavailable');
      for (const { headers } of [page, json]) {
        const [line] = loggedFor(headers);
        expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 'error', err: { cause: expect.anything() } });
      }
    }, 90_000);
  });

  describe('while MongoDB hangs', () => {
    it('requests are answered in time as well', async () => {
      const before = await begin();
      mongod.pause();
      try {
        const plays = requestsDuring(before);
        for (const name of [
          'client credentials',
          'introspection',
          'userinfo',
          'the login page',
          'revocation',
        ]) {
          const play = plays[name];
          expect({ name, ...(play === undefined ? {} : await watch(play)) }).toEqual({ name, ...refused });
        }
        await expectWhatNeedsNoStore();
      } finally {
        mongod.resume();
      }
      await eventually('it is ready again', isWell, 20_000);
      const { status, headers } = await userinfo(issuer, before.tokens.access_token);
      expect({ status, logged: loggedFor(headers) }).toEqual({ status: 200, logged: [] });
    }, 90_000);
  });
};

if (mongoUrl() === undefined) describe.skip('on mongodb (mongod is missing)', define);
else describe('on mongodb', define);
