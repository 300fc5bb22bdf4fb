import { createHash, X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition, ServiceTarget } from '../../src/config/gateway/gateway-definition.ts';
import { definedOnly } from '../../src/defined-only.ts';
import { AppError } from '../../src/errors.ts';
import { createAuthzEndpoint } from '../../src/gateway/answer/authz-endpoint.ts';
import { createServiceTokens } from '../../src/gateway/answer/service-token.ts';
import type { Decision, GatewayRequest } from '../../src/gateway/gateway-types.ts';
import { createLog } from '../../src/log.ts';
import { createClientCertificates } from '../../src/web/client-certificates.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { type RawAnswer, rawRequest } from '../support/raw-http.ts';
import { createCertificateAuthority } from '../support/slapd-certificates.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { freePort, startTestServer } from '../support/test-server.ts';

const proxySecret = 'a-secret-of-the-proxy-0123456789-abcdef';
const service = { name: 'orders', basic: false } as ServiceDefinition; // no more of it is asked
const allowed: Decision = { outcome: 'allowed', service, forwardPath: '/' };

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Setup {
  readonly decide?: (request: GatewayRequest) => Promise<Decision>;
  readonly signInUrl?: () => string;
  readonly trustedProxies?: readonly string[];
  readonly proxySecret?: string;
  readonly isPublicHost?: (host: string) => boolean;
}

const start = async (setup: Setup = {}) => {
  const asked: GatewayRequest[] = [];
  const lines: string[] = [];
  const clock = createTestClock(1_700_000_000_000);
  const answer = createAuthzEndpoint({
    decide: async (request) => {
      asked.push(request);
      return setup.decide === undefined ? allowed : setup.decide(request);
    },
    signInUrl: setup.signInUrl ?? (() => 'https://id.example.com/sign-in'),
    serviceTokens: createServiceTokens({ clock }),
    trustedProxies: setup.trustedProxies ?? ['127.0.0.1'],
    isSecure: () => true,
    publicScheme: 'https',
    certificates: createClientCertificates({ source: undefined, trustedProxies: [] }),
    ...definedOnly({ proxySecret: setup.proxySecret, isPublicHost: setup.isPublicHost }),
    clock,
    log: createLog({ level: 'debug' }, { write: (line) => void lines.push(line) }),
  });
  const own = createServer((req, res) => void answer(req, res));
  server = own;
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  const { port } = own.address() as AddressInfo; // it listens on TCP
  const ask = (target: string, ...headers: readonly string[]): Promise<RawAnswer> =>
    rawRequest({ port, target, headers: ['Host: idp', ...headers] });
  return { ask, asked, lines, clock, port, closeServer: () => own.close() };
};

const original = [
  'X-Forwarded-Method: GET',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: orders.example.com',
  'X-Forwarded-Uri: /a?b=c',
  'X-Forwarded-For: 203.0.113.7',
] as const;

