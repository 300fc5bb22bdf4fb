import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createBrowser, unescapeHtml } from '../support/browser.ts';
import { heapInUse } from '../support/heap.ts';
import {
  basicAuthorization,
  formOf,
  goToAuthorization,
  introspect,
  type Parameters,
  prepareAuthorization,
  redeem,
  refresh,
  revoke,
  signIn,
  tokenRequest,
  userinfo,
} from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-http.ts';
import {
  alice,
  confidential,
  migrator,
  ordersApi,
  ordersResource,
  sampleClients,
  sampleTenant,
  service,
  web,
} from '../support/sample-tenants.ts';
import { describeOnce, eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const hostile = `"><script>alert(1)</script>`;
const assertor = confidential('assertor');
const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** For plain data, which is all that is cloned. */
const cloneHere = <T>(value: T): T =>
  value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);

eachStore((store) => {
  let server: TestServer;
  let issuer: string;
  let trap: Server;
  let trapUrl: string;
  let trapped: string[] = [];
  let assertionKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

  beforeAll(async () => {
    // jest's world has an Object of its own, and the provider tells plain objects by it
    jest.spyOn(globalThis, 'structuredClone').mockImplementation(cloneHere);
    const pair = await generateKeyPair('ES256', { extractable: true });
    assertionKey = pair.privateKey;
    const clients = [
      ...sampleClients,
      {
        client_id: assertor.id,
        token_endpoint_auth_method: 'private_key_jwt' as const,
        token_endpoint_auth_signing_alg: 'ES256' as const,
        grant_types: ['client_credentials' as const],
        jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1' }] as never },
      },
    ];
    server = await startTestServer({
      store,
      instances: 2,
      tenants: { acme: sampleTenant({ clients }), globex: sampleTenant() },
    });
    issuer = server.issuer('acme');
    trap = createServer((req, res) => {
      trapped.push(req.url ?? '');
      res.end('{}');
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    trapUrl = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await server.close();
    await new Promise<void>((resolve) => trap.close(() => resolve()));
  });

  const isAlive = async (): Promise<boolean> => {
    const grant = { grant_type: 'client_credentials' };
    return (await tokenRequest(issuer, service, grant)).status === 200;
  };

  describeOnce(store, 'a parameter that comes twice', () => {
    const authorization = (): URLSearchParams =>
      new URL(prepareAuthorization({ issuer, client: web }).url).searchParams;

    it.each([
      'client_id',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
      'code_challenge',
      'code_challenge_method',
      'nonce',
      'prompt',
      'response_mode',
    ])('%s is refused at the authorization endpoint, and no second address is ever used', async (name) => {
      const query = authorization();
      if (!query.has(name)) query.append(name, 'x');
      query.append(name, name === 'redirect_uri' ? 'https://evil.example/callback' : 'second');
      const page = await createBrowser().get(`${issuer}/auth?${query}`);
      const returned = page.location === undefined ? undefined : new URL(page.location);

      expect([303, 400]).toContain(page.status);
      expect(page.location ?? '').not.toContain('evil.example');
      if (returned !== undefined) {
        expect(returned.origin + returned.pathname).toBe(web.redirectUri);
        expect(returned.searchParams.get('error')).toBe('invalid_request');
      }
    });

    it.each(['grant_type', 'code', 'redirect_uri', 'code_verifier', 'client_id', 'scope'])(
      '%s is refused at the token endpoint',
      async (name) => {
        const body = formOf({
          grant_type: 'authorization_code',
          code: 'x',
          redirect_uri: web.redirectUri,
          code_verifier: 'v'.repeat(43),
          client_id: web.id,
          scope: 'openid',
        });
        body.append(name, 'second');
        const answer = await fetch(`${issuer}/token`, {
          method: 'POST',
          headers: basicAuthorization(web),
          body,
        });

        expect([400, 401]).toContain(answer.status);
        expect(await answer.json()).not.toHaveProperty('access_token');
      },
    );

    it.each(['token/introspection', 'token/revocation'])('token is refused at %s', async (path) => {
      const { body: mine } = await tokenRequest(issuer, service, { grant_type: 'client_credentials' });
      const body = new URLSearchParams([
        ['token', mine.access_token ?? ''],
        ['token', 'second'],
      ]);
      const answer = await fetch(`${issuer}/${path}`, {
        method: 'POST',
        headers: basicAuthorization(service),
        body,
      });

      expect(answer.status).toBe(400);
      expect((await introspect(issuer, service, mine.access_token ?? '')).body.active).toBe(true);
    });

    it('client credentials in two places are refused', async () => {
      const body = formOf({ grant_type: 'client_credentials', client_id: web.id, client_secret: web.secret });
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: basicAuthorization(service),
        body,
      });

      expect([400, 401]).toContain(answer.status);
    });
  });

  describeOnce(store, 'response_mode=form_post', () => {
    it('puts what came from outside into the page as text', async () => {
      const browser = createBrowser();
      const state = `${hostile}' onfocus='alert(2)`;
      const prepared = prepareAuthorization({
        issuer,
        client: web,
        extra: { response_mode: 'form_post', state },
      });
      const login = await goToAuthorization(browser, prepared, web.redirectUri);
      const page = await browser.follow(
        await browser.submit(login, { login: alice.username, password: alice.password }),
      );
      const [, shown] = /name="state" value="([^"]*)"/.exec(page.body) ?? [];

      expect(page.status).toBe(200);
      expect(page.body).not.toContain('<script>alert');
      expect(unescapeHtml(shown ?? '')).toBe(state);
      expect(/<form[^>]*action="([^"]*)"/.exec(page.body)?.[1]).toBe(web.redirectUri);
      expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
      expect(page.headers.get('content-security-policy')).not.toContain('unsafe-inline');
      expect(page.headers.get('cache-control')).toContain('no-store');
    });
  });

  describeOnce(store, 'line ends', () => {
    it.each([
      '%0d%0aX-Injected:%20yes',
      '%0aX-Injected:%20yes',
      '%0d%0a%0d%0a<script>alert(1)</script>',
      '%00',
      '%E2%80%A8',
    ])('in any parameter (%s) end no header', async (injected) => {
      const port = Number(new URL(server.publicUrl).port);
      const headers = [`Host: localhost:${port}`, 'Accept: text/html'];
      const query = new URL(prepareAuthorization({ issuer, client: web }).url).search;
      const targets = [
        ...['state', 'redirect_uri', 'nonce', 'login_hint', 'ui_locales', 'scope', 'client_id'].map(
          (name) =>
            `/oauth/acme/auth${query.replace(new RegExp(`(${name}=[^&]*)|$`), `&${name}=x${injected}`)}`,
        ),
        `/?tenant=${injected}`,
        `/?tenant=acme&ui_locales=de${injected}`,
        `/oauth/acme${injected}`,
        `/oauth/acme/session/end?client_id=web&state=${injected}`,
        `/oauth/acme/device?user_code=${injected}`,
        `/oauth/acme/interaction/${injected}`,
        `/assets/${injected}`,
      ];
      for (const target of targets) {
        const answer = await rawRequest({ port, target, headers });
        expect({ target, injected: answer.headers['x-injected'] }).toEqual({ target, injected: undefined });
        expect({ target, status: answer.status < 500 }).toEqual({ target, status: true });
        expect(answer.body).not.toContain('<script>alert');
      }
    });

    it('in names and passwords end no line of the log', async () => {
      const before = server.logLines().length;
      const username = 'x\r\n{"level":"info","msg":"forged"}\u2028\u001b[31m';
      await tokenRequest(issuer, migrator, { grant_type: 'password', username, password: 'wrong' });
      const lines = server.logLines().slice(before);

      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        for (const mark of ['\r', '\n', '\u2028', '\u001b']) expect(line.trimEnd()).not.toContain(mark);
        expect(JSON.parse(line)).not.toMatchObject({ msg: 'forged' });
      }
    });
  });

  describe("words of JavaScript's objects and of databases", () => {
    const words = [
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      '$where',
      '$ne',
      'a.b',
      '',
    ];

    it.each(words)('%j is no client', async (id) => {
      const page = await createBrowser().get(
        `${issuer}/auth?${formOf({ client_id: id, response_type: 'code' })}`,
      );
      const token = await tokenRequest(issuer, { id, secret: 'x' }, { grant_type: 'client_credentials' });
      const device = await fetch(`${issuer}/device/auth`, {
        method: 'POST',
        body: formOf({ client_id: id }),
      });

      expect(page.status).toBe(400);
      expect([400, 401]).toContain(token.status);
      expect([400, 401]).toContain(device.status);
      expect(({} as Record<string, unknown>).sid).toBeUndefined();
    });

    it.each(words)('%j is no token, code, person or tenant', async (word) => {
      expect((await introspect(issuer, service, word)).body.active).not.toBe(true);
      expect((await revoke(issuer, service, word)).status).toBeLessThan(500);
      expect((await refresh(issuer, web, word)).status).toBe(400);
      expect((await userinfo(issuer, word || 'x')).status).toBeLessThan(500);
      expect([400, 404]).toContain((await fetch(`${server.publicUrl}/oauth/${word}/jwks`)).status);
      const person = await tokenRequest(issuer, migrator, {
        grant_type: 'password',
        username: word,
        password: 'x',
      });
      expect(person.status).toBe(400);
    });

    it.each([
      '__proto__[admin]',
      'constructor[prototype][admin]',
      '__proto__',
      'a[$ne]',
      'scope[]',
      '$where',
    ])('the parameter %s changes nothing', async (name) => {
      const grant = { grant_type: 'client_credentials', [name]: 'true' };
      const answer = await tokenRequest(issuer, service, grant);

      expect(answer.status).toBe(200);
      expect(({} as Record<string, unknown>).admin).toBeUndefined();
    });

    it('JSON is refused where forms belong', async () => {
      const bodies = [
        '{"grant_type":"client_credentials"}',
        '{"grant_type":"password","username":{"$ne":""},"password":{"$gt":""}}',
        '{"__proto__":{"admin":true}}',
        '[]',
        'null',
      ];
      for (const path of [
        'token',
        'token/introspection',
        'token/revocation',
        'device/auth',
        'request',
        'device',
      ]) {
        for (const body of bodies) {
          const answer = await fetch(`${issuer}/${path}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...basicAuthorization(service) },
            body,
          });
          expect({ path, body, status: answer.status }).toEqual({ path, body, status: 400 });
        }
      }
    });

    it.each([
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/x-www-form-urlencoded; charset=utf-7',
      '',
    ])('a body of the type %j signs nobody in', async (type) => {
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { 'content-type': type, ...basicAuthorization(web) },
        body: 'grant_type=authorization_code&code=x&redirect_uri=x&code_verifier=x',
      });

      expect(answer.status).toBe(400);
    });
  });

  describeOnce(store, 'too much of everything', () => {
    it('ten thousand scopes are refused or dropped, and no other request waits for it', async () => {
      const scope = Array.from({ length: 10_000 }, (_, i) => `s${i}`).join(' ');
      const startedAt = performance.now();
      const token = await tokenRequest(issuer, service, { grant_type: 'client_credentials', scope });
      const device = await fetch(`${issuer}/device/auth`, {
        method: 'POST',
        body: formOf({ client_id: 'tv', scope }),
      });

      expect([400, 413]).toContain(token.status);
      expect(device.status).toBeLessThan(500);
      expect(performance.now() - startedAt).toBeLessThan(5000);
      expect(await isAlive()).toBe(true);
    });

    it('thousands of languages, tenants, clients and addresses leave no trace in memory', async () => {
      const play = async (round: number): Promise<void> => {
        for (let i = 0; i < 250; i += 1) {
          const name = `${round}-${i}`;
          await Promise.all([
            fetch(`${issuer}/device?ui_locales=x${name}`).then((answer) => answer.text()),
            fetch(`${server.publicUrl}/oauth/t${name}/jwks`).then((answer) => answer.text()),
            fetch(`${server.publicUrl}/?q=${name}`, { headers: { 'accept-language': `x-${name}` } }).then(
              (answer) => answer.text(),
            ),
            fetch(`${issuer}/auth?client_id=c${name}`, { redirect: 'manual' }).then((answer) =>
              answer.text(),
            ),
          ]);
        }
      };
      await play(0);
      const before = heapInUse();
      await play(1);
      await play(2);

      expect(heapInUse() - before).toBeLessThan(20 * 1024 * 1024); // of 2,000 requests the log alone keeps some
    }, 120_000);

    it.each([
      ['state', 's'.repeat(8000)],
      ['nonce', 'n'.repeat(8000)],
      ['login_hint', 'l'.repeat(8000)],
      ['ui_locales', 'de '.repeat(2500)],
      ['claims', '{"id_token":'.repeat(500)],
      ['acr_values', 'a '.repeat(4000)],
      ['max_age', '99999999999999999999'],
      ['max_age', '-1'],
      ['prompt', 'login '.repeat(1000)],
    ])('a %s beyond measure is no fault of ours', async (name, value) => {
      const page = await createBrowser().get(
        prepareAuthorization({ issuer, client: web, extra: { [name]: value } }).url,
      );

      expect(page.status).toBeLessThan(500);
    });

    it('a token, code or cookie beyond measure is refused like any other', async () => {
      const long = 'x'.repeat(20_000);

      expect((await introspect(issuer, service, long)).body).toEqual({ active: false });
      expect((await refresh(issuer, web, long)).body.error).toBe('invalid_grant');
      expect((await redeem({ issuer, client: web }, { code: long, verifier: 'v'.repeat(43) })).status).toBe(
        400,
      );
      const cookie = `drawbridge.session=${'x'.repeat(8000)}; drawbridge.session.sig=${'y'.repeat(2000)}; %%%=\u00e4`;
      const page = await fetch(prepareAuthorization({ issuer, client: web }).url, {
        headers: { cookie: cookie.replace('\u00e4', 'a') },
        redirect: 'manual',
      });
      expect(page.status).toBe(303);
    });
  });

  describe('tokens made by an attacker', () => {
    const claims = (): Record<string, unknown> => ({
      iss: issuer,
      aud: ordersResource,
      sub: 'alice',
      client_id: service.id,
      jti: 'forged',
      scope: 'orders:read',
      iat: Math.floor(Date.now() / 1000),
      exp: Math.floor(Date.now() / 1000) + 600,
    });
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

    it('without a signature, with one of another key, or of another tenant are inactive', async () => {
      const { body } = await tokenRequest(issuer, service, {
        grant_type: 'client_credentials',
        resource: ordersResource,
      });
      const real = body.access_token ?? '';
      const { kid } = decodeProtectedHeader(real);
      const jwks = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: Record<string, string>[] };
      const publicKey = jwks.keys.find((key) => key.kid === kid) ?? {};
      const hmacKey = new TextEncoder().encode(JSON.stringify(publicKey).padEnd(64));
      const other = await generateKeyPair('Ed25519', { extractable: true });
      const ownJwk = await exportJWK(other.publicKey);
      const header = { alg: 'Ed25519', typ: 'at+jwt', ...(kid === undefined ? {} : { kid }) };
      const sign = (more: object) =>
        new SignJWT(claims()).setProtectedHeader({ ...header, ...more }).sign(other.privateKey);
      const atGlobex = await tokenRequest(server.issuer('globex'), service, {
        grant_type: 'client_credentials',
        resource: ordersResource,
      });
      const [head = '', payload = '', signature = ''] = real.split('.');
      const widened = {
        ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object),
        scope: 'everything',
      };
      const forgeries = {
        'alg none': `${encode({ ...header, alg: 'none' })}.${encode(claims())}.`,
        'alg None': `${encode({ ...header, alg: 'None' })}.${encode(claims())}.`,
        'alg none with the real signature': `${encode({ ...header, alg: 'none' })}.${payload}.${signature}`,
        'HS256 with the public key': await new SignJWT(claims())
          .setProtectedHeader({ ...header, alg: 'HS256' })
          .sign(hmacKey),
        'a key of its own': await sign({}),
        'an embedded key': await sign({ jwk: ownJwk }),
        'a key to fetch': await sign({ jku: `${trapUrl}/jwks`, x5u: `${trapUrl}/cert` }),
        'another kid': await sign({ kid: 'nobody' }),
        'the token of another tenant': atGlobex.body.access_token ?? '',
        'changed claims': `${head}.${encode(widened)}.${signature}`,
        'no signature': `${head}.${payload}.`,
        'cut short': real.slice(0, -4),
        'an ID token': (
          await redeem({ issuer, client: web }, await signIn(createBrowser(), { issuer, client: web }))
        ).body.id_token as string,
      };

      expect((await introspect(issuer, ordersApi, real)).body.active).toBe(true);
      for (const [name, token] of Object.entries(forgeries)) {
        for (const client of [service, ordersApi, web]) {
          expect({ name, ...(await introspect(issuer, client, token)).body }).toEqual({
            name,
            active: false,
          });
        }
        expect({ name, status: (await userinfo(issuer, token)).status }).toEqual({ name, status: 401 });
        expect((await revoke(issuer, service, token)).status).toBeLessThan(500);
      }
      expect((await introspect(issuer, ordersApi, real)).body.active).toBe(true);
      expect(trapped).toEqual([]);
    });

    const assertion = async (more: Record<string, unknown> = {}, header: Record<string, unknown> = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const body = { iss: assertor.id, sub: assertor.id, aud: issuer, iat: now, exp: now + 60 };
      return new SignJWT({ ...body, jti: crypto.randomUUID(), ...more })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
        .sign(assertionKey);
    };
    const withAssertion = (client_assertion: string): ReturnType<typeof toAnswerOf> =>
      toAnswerOf({
        grant_type: 'client_credentials',
        client_id: assertor.id,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion,
      });
    const toAnswerOf = async (parameters: Parameters) => {
      const answer = await fetch(`${issuer}/token`, { method: 'POST', body: formOf(parameters) });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };

    it('as client assertion are good once, for this issuer, with the one algorithm', async () => {
      const good = await assertion();
      const [, payload = '', signature = ''] = good.split('.');
      const hs = await new SignJWT({ iss: assertor.id, sub: assertor.id, aud: issuer, jti: 'h' })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('1m')
        .sign(new TextEncoder().encode('k'.repeat(64)));

      expect((await withAssertion(good)).status).toBe(200);
      expect((await withAssertion(good)).status).toBeGreaterThanOrEqual(400);
      for (const bad of [
        await assertion({ aud: `${issuer}/token` }),
        await assertion({ aud: server.issuer('globex') }),
        await assertion({ aud: [issuer, 'https://elsewhere.example'] }),
        await assertion({ iss: web.id, sub: web.id }),
        await assertion({ exp: Math.floor(Date.now() / 1000) - 60 }),
        await assertion({ jti: undefined }),
        `${encode({ alg: 'none' })}.${payload}.`,
        `${encode({ alg: 'none' })}.${payload}.${signature}`,
        await assertion({}, { jku: `${trapUrl}/jwks` }).then((jwt) => `${jwt}x`),
        hs,
      ]) {
        const answer = await withAssertion(bad);
        expect([400, 401]).toContain(answer.status);
        expect(answer.body).not.toHaveProperty('access_token');
      }
      expect(trapped).toEqual([]);
      const records = await server.storage.forTenant('acme').audit.list({ limit: 100 });
      const refused = records.filter(({ action }) => action === 'client.assertion');
      expect(refused).toHaveLength(11);
      for (const record of refused)
        expect(record).toMatchObject({
          outcome: 'failure',
          clientId: assertor.id,
          address: expect.stringMatching(/127\.0\.0\.1|::1/),
        });
    });

    it('as client assertion, eight times at once over two instances, are good once', async () => {
      for (let round = 0; round < 5; round += 1) {
        const same = await assertion();
        const answers = await Promise.all(Array.from({ length: 8 }, () => withAssertion(same)));
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      }
    });
  });

  describeOnce(store, 'addresses in a request', () => {
    it.each(['request_uri', 'request', 'jwks_uri', 'sector_identifier_uri', 'logo_uri', 'registration'])(
      'in %s are never fetched',
      async (name) => {
        trapped = [];
        const value =
          name === 'request' ? `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.` : trapUrl;
        const extra = { [name]: value };
        const page = await createBrowser().get(prepareAuthorization({ issuer, client: web, extra }).url);
        const pushed = await fetch(`${issuer}/request`, {
          method: 'POST',
          headers: { ...form, ...basicAuthorization(web) },
          body: formOf({
            client_id: web.id,
            response_type: 'code',
            redirect_uri: web.redirectUri,
            scope: 'openid',
            code_challenge: 'c'.repeat(43),
            code_challenge_method: 'S256',
            ...extra,
          }),
        });
        const refusedAs = new URL(page.location ?? page.url).searchParams.get('error');

        expect(trapped).toEqual([]);
        expect(page.status).toBeLessThan(500);
        expect(pushed.status).toBeLessThan(500);
        if (name === 'request_uri') expect(page.location ?? '').not.toContain('code=');
        if (name === 'request') expect(refusedAs).toBe('request_not_supported');
      },
    );

    it('of a registration endpoint lead nowhere: there is none', async () => {
      for (const path of ['/reg', '/register', '/registration', '/connect/register']) {
        const answer = await fetch(`${issuer}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"redirect_uris":["https://evil.example"]}',
        });
        expect(answer.status).toBe(404);
      }
    });
  });
});
