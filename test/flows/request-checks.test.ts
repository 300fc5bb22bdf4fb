import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { basicAuthorization, postAs, tokenRequest, tokensFor } from '../support/oauth-client.ts';
import { type RawAnswer, type RawRequest, rawRequest, sendRaw } from '../support/raw-http.ts';
import { migrator, sampleTenant, secretOf, service, web, webClient } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { useServer } from '../support/use-server.ts';

const discovery = '/oauth/acme/.well-known/openid-configuration';

const server = await useServer({ store: sqliteStore });
const port = Number(new URL(server.publicUrl).port);
const host = `Host: localhost:${port}`;

const ask = (request: Omit<RawRequest, 'port'>): Promise<RawAnswer> => rawRequest({ port, ...request });
const askHere = ({ headers = [], ...request }: Omit<RawRequest, 'port'>): Promise<RawAnswer> =>
  ask({ ...request, headers: [host, ...headers] });

describe('a request for another host', () => {
  it.each([
    'evil.example',
    'evil.example:PORT',
    'localhost',
    'localhost.:PORT',
    '127.0.0.1:PORT',
    '[::1]:PORT',
    'localhost:PORT.evil.example',
    'localhost:PORT@evil.example',
    'user:secret@localhost:PORT',
    'localhost:PORT, evil.example',
    'localhost:PORT/evil',
    'localhost:0PORT',
    '"><script>alert(1)</script>',
  ])('%s is sent away with 421, and no word of it where it could do harm', async (name) => {
    const hostile = `Host: ${name.replace('PORT', String(port))}`;
    for (const target of ['/', discovery, '/oauth/acme', '/oauth/acme/auth?client_id=web', '/nowhere']) {
      const answer = await ask({ target, headers: [hostile, 'Accept: text/html'] });
      expect({ target, status: answer.status }).toEqual({ target, status: 421 });
      expect(answer.headers.location).toBeUndefined();
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(answer.body).not.toContain('<script>alert');
      expect(answer.body).not.toMatch(/(?:href|src|action)="[^"]*evil/);
    }
  });

  it('is refused without a word of the host, on the page, in JSON, in a header and in the log', async () => {
    const logged = server.logLines().length;
    for (const accept of ['text/html', 'application/json']) {
      const answer = await ask({ target: '/', headers: ['Host: stranger.example', `Accept: ${accept}`] });
      expect(answer.status).toBe(421);
      expect(JSON.stringify(answer)).not.toContain('stranger');
      expect(JSON.stringify(answer)).toContain(`localhost:${port}`);
    }
    const lines = server.logLines().slice(logged);
    expect(lines.filter((line) => !line.includes('"level":"debug"')).join()).not.toContain('stranger');
    expect(lines.join()).toContain('stranger');
  });

  it.each([
    ['none', 400, []],
    ['an empty one', 421, ['Host:']],
    ['two', 400, ['Host: localhost:PORT', 'Host: evil.example']],
    ['the same twice', 400, ['Host: localhost:PORT', 'Host: localhost:PORT']],
  ])('that names %s is refused with %i', async (_what, status, lines) => {
    const answer = await ask({
      target: discovery,
      headers: lines.map((line) => line.replace('PORT', String(port))),
    });

    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain('"issuer"');
  });

  it('does not learn which tenants have a host of their own', async () => {
    await server.putTenant('hidden', { demo: true, publicUrl: `http://hidden-name.localhost:${port}` });
    const answer = await ask({ target: '/', headers: ['Host: evil.example'] });

    expect(answer.status).toBe(421);
    expect(answer.body).not.toContain('hidden-name');
  });

  it('may ask whether the server is well', async () => {
    expect((await ask({ target: '/healthz', headers: ['Host: 10.1.2.3'] })).status).toBe(200);
    expect((await ask({ target: '/readyz', headers: ['Host: 10.1.2.3'] })).status).toBe(200);
  });
});