describe('who may ask', () => {
  it('is a proxy at a trusted address', async () => {
    const { ask, asked } = await start();
    expect((await ask('/api/authz/acme/forward-auth', ...original)).status).toBe(200);
    expect(asked).toMatchObject([
      {
        method: 'GET',
        host: 'orders.example.com',
        path: '/a',
        search: '?b=c',
        tenant: 'acme',
        address: '203.0.113.7',
        isOwnProxy: false,
      },
    ]);
  });

  it.each(['/api/authz/auth-request', '/api/authz/forward-auth', '/api/authz/ext-authz/a'])(
    'is nobody else at %s; the answer says what to set, the log once a minute',
    async (target) => {
      const { ask, asked, lines, clock } = await start({ trustedProxies: ['10.0.0.0/8'], proxySecret });
      const warnings = () => lines.filter((line) => line.includes('"level":"warn"'));
      for (const lie of ['X-Forwarded-For: 10.0.0.1', `X-Drawbridge-Proxy-Secret: ${proxySecret}x`]) {
        const { status, headers, body } = await ask(target, ...original.slice(0, 4), lie);
        expect(status).toBe(403);
        expect(headers['x-error']).toContain('server.trustedProxies');
        expect(JSON.parse(body)).toMatchObject({ error_description: headers['x-error'] });
      }
      expect(asked).toEqual([]);
      expect(warnings()).toHaveLength(1);
      expect(warnings()[0]).toContain('server.trustedProxies');
      clock.advance(60_000);
      await ask(target, ...original);
      expect(warnings()).toHaveLength(2);
      expect(lines.join()).not.toContain(proxySecret);
    },
  );

  it('is any that knows the secret, and its headers about the client are then believed', async () => {
    const { ask, asked } = await start({ trustedProxies: [], proxySecret });
    const secret = `X-Drawbridge-Proxy-Secret: ${proxySecret}`;
    expect((await ask('/api/authz/forward-auth', ...original, secret)).status).toBe(200);
    expect(asked).toMatchObject([{ address: '203.0.113.7' }]);
    expect(JSON.stringify(asked)).not.toContain(proxySecret);
    expect((await ask('/api/authz/forward-auth', ...original, secret, secret)).status).toBe(403);
  });

  it('needs the secret on a public host, where every client behind the proxy can ask', async () => {
    const isPublicHost = (host: string) => host === 'idp';
    const target = '/api/authz/forward-auth';
    const open = await start({ isPublicHost });
    const refused = await open.ask(target, ...original);
    expect(refused.status).toBe(403);
    expect(refused.headers['x-error']).toMatch(/not enough.*gateway\.proxySecret/);
    expect(open.asked).toEqual([]);
    expect(open.lines.find((line) => line.includes('"level":"warn"'))).toContain('gateway.proxySecret');
    open.closeServer();

    const { ask } = await start({ isPublicHost, proxySecret });
    expect((await ask(target, ...original)).status).toBe(403);
    const secret = `X-Drawbridge-Proxy-Secret: ${proxySecret}`;
    expect((await ask(target, ...original, secret)).status).toBe(200);
  });

  it('has no secret to know where none is set', async () => {
    const { ask } = await start({ trustedProxies: [] });
    for (const shown of ['', 'undefined'])
      expect(
        (await ask('/api/authz/forward-auth', ...original, `X-Drawbridge-Proxy-Secret: ${shown}`)).status,
      ).toBe(403);
  });
});

describe('what is answered', () => {
  it('is 400 to what is no endpoint, and where the original request is missing or contradicts itself', async () => {
    const { ask, asked } = await start();
    for (const [target, ...headers] of [
      ['/api/authz/acme/unheard-of', ...original],
      ['/api/authz/forward-auth'],
      ['/api/authz/auth-request', ...original],
      ['/api/authz/forward-auth', ...original, 'X-Forwarded-Uri: /public'],
      ['/api/authz/forward-auth', ...original, 'X-Original-URL: https://orders.example.com/public'],
    ] as const) {
      const answer = await ask(target, ...headers);
      expect(answer.status).toBe(400);
      expect(answer.headers['x-error']).toMatch(/\w/);
    }
    expect(asked).toEqual([]);
  });

  it.each([
    ['forward-auth', 503],
    ['ext-authz/a', 403],
  ])('closes %s with %s when anything is thrown, and logs why', async (endpoint, status) => {
    const thrown = async (): Promise<Decision> => {
      throw new AppError('unavailable', 'The store cannot be reached', { detail: 'of the test' });
    };
    const { ask, lines } = await start({ decide: thrown });
    const { headers, ...answer } = await ask(`/api/authz/${endpoint}`, ...(status === 503 ? original : []));
    expect(answer.status).toBe(status);
    const line = lines.find((each) => each.includes('"level":"error"')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ errorId: headers['x-error-id'], outcome: 'unavailable' });
    expect(line).toContain('of the test');
    expect(answer.body).not.toContain('of the test');
  });

  it.each([
    ['forward-auth', 503],
    ['ext-authz/a', 403],
  ])('closes %s with %s when the answer itself cannot be sent', async (endpoint, status) => {
    const { ask } = await start({
      decide: async () => ({ outcome: 'sign_in', service }),
      signInUrl: () => 'https://id.example.com/\r\nX-Injected: 1',
    });
    const asked = status === 503 ? original : [];
    const answer = await ask(`/api/authz/${endpoint}`, ...asked, 'Accept: text/html');
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toHaveProperty('x-injected');
  });

  it('closes when there is no address of the sign-in', async () => {
    const { ask } = await start({
      decide: async () => ({ outcome: 'sign_in', service }),
      signInUrl: () => {
        throw new Error('broken');
      },
    });
    const { status, headers } = await ask('/api/authz/forward-auth', ...original, 'Accept: text/html');
    expect(status).toBe(503);
    expect(headers).not.toHaveProperty('location');
  });

  it('is logged with service and outcome, without the query', async () => {
    const { ask, lines } = await start();
    await ask('/api/authz/acme/forward-auth', ...original, 'Cookie: GWSESSIONID=secret');
    expect(JSON.parse(lines.at(-1) ?? '{}')).toMatchObject({
      route: '/api/authz/forward-auth',
      target: 'orders.example.com/a',
      outcome: 'allowed',
      service: 'orders',
      status: 200,
      address: '203.0.113.7',
    });
    expect(lines.join()).not.toMatch(/b=c|secret/);
  });

  it.each(['HEAD', 'OPTIONS', 'PROPFIND', 'DELETE'])('is the same to a %s of Envoy', async (method) => {
    const { port, asked } = await start();
    const headers = ['Host: orders.example.com', 'Content-Length: 0'];
    const { status } = await rawRequest({ port, method, target: '/api/authz/ext-authz/a', headers });
    expect(status).toBe(200);
    expect(asked).toMatchObject([{ method, host: 'orders.example.com', path: '/a' }]);
  });
});

