import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Koa from 'koa';
import { createLog } from '../../src/log.ts';
import { createAddressBlocks } from '../../src/protocol/address-blocks.ts';
import { clientAddress } from '../../src/web/client-address.ts';
import { createRequestChecks } from '../../src/web/request-checks.ts';
import { requestFacts } from '../../src/web/request-facts.ts';
import { findTenantId } from '../../src/web/tenant-path.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Says exactly these bytes, which no HTTP client would. */
const say = (port: number, lines: readonly string[]): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('end', () => resolve({ status: Number(text.split(' ')[1]), text }));
  });

const serve = async (
  trustedProxies: readonly string[],
  isSecure = true,
): Promise<{ port: number; close: () => void }> => {
  const app = new Koa();
  app.silent = true;
  app.use(
    createRequestChecks({
      hostsAllowed: () => new Set(['login.example', 'acme.example:8443']),
      serviceHosts: new Set(['orders.example']),
      trustedProxies,
      log: createLog({ level: 'silent' }),
      isSecure: () => isSecure,
    }),
  );
  app.use((ctx) => {
    ctx.body = requestFacts(ctx);
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
};

let direct: Awaited<ReturnType<typeof serve>>;
let plain: Awaited<ReturnType<typeof serve>>;
let proxied: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  direct = await serve([]);
  plain = await serve([], false);
  proxied = await serve(['127.0.0.0/8', '10.0.0.0/8', 'fd00::/8']);
});
afterAll(() => {
  direct.close();
  plain.close();
  proxied.close();
});

const get = (target: string, ...headers: string[]): Promise<Answer> =>
  say(direct.port, [`GET ${target} HTTP/1.1`, 'Connection: close', ...headers]);

describe('the host of a service', () => {
  it.each([
    ['/.drawbridge/start?state=x', 200],
    ['/.drawbridge/', 200],
    ['/.drawbridge', 421],
    ['/.drawbridgeX/start', 421],
    ['/.Drawbridge/start', 421],
    ['/', 421],
    ['/oauth/acme', 421],
    ['/?x=/.drawbridge/start', 421],
  ])('%s is answered with %i', async (target, status) => {
    expect((await get(target, 'Host: orders.example')).status).toBe(status);
  });

  it('is the same with the port of its scheme', async () => {
    expect((await get('/.drawbridge/start', 'Host: Orders.example:443')).status).toBe(200);
  });

  it('answers its path on no other host', async () => {
    expect((await get('/.drawbridge/start', 'Host: evil.example')).status).toBe(421);
  });
});

describe('the host', () => {
  it.each([
    ['login.example', 'login.example'],
    ['LOGIN.example', 'login.example'],
    ['login.example:443', 'login.example'],
    ['login.example:', 'login.example'],
    ['log%69n.example:443', 'login.example'],
    ['acme.example:8443', 'acme.example:8443'],
  ])('%s is %s, and answered', async (name, host) => {
    const { status, text } = await get('/', `Host: ${name}`);
    expect(status).toBe(200);
    expect(text).toContain(`"host":"${host}"`);
  });

  it.each([
    'evil.example',
    'login.example:1@evil',
    'a@login.example',
    'login.example.',
    'login.example:80',
    'acme.example',
    '',
  ])('"%s" is refused with 421', async (host) => {
    expect((await get('/', `Host: ${host}`)).status).toBe(421);
  });

  it('is not repeated in the refusal, which names the one expected and no tenant', async () => {
    const { text } = await get('/', 'Host: <b>evil');
    expect(text).toContain('login.example');
    expect(text).not.toContain('evil');
    expect(text).not.toContain('acme.example');
  });

  it('must be said once', async () => {
    expect((await get('/', 'Host: login.example', 'Host: evil.example')).status).toBe(400);
    expect((await get('/', 'Host: evil.example', 'Host: login.example')).status).toBe(400);
  });

  it('is not taken from what a proxy says', async () => {
    const forwarded = [
      'X-Forwarded-Host: evil.example',
      'Forwarded: host=evil.example',
      'X-Forwarded-Proto: javascript',
    ];
    const { status, text } = await get('/', 'Host: login.example', ...forwarded);
    expect(status).toBe(200);
    expect(text).toContain('"host":"login.example"');
    expect(text).not.toContain('evil');
  });

  it.each(['/healthz', '/readyz', '/readyz?x=1'])('may be any for %s', async (target) => {
    expect((await get(target, 'Host: 10.1.2.3:3000')).status).toBe(200);
  });

  it('may not be any for what only looks like a health check', async () => {
    expect((await get('/healthz/../x', 'Host: evil')).status).toBe(421);
  });
});

