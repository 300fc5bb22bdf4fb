import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { identityHeaderNames } from '../../src/gateway/answer/identity-headers.ts';
import type { Browser, Page } from './browser.ts';
import { hashOf } from './echo-service.ts';
import type { RunningProxy } from './nginx.ts';
import { tokensFor } from './oauth-client.ts';
import { openWebSocket } from './open-web-socket.ts';
import {
  basic,
  gloria,
  navigation,
  newBrowser,
  type ProxiedService,
  type ProxyPlaces,
  startProxied,
} from './proxied-service.ts';
import { rawRequest, sendRaw } from './raw-http.ts';
import { alice, bob, web } from './sample-tenants.ts';
import { servedTenant } from './served-tenant.ts';
import { sqliteStore } from './stores.ts';

type Person = Readonly<Record<'username' | 'password', string>>;

/** In what one proxy differs from the next. */
export interface ProxyBehaviour {
  readonly startProxy: (places: ProxyPlaces) => Promise<RunningProxy>;
  /** What a caller sees who has tried too often. */
  readonly throttledStatus: 403 | 429;
  /** What everybody sees while Drawbridge is down. */
  readonly downStatus: number;
  /** What a client sees whose path cannot be judged. */
  readonly invalidStatus: number;
  /** Can it take one cookie out of a request? */
  readonly hidesCookie: boolean;
  /** Does it pass on an `X-API-Key` that is none of Drawbridge's? */
  readonly passesOtherKeys: boolean;
  /** Does it pass WebSockets on? A replay does not. */
  readonly upgrades: boolean;
  /** Does it keep what Drawbridge says in `x-error` when it refuses? */
  readonly passesErrorsOn: boolean;
}

const forged: Readonly<Record<string, string>> = {
  ...Object.fromEntries(identityHeaderNames.map((name) => [name, 'forged'])),
  ...Object.fromEntries(identityHeaderNames.map((name) => [name.replaceAll('-', '_'), 'forged'])),
  'X-Auth_Subject': 'forged',
  'X-Forwarded-User': 'forged',
  'X-Forwarded-Email': 'forged',
  'X-Forwarded-Groups': 'forged',
  'X-Forwarded-Preferred-Username': 'forged',
};