it('takes no credential of two: in two headers, or in one with a comma', async () => {
  const { issuer, client } = { issuer: server.issuer('acme'), client: web };
  const { access_token: token } = await tokensFor(createBrowser(), { issuer, client });
  const basicOf = (of: typeof web): string => basicAuthorization(of).authorization ?? '';
  const bearer = `Bearer ${token}`;
  const requests: readonly (readonly [method: string, path: string, credential: string, body: string])[] = [
    ['GET', 'me', bearer, ''],
    ['GET', 'devices', bearer, ''],
    ['POST', 'token', basicOf(service), 'grant_type=client_credentials'],
    ['POST', 'token/introspection', basicOf(web), `token=${token}`],
    ['POST', 'token/revocation', basicOf(web), `token=${token}`],
  ];
  for (const [method, path, credential, body] of requests) {
    const statusFor = async (credentials: readonly string[]): Promise<number> => {
      const type = method === 'POST' ? ['Content-Type: application/x-www-form-urlencoded'] : [];
      const headers = [...type, ...credentials.map((one) => `Authorization: ${one}`)];
      return (await askHere({ method, target: `/oauth/acme/${path}`, headers, body })).status;
    };
    const other = credential === bearer ? `Bearer ${'x'.repeat(43)}` : 'Basic eDp5';
    for (const credentials of [
      [credential, other],
      [other, credential],
      [credential, credential],
      [`${credential}, ${other}`],
      [`${credential},${other}`],
      [`${credential},`],
    ]) {
      const isRefused = [400, 401].includes(await statusFor(credentials));
      expect({ path, credentials, isRefused }).toEqual({ path, credentials, isRefused: true });
    }
    expect({ path, status: await statusFor([credential]) }).toEqual({ path, status: 200 });
  }
});

it('takes its own host in capitals', async () => {
  const answer = await ask({ target: discovery, headers: [`Host: LOCALHOST:${port}`] });

  expect(answer.status).toBe(200);
  expect(answer.body).not.toContain('LOCALHOST');
});