describe('the host of a public URL with http', () => {
  it.each([
    ['login.example:80', 200],
    ['login.example:443', 421],
  ])('%s is answered with %i', async (host, status) => {
    const lines = ['GET / HTTP/1.1', 'Connection: close', `Host: ${host}`];
    expect((await say(plain.port, lines)).status).toBe(status);
  });
});

describe('the request target', () => {
  it.each([
    'http://evil.example/oauth/a',
    'http://login.example/',
    '//evil.example/',
    '/\\evil.example/',
    '*',
    '/a\\b',
    '/a#b',
  ])('%s is refused with 400', async (target) => {
    expect((await get(target, 'Host: login.example')).status).toBe(400);
  });
});

describe('the request id', () => {
  it('is new for each request and returned', async () => {
    const ids = await Promise.all([1, 2, 3].map(async () => (await get('/', 'Host: login.example')).text));
    const found = ids.map((text) => /x-request-id: (\S+)/i.exec(text)?.[1]);
    expect(new Set(found).size).toBe(3);
  });

  it('is taken over from a trusted proxy, if it is sane, and from no other', async () => {
    const ask = (port: number, id: string): Promise<Answer> =>
      say(port, ['GET / HTTP/1.1', 'Connection: close', 'Host: login.example', `X-Request-Id: ${id}`]);
    expect((await ask(proxied.port, 'abc-12345')).text).toContain('"requestId":"abc-12345"');
    expect((await ask(direct.port, 'abc-12345')).text).not.toContain('abc-12345');
    for (const id of ['short', 'x'.repeat(65), 'with space12', '{"a":1}{"b":2}']) {
      expect((await ask(proxied.port, id)).text).not.toContain(`"requestId":"${id}"`);
    }
  });
});

describe('the address of a person', () => {
  const isTrusted = createAddressBlocks(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::ffff:192.0.2.8']);
  it.each([
    ['198.51.100.1', undefined, '198.51.100.1'],
    ['198.51.100.1', '6.6.6.6', '198.51.100.1'],
    ['10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '6.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '6.6.6.6, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['::ffff:10.0.0.1', '::ffff:203.0.113.7', '203.0.113.7'],
    ['fd00::1', '2001:DB8::1', '2001:db8::1'],
    ['192.0.2.7', '203.0.113.7', '203.0.113.7'],
    ['192.0.2.8', '203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', 'garbage', '10.0.0.1'],
    ['10.0.0.1', '6.6.6.6, garbage', '10.0.0.1'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.9, 10.0.0.8', '10.0.0.9'],
    ['10.0.0.1', ', '.repeat(30_000), '10.0.0.1'],
    ['', '6.6.6.6', ''],
  ])('behind %s saying %j is %s', (peer, forwardedFor, expected) => {
    expect(clientAddress(peer, forwardedFor, isTrusted)).toBe(expected);
  });

  it('reaches the routes', async () => {
    const lines = [
      'GET / HTTP/1.1',
      'Connection: close',
      'Host: login.example',
      'X-Forwarded-For: 6.6.6.6, 203.0.113.7',
    ];
    expect((await say(proxied.port, lines)).text).toContain('"address":"203.0.113.7"');
    expect((await say(direct.port, lines)).text).toContain('"address":"127.0.0.1"');
  });

  it.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/', '10.0.0/8', '', 'fd00::/129', '10.0.0.0/8/8'])(
    'cannot be read with the wrong proxy "%s"',
    (proxy) => {
      expect(() => createAddressBlocks([proxy])).toThrow(/CIDR/);
    },
  );
});

describe('the path of a tenant', () => {
  it.each([
    ['/oauth/acme', 'acme'],
    ['/oauth/acme/', 'acme'],
    ['/oauth/device-lab/token', 'device-lab'],
    ['/oauth/a/.well-known/openid-configuration', 'a'],
  ])('%s is that of %s', (path, tenant) => {
    expect(findTenantId(path)).toBe(tenant);
  });

  it.each([
    '/oauth',
    '/oauth/',
    '/oauth//token',
    '/oauth/A;x=/token',
    '/oauth/a;x=/token',
    '/oauth/%61/token',
    '/oauth/a/../b/token',
    '/oauth/a/./token',
    '/oauth/a/%2e%2e/b',
    '/oauth/a%2f..%2fb/token',
    '/oauth/a/x%5Cy',
    '/oauth/a/token\\x',
    '/oauth/a//token',
    '/oauth/a/token%00',
    '//oauth/a/token',
    '/OAUTH/a',
    '/oauth/A',
    '/oauth/-a',
    '/oauth/a_b',
    '/oauth/.well-known',
    `/oauth/${'a'.repeat(64)}`,
    '/other/a',
    '',
  ])('%s leads nowhere', (path) => {
    expect(findTenantId(path)).toBeUndefined();
  });
});