/** What must hold behind every proxy that asks Drawbridge. */
export const defineProxyClauses = (behaviour: ProxyBehaviour): void => {
  let proxied: ProxiedService;
  beforeAll(async () => {
    proxied = await startProxied({ store: sqliteStore, startProxy: behaviour.startProxy });
  });
  afterAll(() => proxied.close());

  const ask: ProxiedService['ask'] = (question) => proxied.ask(question);

  const open = async (browser: Browser, path: string): Promise<Page> =>
    browser.follow(await browser.get(`${proxied.origin}${path}`));
  const signIn = async (browser: Browser, page: Page, person: Person = alice): Promise<Page> =>
    browser.follow(await browser.submit(page, { login: person.username, password: person.password }));
  const cookieOf = (browser: Browser): string =>
    browser
      .cookies()
      .filter(({ name }) => name === 'GWSESSIONID')
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  const sessionOf = async (person: Person = alice): Promise<string> => {
    const browser = newBrowser();
    await signIn(browser, await open(browser, '/'), person);
    return cookieOf(browser);
  };
  const tokenOf = async (): Promise<string> => {
    const issuer = proxied.drawbridge.issuer('acme');
    return (await tokensFor(newBrowser(), { issuer, client: web })).access_token;
  };

  const systemUserWithKey = async () => {
    const user = { username: `ci-${randomUUID()}`, roles: ['admin'], isSystem: true } as const;
    const added = await proxied.drawbridge.users('acme').add(user);
    if (!added.ok) throw new Error(added.message);
    const { apiKeys } = await servedTenant(proxied.drawbridge, 'acme');
    const made = await apiKeys.create(added.account, {}, { actor: 'cli' });
    if (!made.ok) throw new Error(made.message);
    const { secret: key } = made;
    return { ...user, key, id: made.key.id, apiKeys, halves: [key.slice(0, 19), key.slice(20)] as const };
  };

  describe('an API key', () => {
    it('names its system user in all its forms, and never reaches the service', async () => {
      const { username, key, halves } = await systemUserWithKey();
      for (const headers of [
        { authorization: `Bearer ${key}` },
        basic({ username: key, password: '' }),
        basic({ username, password: key }),
        { 'X-API-Key': halves[0], 'X-API-Secret': halves[1] },
        { 'x-api-key': key },
      ]) {
        const { status, seen } = await ask({ path: '/admin/x', headers });
        expect([status, seen?.headers['remote-user']]).toEqual([200, username]);
        expect(seen?.headers).toMatchObject({ 'x-auth-method': 'apikey', 'x-auth-roles': 'admin' });
        expect(JSON.stringify(seen)).not.toContain(halves[1]);
      }
    });

    it('is refused where it is wrong or revoked, and never looked at in an address', async () => {
      const { key, halves, id, apiKeys } = await systemUserWithKey();
      proxied.service.forget();
      const typo = `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`;
      for (const headers of [
        { authorization: `Bearer ${typo}` },
        basic({ username: 'alice', password: key }),
        { 'x-api-key': halves[0] },
        { 'x-api-key': key, 'x-api-secret': halves[1] },
      ]) {
        const answer = await ask({ headers });
        expect(answer.status).toBe(401);
        expect(answer.headers['www-authenticate']).toMatch(/error="invalid_token"|^Basic /);
      }
      for (const name of ['api_key', 'access_token', 'X-API-Key'])
        expect((await ask({ path: `/?${name}=${key}` })).status).toBe(401);
      await apiKeys.revoke(id, { actor: 'cli' });
      expect((await ask({ headers: { 'x-api-key': key } })).status).toBe(401);
      expect(proxied.service.seen).toEqual([]);
      expect(proxied.drawbridge.logLines().join('\n')).not.toContain(halves[1].slice(0, -6));
    });

    it(`of another program ${behaviour.passesOtherKeys ? 'reaches the service' : 'is removed'}, and is none here`, async () => {
      const foreign = { 'x-api-key': 'sk_live_1', 'x-api-secret': 's2' };
      expect((await ask({ headers: foreign })).status).toBe(401);
      const { status, seen } = await ask({ headers: { ...foreign, ...basic(alice) } });
      expect(status).toBe(200);
      const { 'x-api-key': key, 'x-api-secret': secret } = seen?.headers ?? {};
      expect([key ?? '', secret ?? '']).toEqual(behaviour.passesOtherKeys ? ['sk_live_1', 's2'] : ['', '']);
    });
  });

  describe('an allowed request', () => {
    it('says to the service who calls, in a token that it can verify', async () => {
      const { status, seen } = await ask({ headers: basic(alice) });
      expect(status).toBe(200);
      expect(seen?.headers).toMatchObject({
        'remote-user': 'alice',
        'remote-groups': 'staff,engineering',
        'remote-name': 'Alice Adams',
        'remote-email': 'alice@acme.example',
        'x-auth-request-user': 'alice',
        'x-auth-tenant': 'acme',
        'x-auth-issuer': proxied.drawbridge.issuer('acme'),
        'x-auth-roles': 'admin',
        'x-auth-method': 'basic',
      });
      const issuer = proxied.drawbridge.issuer('acme');
      const { payload } = await jwtVerify(
        String(seen?.headers['x-auth-token']),
        createRemoteJWKSet(new URL(`${issuer}/jwks`)),
        { issuer, audience: proxied.origin },
      );
      expect(payload).toMatchObject({
        sub: seen?.headers['x-auth-subject'],
        tenant: 'acme',
        method: 'basic',
        preferred_username: 'alice',
        email: 'alice@acme.example',
        email_verified: true,
        groups: ['staff', 'engineering'],
        roles: ['admin'],
      });
    });

    it('never brings the password or the token to the service', async () => {
      const bearer = { authorization: `Bearer ${await tokenOf()}` };
      for (const headers of [basic(alice), bearer]) {
        const { status, seen } = await ask({ headers });
        expect(status).toBe(200);
        expect(seen?.headers).not.toHaveProperty('authorization');
      }
      const { seen } = await ask({ path: '/public/x', headers: { authorization: 'Basic !' } });
      expect(seen).toBeUndefined();
    });

    it('says by which credential', async () => {
      const bearer = await ask({ headers: { authorization: `Bearer ${await tokenOf()}` } });
      const session = await ask({ headers: { cookie: await sessionOf() } });
      expect(bearer.seen?.headers['x-auth-method']).toBe('bearer');
      expect(session.seen?.headers['x-auth-method']).toBe('session');
    });

    it('keeps its body, whatever its length and framing', async () => {
      for (const body of ['', 'a=1&b=2', Buffer.alloc(300_000, 'drawbridge ')]) {
        const { status, seen } = await ask({ method: 'POST', path: '/in', headers: basic(alice), body });
        expect(status).toBe(200);
        expect(seen).toMatchObject({ method: 'POST', bodyBytes: body.length, bodyHash: hashOf(body) });
      }
      const chunked = await sendRaw(
        proxied.places.port,
        [
          'PUT /in HTTP/1.1',
          `Host: 127.0.0.1:${proxied.places.port}`,
          `Authorization: ${basic(alice).authorization}`,
          'Connection: close',
          'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        ].join('\r\n'),
      );
      expect(chunked.status).toBe(200);
      expect(proxied.service.seen.at(-1)).toMatchObject({ method: 'PUT', bodyHash: hashOf('hello') });
    });

    it('keeps its path and query as they were sent', async () => {
      const path = '/a%20b/c?x=%2F..%2F&y=/public/&z';
      const { seen } = await ask({ path, headers: basic(alice) });
      expect(seen?.url).toBe(path);
    });

    it.each(['HEAD', 'OPTIONS', 'DELETE', 'PROPFIND'])('may be a %s', async (method) => {
      proxied.service.forget();
      expect((await ask({ method, path: '/m', headers: basic(alice) })).status).toBe(200);
      expect(proxied.service.seen).toMatchObject([{ method, url: '/m' }]);
    });

    it('gets the answer of the service, whatever it is', async () => {
      for (const code of [201, 401, 404, 503]) {
        const answer = await ask({ path: `/status/${code}`, headers: basic(alice) });
        expect(answer.status).toBe(code);
        expect(answer.headers).not.toHaveProperty('x-error');
      }
    });
  });

  describe('a caller without a credential', () => {
    it('is led to sign in and back to the very page, with its query', async () => {
      const browser = newBrowser();
      const path = '/deep/page?x=1&y=%2Fz%20';
      const asked = await browser.get(`${proxied.origin}${path}`);
      expect(asked.status).toBe(302);
      const page = await browser.follow(asked);
      expect(page.url).toContain(`${proxied.drawbridge.issuer('acme')}/interaction/`);
      const back = await signIn(browser, page);
      expect(back.url).toBe(`${proxied.origin}${path}`);
      expect(JSON.parse(back.body)).toMatchObject({ url: path, headers: { 'remote-user': 'alice' } });
    });

    it('ends where it began, also when ten pages asked at once', async () => {
      const browser = newBrowser();
      const pages = await Promise.all(
        Array.from({ length: 10 }, (_, index) => open(browser, `/page/${index}?first=${index === 0}`)),
      );
      const [first] = pages;
      if (first === undefined) throw new Error('no page');
      expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]));
      const back = await signIn(browser, first);
      expect(back.url).toBe(`${proxied.origin}/page/0?first=true`);
      expect((await browser.get(`${proxied.origin}/page/9`)).status).toBe(200);
    });

    it('gets a challenge if it is a program', async () => {
      const json = await ask({ headers: { accept: 'application/json' } });
      expect(json.status).toBe(401);
      expect(json.headers['www-authenticate']).toBe('Basic realm="Acme", charset="UTF-8"');
      expect(json.headers).not.toHaveProperty('location');
    });

    it('sees no box for a password over a page', async () => {
      for (const headers of [
        { 'x-requested-with': 'XMLHttpRequest' },
        { ...navigation, 'sec-fetch-mode': 'cors' },
      ]) {
        const answer = await ask({ headers });
        expect(answer.status).toBe(401);
        expect(answer.headers['www-authenticate']).toBe('Bearer realm="Acme"');
      }
    });

    it('is never redirected away with a form', async () => {
      const answer = await ask({ method: 'POST', headers: navigation, body: 'a=1' });
      expect(answer.status).toBe(401);
      expect(answer.headers).not.toHaveProperty('location');
    });

    it('is allowed where a rule allows anyone, without an identity', async () => {
      const { status, seen } = await ask({ path: '/public/logo.png', headers: forged });
      expect(status).toBe(200);
      expect(Object.values(seen?.headers ?? {})).not.toContain('forged');
      expect(seen?.headers['remote-user'] ?? '').toBe('');
    });

    it.each([
      ['garbage', 'GWSESSIONID=garbage'],
      ['of 3 kB', `GWSESSIONID=acme.${'x'.repeat(3000)}`],
      ['twice', `GWSESSIONID=acme.${'x'.repeat(32)}; GWSESSIONID=acme.${'y'.repeat(32)}`],
      ['of odd bytes', 'GWSESSIONID=acme.\xff\xfe'],
      ['of no tenant', `GWSESSIONID=nobody.${'x'.repeat(32)}`],
    ])('is nobody with a cookie that is %s', async (_what, cookie) => {
      expect((await ask({ headers: { cookie } })).status).toBe(401);
      expect((await ask({ headers: { ...navigation, cookie } })).status).toBe(302);
    });
  });

  describe('a credential that is bad', () => {
    it('is refused with its own challenge, with a good cookie and in a browser too', async () => {
      const wrong = basic({ ...alice, password: 'wrong' });
      const cookie = await sessionOf();
      expect((await ask({ headers: { cookie } })).status).toBe(200);
      for (const headers of [wrong, { ...wrong, cookie }, { ...wrong, ...navigation, cookie }]) {
        const answer = await ask({ headers });
        expect(answer.status).toBe(401);
        expect(answer.headers['www-authenticate']).toBe('Basic realm="Acme", charset="UTF-8"');
        expect(answer.headers).not.toHaveProperty('location');
      }
    });

    it('is one of two, of which the other is good', async () => {
      proxied.service.forget();
      for (const people of [
        [alice, bob],
        [alice, { ...alice, password: 'wrong' }],
      ]) {
        const { status } = await rawRequest({
          port: proxied.places.port,
          target: '/x',
          headers: [
            `Host: 127.0.0.1:${proxied.places.port}`,
            ...people.map((person) => `Authorization: ${basic(person).authorization}`),
          ],
        });
        expect([400, 401]).toContain(status);
      }
      expect(proxied.service.seen).toEqual([]);
    });

    it('says what is wrong with a token', async () => {
      const answer = await ask({ headers: { ...navigation, authorization: 'Bearer nonsense' } });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="Acme", error="invalid_token"/);
    });

    it('has x-error and x-error-id, which the log has too', async () => {
      const { headers } = await ask({ headers: { authorization: 'Bearer nonsense' } });
      if (!behaviour.passesErrorsOn) return;
      expect(headers['x-error']).toMatch(/\w/);
      const id = headers['x-error-id'] ?? 'none';
      const line = proxied.drawbridge.logLines().find((each) => each.includes(id));
      expect(JSON.parse(line ?? '{}')).toMatchObject({ outcome: 'bad_credential', service: 'orders' });
      expect(line).not.toContain('nonsense');
    });
  });

  describe('a known caller who is not allowed', () => {
    it('is refused, and not asked to sign in', async () => {
      expect((await ask({ path: '/admin/x', headers: basic(alice) })).status).toBe(200);
      for (const headers of [basic(bob), { ...navigation, cookie: await sessionOf(bob) }]) {
        const answer = await ask({ path: '/admin/x', headers });
        expect(answer.status).toBe(403);
        expect(answer.headers).not.toHaveProperty('location');
      }
    });

    it('of another tenant is refused with the right password', async () => {
      proxied.service.forget();
      const named = await ask({ headers: { ...basic(gloria), 'x-id-tenant-name': 'globex' } });
      const unnamed = await ask({ headers: basic(gloria) });
      expect([named.status, unnamed.status]).toEqual([403, 401]);
      expect(proxied.service.seen).toEqual([]);
    });

    it('has to sign in anew where that is too long ago', async () => {
      const cookie = await sessionOf();
      const startedAt = Date.now();
      const browser = { ...navigation, cookie };
      let answer = await ask({ path: '/fresh/x', headers: browser });
      while (answer.status === 200 && Date.now() - startedAt < 5000)
        answer = await ask({ path: '/fresh/x', headers: browser });
      expect(answer.status).toBe(302);
      const program = await ask({ path: '/fresh/x', headers: { cookie } });
      expect(program.status).toBe(401);
      expect(program.headers['www-authenticate']).toMatch(
        /error="insufficient_user_authentication".*max_age="1"/,
      );
    });
  });

  describe('what a client says of itself', () => {
    it('never reaches the service as the word of Drawbridge', async () => {
      const { status, seen } = await ask({ headers: { ...forged, ...basic(bob) } });
      expect(status).toBe(200);
      expect(Object.values(seen?.headers ?? {}).flat()).not.toContain('forged');
      expect(seen?.headers['remote-user']).toBe('bob');
      expect(seen?.headers['x-auth-roles'] ?? '').toBe('');
      expect(seen?.headerNames.filter((name) => name.includes('_'))).toEqual([]);
    });

    it('never changes what is decided', async () => {
      const lies = {
        'X-Forwarded-Prefix': '/public',
        Forwarded: `host=127.0.0.1;proto=https;for=10.0.0.1`,
        'X-Forwarded-For': '10.0.0.1',
        'X-Rewrite-URL': '/public/x',
      };
      expect((await ask({ path: '/admin/x', headers: { ...lies, ...basic(bob) } })).status).toBe(403);
      expect((await ask({ path: '/x', headers: lies })).status).toBe(401);
      const line = proxied.drawbridge.logLines().findLast((each) => each.includes('"outcome"'));
      expect(JSON.parse(line ?? '{}')).toMatchObject({ outcome: 'sign_in', address: '127.0.0.1' });
    });

    it.each([
      ['X-Original-URL', '/public/x'],
      ['X-Original-URI', '/public/x'],
      ['X-Original-Method', 'OPTIONS'],
      ['X-Forwarded-Uri', '/public/x'],
      ['X-Forwarded-Method', 'OPTIONS'],
      ['X-Forwarded-Host', 'other.example.com'],
      ['X_Forwarded_Uri', '/public/x'],
      ['X_Original_URL', '/public/x'],
    ])('as %s does not open what is closed', async (name, value) => {
      proxied.service.forget();
      const { status } = await ask({ path: '/admin/x', headers: { ...basic(bob), [name]: value } });
      expect([400, 403, 500]).toContain(status);
      expect(proxied.service.seen).toEqual([]);
    });

    // replays add no headers of their own
    if (behaviour.upgrades)
      it('never reaches the service as its own address', async () => {
        const lies = {
          'X-Forwarded-Host': 'evil.example',
          'X-Forwarded-Port': '666',
          Forwarded: 'host=evil.example',
        };
        const { status, seen } = await ask({ path: '/public/x', headers: lies });
        // a proxy that passes them to Drawbridge is refused
        if (status !== 200) return expect([400, behaviour.invalidStatus]).toContain(status);
        const values = Object.values(seen?.headers ?? {}).flat();
        expect(values).not.toContain('666');
        expect(values.join()).not.toContain('evil');
      });

    it('in Connection does not take away what Drawbridge says', async () => {
      const names =
        'close, Remote-User, X-Auth-Subject, X-Auth-Roles, Authorization, X-Forwarded-Uri, Cookie';
      const { status, seen } = await ask({ headers: { ...basic(alice), connection: names } });
      if (status === 200) expect(seen?.headers['remote-user']).toBe('alice');
      else expect([400, 401]).toContain(status);
    });
  });

  it('lets a CORS preflight through only where the service says so, and nothing more than that', async () => {
    const headers = { origin: 'https://shop.example.com', 'access-control-request-method': 'GET' };
    proxied.service.forget();
    expect((await ask({ method: 'OPTIONS', path: '/x', headers })).status).toBe(401);
    expect((await ask({ path: '/prices/x', headers })).status).toBe(401);
    expect((await ask({ method: 'OPTIONS', path: '/prices/x' })).status).toBe(401);
    expect(proxied.service.seen).toEqual([]);
    expect((await ask({ method: 'OPTIONS', path: '/prices/x', headers })).status).toBe(200);
    expect(proxied.service.seen).toMatchObject([{ method: 'OPTIONS', url: '/prices/x' }]);
  });

  describe('a path', () => {
    it.each([
      '/admin/x',
      '//admin/x',
      '/./admin/x',
      '/public/../admin/x',
      '/public/%2e%2e/admin/x',
      '/public/..%2fadmin/x',
      '/%61dmin/x',
      '/admin;a=b/x',
      '/admin%2Fx',
      '/admin\\x',
      '/public/..;/admin/x',
      '/public%2f..%2fadmin/x',
      '/admin/x?/public/',
      '/admin/x#/public/',
    ])('%s is not let through for somebody who may not see /admin', async (path) => {
      proxied.service.forget();
      const { status } = await rawRequest({
        port: proxied.places.port,
        target: path,
        headers: [`Host: 127.0.0.1:${proxied.places.port}`, `Authorization: ${basic(bob).authorization}`],
      });
      expect([400, 403, 404, behaviour.invalidStatus, behaviour.downStatus]).toContain(status);
      expect(proxied.service.seen).toEqual([]);
    });

    it.each(['/public/..%00/admin', '/public/%zz'])('%s cannot be judged', async (path) => {
      proxied.service.forget();
      const { status } = await ask({ path, headers: basic(alice) });
      expect([400, behaviour.invalidStatus]).toContain(status);
      expect(proxied.service.seen).toEqual([]);
    });

    it('of the absolute form is that of the host which it names', async () => {
      proxied.service.forget();
      const { status } = await rawRequest({
        port: proxied.places.port,
        target: `http://127.0.0.1:${proxied.places.port}/admin/x`,
        headers: ['Host: public.example.com', `Authorization: ${basic(bob).authorization}`],
      });
      expect(status).not.toBe(200);
      expect(proxied.service.seen).toEqual([]);
    });
  });

  it(`keeps the gateway's cookie ${behaviour.hidesCookie ? 'from the service' : 'and the others together'}`, async () => {
    const session = await sessionOf();
    for (const cookie of [
      `${session}`,
      `__Host-GWSESSIONID=old; ${session}; b=2`,
      `a=1; ${session}; b=2`,
      `${session}; b=2`,
      `a=1; ${session}`,
    ]) {
      const { status, seen } = await ask({ headers: { cookie } });
      expect(status).toBe(200);
      const got = String(seen?.headers.cookie ?? '');
      for (const other of ['a=1', 'b=2']) expect(got.includes(other)).toBe(cookie.includes(other));
      expect(got.includes('GWSESSIONID')).toBe(!behaviour.hidesCookie);
      expect(got).not.toMatch(/^;|;$|; *;/);
    }
  });

  if (behaviour.upgrades)
    it('opens a WebSocket for an allowed caller, and for no other', async () => {
      const open = (headers: Readonly<Record<string, string>>) =>
        openWebSocket({ port: proxied.places.port, path: '/socket', headers });
      const socket = await open(basic(alice));
      expect(socket.status).toBe(101);
      expect(await socket.echo('hello')).toBe('hello');
      socket.close();
      const { key, halves } = await systemUserWithKey();
      const byKey = await open({ 'x-api-key': halves[0], 'x-api-secret': halves[1] });
      expect(byKey.status).toBe(101);
      byKey.close();
      expect((await open({ 'x-api-key': `${key}x` })).status).toBe(401);
      expect((await open({})).status).toBe(401);
      expect((await open(basic({ ...alice, password: 'wrong' }))).status).toBe(401);
    });

  it('ends with the sign-out', async () => {
    const browser = newBrowser();
    await signIn(browser, await open(browser, '/'));
    const cookie = cookieOf(browser);
    expect((await ask({ headers: { cookie } })).status).toBe(200);
    const page = await browser.get(`${proxied.origin}/.drawbridge/sign-out`);
    await browser.follow(page.status === 200 ? await browser.submit(page) : page);
    expect((await ask({ headers: { cookie } })).status).toBe(401);
  });

  it(`answers ${behaviour.throttledStatus} to a caller who has tried too often`, async () => {
    const wrong = basic({ username: 'mallory', password: 'guess' });
    let answer = await ask({ headers: wrong });
    for (let tries = 0; answer.status === 401 && tries < 50; tries += 1)
      answer = await ask({ headers: wrong });
    expect(answer.status).toBe(behaviour.throttledStatus);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    if (behaviour.throttledStatus === 403) expect(answer.headers['x-auth-reason']).toBe('throttled');
  });

  // the last: nothing works behind it
  it('stays closed while Drawbridge is down', async () => {
    const cookie = await sessionOf();
    await proxied.stopDrawbridge();
    proxied.service.forget();
    for (const headers of [basic(alice), { cookie }, navigation, {}])
      expect((await ask({ headers })).status).toBe(behaviour.downStatus);
    expect((await ask({ path: '/public/x' })).status).toBe(behaviour.downStatus);
    expect(proxied.service.seen).toEqual([]);
  });
};