describe('what a proxy or a stranger says about host, scheme and path', () => {
  const claims = [
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Proto: javascript',
    'X-Forwarded-Port: 666',
    'X-Forwarded-Prefix: /evil',
    'X-Forwarded-Server: evil.example',
    'X-Original-Host: evil.example',
    'X-Original-URL: /oauth/globex/jwks',
    'X-Rewrite-URL: /oauth/globex/jwks',
    'X-Host: evil.example',
    'Forwarded: host=evil.example;proto=https;for=6.6.6.6',
  ];

  it('never comes into discovery, even if it comes first', async () => {
    const metadata = async (tenant: string, headers: readonly string[]) =>
      (await askHere({ target: `/oauth/${tenant}/.well-known/openid-configuration`, headers })).body;
    const poisoned = await metadata('globex', claims);
    const clean = await metadata('globex', []);

    expect(poisoned).toBe(clean);
    expect(clean).not.toMatch(/evil|:666\b|javascript/);
    for (const url of clean.match(/https?:\/\/[^"]*/g) ?? []) {
      expect(url.startsWith(server.issuer('globex'))).toBe(true);
    }
  });

  it('never comes into redirects, forms, cookies or the addresses of the device flow', async () => {
    for (const target of ['/oauth/acme', '/oauth/acme/device', '/oauth/acme/session/end', '/']) {
      const { status, headers, body } = await askHere({
        target,
        headers: [...claims, 'Accept: text/html'],
      });
      expect(status).toBeLessThan(400);
      expect(JSON.stringify(headers) + body).not.toMatch(/evil|:666\b|javascript:/);
      expect(headers['set-cookie'] ?? '').not.toMatch(/;\s*secure|__Secure/i);
    }
    const device = await askHere({
      method: 'POST',
      target: '/oauth/acme/device/auth',
      headers: [...claims, 'Content-Type: application/x-www-form-urlencoded'],
      body: 'client_id=tv&scope=openid',
    });
    expect(device.status).toBe(200);
    expect(device.body).toContain(`${server.issuer('acme')}/device`);
    expect(device.body).not.toMatch(/evil|:666\b/);
  });

  it.each(['garbage', '::', '6.6.6.6, garbage', ', , ,', '999.999.999.999', `${'1.1.1.1, '.repeat(1000)}`])(
    'about addresses (%#) changes nothing and breaks nothing',
    async (value) => {
      const login = await askHere({
        target: '/oauth/acme',
        headers: [`X-Forwarded-For: ${value}`, 'Accept: text/html'],
      });
      expect(login.status).toBe(303);
    },
  );

  it('about the address of the asker is believed from trusted proxies alone', async () => {
    const trusting = await startTestServer({
      store: sqliteStore,
      settings: { server: { trustedProxies: ['127.0.0.1'] } },
    });
    try {
      const addressSeen = async (asked: TestServer): Promise<string | undefined> => {
        const form = { grant_type: 'password', username: 'carol', password: 'wrong' };
        const headers = { 'x-forwarded-for': '6.6.6.6, 10.9.9.9' };
        await postAs(migrator, `${asked.issuer('acme')}/token`, { form, headers });
        const [newest] = await asked.storage.forTenant('acme').audit.list({ limit: 1 });
        return newest?.address;
      };

      expect(await addressSeen(server)).toBe('127.0.0.1');
      expect(await addressSeen(trusting)).toBe('10.9.9.9');
    } finally {
      await trusting.close();
    }
  });
});

describe('a request target', () => {
  it.each([
    'http://evil.example/oauth/acme/.well-known/openid-configuration',
    'http://localhost/oauth/acme/.well-known/openid-configuration',
    'https://evil.example/',
    '//oauth/acme/.well-known/openid-configuration',
    '//evil.example/oauth/acme',
    '/\\evil.example',
    '*',
    'oauth/acme/.well-known/openid-configuration',
    '/oauth/acme/.well-known/openid-configuration#x',
    '?x',
  ])('%s is no path, and refused', async (target) => {
    const answer = await askHere({ target });

    expect([400, 404]).toContain(answer.status);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.body).not.toContain('"issuer"');
  });

  it.each([
    '/oauth/acme;x=/.well-known/openid-configuration',
    '/oauth/acme;/.well-known/openid-configuration',
    '/oauth/%61cme/.well-known/openid-configuration',
    '/oauth/globex/../acme/.well-known/openid-configuration',
    '/oauth/globex/..;/acme/.well-known/openid-configuration',
    '/oauth/globex%2f..%2facme/.well-known/openid-configuration',
    '/oauth/globex%2F%2E%2E%2Facme/.well-known/openid-configuration',
    '/oauth/acme/%2e%2e/globex/.well-known/openid-configuration',
    '/oauth/acme/./.well-known/openid-configuration',
    '/oauth//acme/.well-known/openid-configuration',
    '/oauth/acme//.well-known/openid-configuration',
    '/oauth/acme%00/.well-known/openid-configuration',
    '/oauth/acme\\..\\globex/.well-known/openid-configuration',
    '/OAUTH/acme/.well-known/openid-configuration',
    '/oauth/ACME/.well-known/openid-configuration',
    '/oauth/acme%20/.well-known/openid-configuration',
    '/oauth/acme.yaml/.well-known/openid-configuration',
    '/oauth/..%2facme/.well-known/openid-configuration',
    '/oauth/__proto__/.well-known/openid-configuration',
    '/oauth/constructor/.well-known/openid-configuration',
    '/.well-known/openid-configuration/oauth/globex/../acme',
    '/.well-known/openid-configuration/oauth/%61cme',
    '/assets/../config/server.yaml',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets/..%2f..%2fpackage.json',
  ])('%s leads to no tenant and no file', async (target) => {
    const answer = await askHere({ target });

    expect([400, 404]).toContain(answer.status);
    expect(answer.body).not.toMatch(/"issuer"|"dependencies"/);
  });

  it.each([
    '/.well-known/openid-configuration/oauth/acme',
    '/.well-known/oauth-authorization-server/oauth/acme',
  ])('with the well-known part in front (%s) leads to the tenant', async (target) => {
    const answer = await askHere({ target });

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ issuer: server.issuer('acme') });
  });
});