describe('a client certificate', () => {
  it('counts only with the secret in front of it, in the words of nginx and of RFC 9440', async () => {
    const { ca, remove } = await createCertificateAuthority();
    const { raw } = new X509Certificate(ca);
    const { ask, asked } = await start({ proxySecret });
    for (const written of [encodeURIComponent(ca), `:${raw.toString('base64')}:`]) {
      await ask(
        '/api/authz/forward-auth',
        ...original,
        `X-Drawbridge-Client-Cert: ${proxySecret} ${written}`,
      );
      await ask('/api/authz/forward-auth', ...original, `X-Drawbridge-Client-Cert: ${written}`);
      await ask('/api/authz/forward-auth', ...original, `X-Drawbridge-Client-Cert: wrong ${written}`);
    }
    await ask('/api/authz/forward-auth', ...original, `X-Drawbridge-Client-Cert: ${proxySecret} nonsense`);
    await ask('/api/authz/forward-auth', ...original, `X-Drawbridge-Client-Cert: ${proxySecret} %zz`);
    const fingerprint = createHash('sha256').update(raw).digest('hex');
    expect(asked.map(({ certificateFingerprint }) => certificateFingerprint)).toEqual([
      fingerprint,
      ...[undefined, undefined, fingerprint, undefined, undefined, undefined, undefined],
    ]);
    expect(JSON.stringify(asked)).not.toContain(proxySecret);
    await remove();
  });
});

it('a server knows its public hosts: its own, those of tenants, and those of services that it forwards', async () => {
  const port = await freePort();
  const nowhere: ServiceTarget = {
    ...{ url: 'http://127.0.0.1:9', connectTimeoutMs: 1000, timeoutMs: 1000, idleTimeoutMs: 1000 },
    ...{ hostHeader: 'public', authorization: 'none' },
  };
  const services = [
    serviceOf('shop', { host: 'shop.example.com', target: nowhere }),
    serviceOf('orders', { host: 'orders.example.com' }),
  ];
  const drawbridge = await startTestServer({
    store: sqliteStore,
    port,
    tenants: {},
    settings: {
      server: { publicUrl: 'https://id.example.com', trustedProxies: ['127.0.0.1'] },
      gateway: { services, proxySecret },
    },
  });
  const statusOn = async (host: string, ...headers: readonly string[]): Promise<number> => {
    const target = '/api/authz/forward-auth';
    return (await rawRequest({ port, target, headers: [`Host: ${host}`, ...original, ...headers] })).status;
  };
  try {
    await drawbridge.putTenant('acme', { displayName: 'Acme', publicUrl: 'https://acme.example.com' });
    for (const host of ['id.example.com', 'ACME.example.com', 'shop.example.com']) {
      expect({ host, status: await statusOn(host) }).toEqual({ host, status: 403 });
      expect(await statusOn(host, `X-Drawbridge-Proxy-Secret: ${proxySecret}`)).toBe(401);
    }
    for (const host of ['drawbridge:3000', `127.0.0.1:${port}`, 'orders.example.com'])
      expect(await statusOn(host)).toBe(401);
  } finally {
    await drawbridge.close();
  }
});