describe('a tenant with a host of its own', () => {
  it('is served on its host and no other, and no other tenant is served there', async () => {
    await server.putTenant('own', sampleTenant({ publicUrl: `http://own.localhost:${port}` }));
    const there = `Host: own.localhost:${port}`;
    const own = await ask({ target: '/oauth/own/.well-known/openid-configuration', headers: [there] });
    const common = await askHere({ target: '/oauth/own/.well-known/openid-configuration' });
    const others = await ask({ target: discovery, headers: [there] });

    expect(JSON.parse(own.body)).toMatchObject({ issuer: `http://own.localhost:${port}/oauth/own` });
    expect(own.body).not.toContain(`//localhost:${port}`);
    expect([common.status, others.status]).toEqual([404, 404]);
  });
});

describe('limits', () => {
  const form = 'Content-Type: application/x-www-form-urlencoded';

  it('of headers hold, and others do not notice', async () => {
    const flood = askHere({ target: discovery, headers: [`X-Forwarded-Proto: ${', '.repeat(30_000)}`] });
    const others = await Promise.all(Array.from({ length: 20 }, () => askHere({ target: discovery })));

    expect([431, 0]).toContain((await flood).status);
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it.each(['/oauth/acme/token', '/oauth/acme/device/auth', '/oauth/acme/token/introspection'])(
    'of bodies hold at %s',
    async (target) => {
      const body = `client_id=tv&x=${'a'.repeat(100_000)}`;
      const answer = await askHere({ method: 'POST', target, headers: [form], body });

      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    },
  );

  it('of bodies hold for our own forms', async () => {
    const target = `/oauth/acme/interaction/${'x'.repeat(21)}/login`;
    const body = `csrf=x&login=${'a'.repeat(100_000)}`;
    const answer = await askHere({ method: 'POST', target, headers: [form], body });

    expect(answer.status).toBe(413);
  });

  it('of bodies hold where their length is not declared', async () => {
    const chunk = `${(10_000).toString(16)}\r\n${'a'.repeat(10_000)}\r\n`;
    const head = `POST /oauth/acme/token HTTP/1.1\r\n${host}\r\n${form}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    const answer = await sendRaw(port, `${head}${chunk.repeat(20)}0\r\n\r\n`);

    expect([400, 413]).toContain(answer.status);
  });

  it('leave no doubt about where a request ends', async () => {
    const smuggled = `POST /oauth/acme/token HTTP/1.1\r\n${host}\r\n${form}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n${host}\r\n\r\n`;

    expect((await sendRaw(port, smuggled)).status).toBe(400);
  });
});

describe('methods', () => {
  it('that echo, tunnel or do not exist get nothing', async () => {
    const secret = 'Cookie: secret=in-a-cookie';
    for (const method of ['TRACE', 'TRACK', 'BREW', 'PROPFIND']) {
      for (const target of ['/', discovery, '/oauth/acme/token', '/oauth/acme']) {
        const answer = await askHere({ method, target, headers: [secret] });
        expect([400, 404, 405, 501]).toContain(answer.status);
        expect(answer.body + JSON.stringify(answer.headers)).not.toContain('in-a-cookie');
      }
    }
    expect((await ask({ method: 'CONNECT', target: 'evil.example:443' })).status).toBe(501);
  });

  it.each([
    ['GET', '/oauth/acme/token'],
    ['PUT', '/oauth/acme/token'],
    ['DELETE', '/oauth/acme/token'],
    ['GET', '/oauth/acme/token/introspection'],
    ['GET', '/oauth/acme/token/revocation'],
    ['POST', '/oauth/acme/auth'],
    ['POST', '/oauth/acme'],
    ['POST', '/'],
    ['PUT', discovery],
  ])('%s %s is not offered', async (method, target) => {
    expect([400, 404, 405]).toContain((await askHere({ method, target })).status);
  });

  it('HEAD answers as GET does, without a body', async () => {
    for (const target of [discovery, '/oauth/acme/jwks', '/healthz', '/oauth/acme/device']) {
      const got = await askHere({ target });
      const head = await askHere({ method: 'HEAD', target });
      expect({ target, status: head.status, body: head.body }).toEqual({
        target,
        status: got.status,
        body: '',
      });
    }
  });
});

describe('a server behind a proxy that does TLS', () => {
  let server: TestServer;
  let folder: string;
  let port: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drawbridge-secrets-'));
    await writeFile(join(folder, 'web'), secretOf(web.id));
    await writeFile(join(folder, 'service'), secretOf(service.id));
    port = await freePort();
    const secretFile = (id: string) => ({ client_secret: `file:${join(folder, id)}` });
    server = await startTestServer({
      store: sqliteStore,
      tenants: {
        acme: {
          clients: [
            webClient(web, secretFile('web')),
            {
              client_id: service.id,
              ...secretFile('service'),
              grant_types: ['client_credentials'],
            },
          ],
        },
      },
      settings: {
        server: {
          publicUrl: 'https://login.example.com',
          port,
          tlsTerminatedByProxy: true,
          hstsIncludeSubDomains: true,
        },
      },
    });
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  const ask = (target: string, ...headers: readonly string[]): Promise<RawAnswer> =>
    rawRequest({ port, target, headers: ['Host: login.example.com', 'Accept: text/html', ...headers] });

  it('speaks of https alone, whatever a header says', async () => {
    for (const claim of [[], ['X-Forwarded-Proto: http'], ['X-Forwarded-Proto: https']]) {
      const { body, status } = await ask('/oauth/acme/.well-known/openid-configuration', ...claim);
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ issuer: 'https://login.example.com/oauth/acme' });
      expect(body).not.toContain('http://');
    }
  });

  it('sets secure cookies below its own path, and asks browsers to stay with https', async () => {
    const start = await ask('/oauth/acme');
    const target = new URL(start.headers.location ?? '');
    const login = await ask(target.pathname + target.search);
    const cookies = (login.headers['set-cookie'] ?? '').split(/, (?=[^;]+?=)/);

    expect(target.origin).toBe('https://login.example.com');
    expect(login.status).toBe(303);
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/^__Secure-drawbridge\./);
      expect(cookie).toMatch(/; path=\/oauth\/acme/i);
      expect(cookie).toMatch(/; secure/i);
      expect(cookie).toMatch(/; httponly/i);
      expect(cookie).toMatch(/; samesite=lax/i);
    }
    expect(login.headers['strict-transport-security']).toMatch(/^max-age=\d{8}; includeSubDomains$/);
    const program = await ask('/oauth/acme/me', 'Accept: application/json');
    expect(program.headers['strict-transport-security']).toMatch(/^max-age=\d{8}; includeSubDomains$/);
  });

  it('answers on its own name only', async () => {
    const answer = await rawRequest({ port, target: '/', headers: [`Host: 127.0.0.1:${port}`] });
    const direct = await tokenRequest(`http://127.0.0.1:${port}/oauth/acme`, service, {
      grant_type: 'client_credentials',
    });

    expect([answer.status, direct.status]).toEqual([421, 421]);
  });
});

const freePort = async (): Promise<number> => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo; // it listens on TCP
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
};
