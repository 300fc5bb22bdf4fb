import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { identityHeaderNames } from '../../src/gateway/answer/identity-headers.ts';
import { eventually } from '../support/eventually.ts';
import { alice, type ProxyOptions, type RunningProxy, startProxy } from '../support/proxy-fixture.ts';
import { type RawAnswer, rawRequest } from '../support/raw-http.ts';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';
import { createCertificateAuthority } from '../support/slapd-certificates.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const running = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
  const started = await starting;
  open.push(() => started.close());
  return started;
};

const start = async (
  options: Omit<ProxyOptions, 'target'> = {},
  behind: ServiceOptions = {},
): Promise<{ readonly proxy: RunningProxy; readonly service: Service }> => {
  const service = await running(startService(behind));
  const proxy = await running(startProxy({ target: service.url, ...options }));
  return { proxy, service };
};

/** What the proxy asks of a tenant. */
const acme = {
  definition: { id: 'acme', gateway: { services: {}, trustedGateways: [] } },
} as unknown as NonNullable<ProxyOptions['tenant']>; // nothing else of it is asked

interface Asking {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

const ask = ({ port, host }: RunningProxy, { headers = [], target = '/', ...asking }: Asking = {}) =>
  rawRequest({ ...asking, port, target, headers: [`Host: ${host}`, ...headers] });

const lastOf = ({ got }: Service) => {
  const last = got.at(-1);
  if (last === undefined) throw new Error('the service got nothing');
  return last;
};

const namesOf = (service: Service): readonly string[] =>
  lastOf(service).rawHeaders.filter((_, index) => index % 2 === 0);

const errorOf = ({ body }: RawAnswer): { readonly error: string; readonly error_id: string } =>
  JSON.parse(body) as { error: string; error_id: string };

describe('what the service gets', () => {
  it('is the request with its body, and the whole set of headers about the caller', async () => {
    let received = '';
    const { proxy, service } = await start(
      { tenant: acme },
      {
        answer: (req, res) => {
          req.on('data', (chunk: Buffer) => {
            received += chunk.toString();
          });
          req.once('end', () => res.writeHead(201, { 'X-Own': 'yes' }).end('made'));
        },
      },
    );
    const answer = await ask(proxy, {
      method: 'POST',
      target: '/orders?x=1',
      headers: ['Content-Type: text/plain', 'X-Custom: one', 'X-Custom: two'],
      body: 'three apples',
    });
    expect(answer).toMatchObject({
      status: 201,
      headers: { 'x-own': 'yes' },
      body: expect.stringContaining('made'),
    });
    expect(received).toBe('three apples');
    const { method, url, headers, rawHeaders } = lastOf(service);
    expect({ method, url }).toEqual({ method: 'POST', url: '/orders?x=1' });
    expect(headers).toMatchObject({
      'content-length': '12',
      'content-type': 'text/plain',
      'remote-user': 'alice',
      'remote-name': 'Alice %C3%84pfel',
      'x-auth-subject': alice.sub,
      'x-auth-token': 'signed.token.here',
      'x-auth-roles': '',
    });
    expect(namesOf(service)).toEqual(expect.arrayContaining([...identityHeaderNames]));
    expect(rawHeaders.filter((_, index) => rawHeaders[index - 1] === 'X-Custom')).toEqual(['one', 'two']);
  });

  it('is not refused by a usual server for people in very many groups', async () => {
    const groups = Array.from({ length: 700 }, (_, at) => `acme-department-${at}`);
    const { proxy, service } = await start({ tenant: acme, caller: { ...alice, groups } });
    expect((await ask(proxy)).status).toBe(200);
    expect(lastOf(service).headers['remote-groups-truncated']).toBe('true');
    expect(proxy.logLines().at(-1)).toMatchObject({ cut: { groups: expect.stringMatching(/ of 700$/) } });
  });

  it('is in the log with its size where a service refuses the size of the headers', async () => {
    const { proxy } = await start({}, { answer: (_req, res) => void res.writeHead(431).end() });
    expect((await ask(proxy)).status).toBe(431);
    const isAdvice = ({ msg, headerBytes }: Readonly<Record<string, unknown>>): boolean =>
      /identity\.maxBytes/.test(String(msg)) && Number(headerBytes) > 100;
    await eventually('the log says so', () => proxy.logLines().some(isAdvice), 2_000);
  });

  it('says who asks and where, whatever the client says of it', async () => {
    const { proxy, service } = await start();
    await ask(proxy, {
      headers: [
        'X-Forwarded-For: 1.2.3.4',
        'X-Forwarded-Host: evil.test',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Port: 1',
        'X-Forwarded-Prefix: /evil',
        'X_Forwarded_For: 1.2.3.4',
        'X-Original-URL: /admin',
        'X-Rewrite-URL: /admin',
        'X-Real-IP: 1.2.3.4',
        'Forwarded: for=1.2.3.4',
        'X-HTTP-Method-Override: DELETE',
        'X-ID-TENANT-NAME: globex',
      ],
    });
    const { headers, rawHeaders } = lastOf(service);
    expect(rawHeaders.join('\n')).not.toMatch(/1\.2\.3\.4|evil|admin|DELETE|globex/);
    expect(headers).toMatchObject({
      host: 'orders.test',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'orders.test',
      'x-forwarded-proto': 'http',
      'x-forwarded-port': '80',
    });
    expect(headers['x-forwarded-prefix']).toBeUndefined();
  });

  it.each(identityHeaderNames)('never is %s as the client wrote it, in no case and no form', async (name) => {
    const { proxy, service } = await start({
      decide: (_request, allow) => ({ ...allow(), caller: undefined }) as never,
    });
    const forms = [name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('-', '_')];
    await ask(proxy, { headers: forms.map((form) => `${form}: forged`) });
    const { rawHeaders } = lastOf(service);
    expect(rawHeaders).not.toContain('forged');
    expect(
      namesOf(service).filter((sent) => sent.replaceAll('_', '-').toLowerCase() === name.toLowerCase()),
    ).toEqual([name]);
  });

  it('keeps the headers about the caller that a client wants dropped by the proxy', async () => {
    const { proxy, service } = await start();
    await ask(proxy, {
      headers: [
        `Connection: X-Auth-Subject, Remote-User, X-Forwarded-For, Host, X-Private, keep-alive`,
        'Keep-Alive: timeout=5',
        'X-Private: for the proxy alone',
        'TE: trailers',
        'Proxy: http://evil.test',
        'Proxy-Authorization: Basic eDp5',
        'Proxy-Connection: keep-alive',
      ],
    });
    const { headers, rawHeaders } = lastOf(service);
    expect(headers).toMatchObject({
      host: 'orders.test',
      'x-auth-subject': alice.sub,
      'remote-user': 'alice',
      'x-forwarded-for': '127.0.0.1',
    });
    expect(rawHeaders.join('\n')).not.toMatch(/proxy alone|evil|eDp5|trailers|timeout=5/);
    expect(namesOf(service).map((name) => name.toLowerCase())).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^proxy/)]),
    );
  });

  it('holds neither credential nor session, and all other cookies as they were', async () => {
    const { proxy, service } = await start();
    await ask(proxy, {
      headers: [
        'Authorization: Basic YWxpY2U6cGFzc3dvcmQ=',
        'Cookie: first="a b"; GWSESSIONID=acme.opaqueopaqueopaque; __Host-GWSESSIONID=x; __Host-drawbridge.way.a=x; drawbridge.session=x; my.drawbridge.x=1; last=z%20z',
      ],
    });
    const { headers } = lastOf(service);
    expect(headers.authorization).toBeUndefined();
    expect(headers.cookie).toBe('first="a b"; my.drawbridge.x=1; last=z%20z');
  });

  it.each([
    ['token' as const, 'Bearer signed.token.here'],
    [{ bearer: 'of-the-operator' }, 'Bearer of-the-operator'],
    ['none' as const, undefined],
  ])('has the authorization of the settings: %p', async (authorization, expected) => {
    const { proxy, service } = await start({ tenant: acme, limits: { authorization } });
    await ask(proxy, { headers: ['Authorization: Bearer of-the-client'] });
    expect(lastOf(service).headers.authorization).toBe(expected);
  });

  it('has the path that was judged, to the letter, below that of the target', async () => {
    const service = await running(startService());
    const proxy = await running(
      startProxy({
        target: `${service.url}/base`,
        decide: (_request, allow) =>
          ({ ...allow(), forwardPath: "/a%20b/%C3%A4/'x'|{y}^`?q=%2e%2e/../&&=?" }) as never,
      }),
    );
    await ask(proxy, { target: '/whatever' });
    expect(lastOf(service).url).toBe("/base/a%20b/%C3%A4/'x'|{y}^`?q=%2e%2e/../&&=?");
  });

  it('does not hold the prefix where that is stripped, but says what it was', async () => {
    const { proxy, service } = await start({ service: { prefix: '/shop', stripPrefix: true } });
    await ask(proxy, { target: '/shop/cart?x' });
    expect(lastOf(service)).toMatchObject({ url: '/cart?x', headers: { 'x-forwarded-prefix': '/shop' } });
  });

  it("names the target's own host where the settings say so", async () => {
    const { proxy, service } = await start({ limits: { hostHeader: 'target' } });
    await ask(proxy);
    expect(lastOf(service).headers.host).toBe(`127.0.0.1:${service.port}`);
  });

  it('comes over connections that are kept', async () => {
    const { proxy, service } = await start();
    for (let i = 0; i < 5; i += 1) await ask(proxy);
    expect(service.connections()).toBe(1);
  });
});

describe('what the client gets', () => {
  it.each([206, 304, 404])("is the service's own %i and nothing of ours", async (status) => {
    const { proxy } = await start(
      {},
      { answer: (_req, res) => res.writeHead(status, { 'X-Own': '1' }).end() },
    );
    const { headers, ...answer } = await ask(proxy);
    expect(answer.status).toBe(status);
    const framing = ['connection', 'content-length', 'transfer-encoding'];
    expect(Object.keys(headers).filter((name) => !framing.includes(name))).toEqual(['x-own', 'date']);
  });

  it("has the service's cookies, but none of our names, however they are written", async () => {
    const reserved = [
      'GWSESSIONID=acme.opaqueopaqueopaque; Path=/',
      '__Host-GWSESSIONID=x; Path=/; Secure',
      ' gwsessionid =x',
      '=GWSESSIONID=x',
      '__Secure-drawbridge.interaction=x; Domain=example.com; Path=/oauth/acme; Secure',
      '__SECURE-Drawbridge.Session = x; domain=.example.com; secure',
      '\t__secure-drawbridge.resume=x;Domain=EXAMPLE.com;Secure',
      '__Host-drawbridge.way.abc=x; Path=/; Secure',
      '__Http-drawbridge.known=x; Secure; HttpOnly',
      '__Host-Http-GWSESSIONID=x; Path=/; Secure; HttpOnly',
      'drawbridge.upstream.abc=x; Domain=example.com',
      '==drawbridge.session=x; Domain=example.com',
      'drawbridge.session; Domain=example.com',
    ];
    const { proxy } = await start(
      {},
      {
        answer: (_req, res) =>
          res.setHeader('Set-Cookie', ['a=1', ...reserved, 'xdrawbridge.a=1', 'b=2']).end(),
      },
    );
    const { headers } = await ask(proxy);
    expect(headers['set-cookie']).toBe('a=1, xdrawbridge.a=1, b=2');
  });

  it('has no header that was for our connection to the service', async () => {
    const { proxy } = await start(
      {},
      {
        answer: (_req, res) => {
          res.setHeader('Connection', 'keep-alive, X-Private');
          res.setHeader('X-Private', 'for the proxy alone');
          res.setHeader('Keep-Alive', 'timeout=77');
          res.setHeader('Proxy-Authenticate', 'Basic');
          res.end();
        },
      },
    );
    const { headers } = await ask(proxy);
    expect(JSON.stringify(headers)).not.toMatch(/proxy alone|77|authenticate/);
  });

  it('is led to the public address where the service names its own', async () => {
    const { proxy, service } = await start(
      { service: { prefix: '/shop', stripPrefix: true } },
      { answer: (_req, res) => res.writeHead(302, { Location: `${service.url}/next?a=b` }).end() },
    );
    expect((await ask(proxy, { target: '/shop/' })).headers.location).toBe(
      'http://orders.test/shop/next?a=b',
    );
  });
});

describe('a request that is not allowed', () => {
  it('is answered by us, and the service hears nothing of it', async () => {
    const { proxy, service } = await start({ decide: () => ({ outcome: 'forbidden', reason: 'no_rule' }) });
    const answer = await ask(proxy, { method: 'POST', body: 'x' });
    expect(answer.status).toBe(403);
    expect(answer.headers['x-error-id']).toBe(errorOf(answer).error_id);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(service.got).toEqual([]);
    await eventually(
      'the line is in the log',
      () => proxy.logLines().some(({ msg }) => msg === 'request'),
      2000,
    );
    expect(proxy.logLines().at(-1)).toMatchObject({
      status: 403,
      reason: 'no_rule',
      errorId: answer.headers['x-error-id'],
    });
  });

  it('is refused when the decision throws', async () => {
    const { proxy, service } = await start({ decide: () => Promise.reject(new Error('out of order')) });
    expect((await ask(proxy)).status).toBe(500);
    expect(service.got).toEqual([]);
  });

  it('leads a person to sign in, and a program not', async () => {
    const { proxy } = await start({
      decide: (_request, allow) => ({ ...allow(), outcome: 'sign_in' }) as never,
    });
    expect(await ask(proxy, { headers: ['Accept: text/html'] })).toMatchObject({
      status: 302,
      headers: { location: expect.stringContaining('/gateway/sign-in') },
    });
    expect((await ask(proxy)).status).toBe(401);
  });

  it('is a TRACE: a service would send back what it was sent about the caller', async () => {
    const { proxy, service } = await start();
    expect((await ask(proxy, { method: 'TRACE' })).status).toBe(400);
    expect(service.got).toEqual([]);
  });
});

describe('a service that does not work', () => {
  const failing = async (options: Omit<ProxyOptions, 'target'>, behind: ServiceOptions) => {
    const { proxy } = await start(options, behind);
    return { proxy, answer: await ask(proxy) };
  };

  it('cannot be reached: 502 with an error that the log explains', async () => {
    const { proxy, service } = await start();
    await service.close();
    const answer = await ask(proxy);
    expect(answer.status).toBe(502);
    expect(answer.headers).toMatchObject({ 'x-error': expect.any(String), 'content-type': /json/ as never });
    expect(errorOf(answer).error).toBe('bad_gateway');
    expect(answer.body).not.toMatch(/ECONN|127\.0\.0\.1/);
    expect(proxy.logLines()).toContainEqual(
      expect.objectContaining({
        errorId: answer.headers['x-error-id'],
        code: 'bad_gateway',
        err: expect.anything(),
      }),
    );
  });

  it('breaks off before it answers: 502', async () => {
    const { answer } = await failing({}, { answer: (req) => req.socket.destroy() });
    expect(answer.status).toBe(502);
  });

  it('says nothing in time: 504', async () => {
    const { answer } = await failing({ limits: { timeoutMs: 150 } }, { answer: () => undefined });
    expect(answer.status).toBe(504);
    expect(errorOf(answer).error).toBe('gateway_timeout');
  });

  it('takes no connection in time: 504', async () => {
    // TCP is accepted, and TLS then never answered
    const tcp = createTcpServer((socket) => socket.resume().on('error', () => undefined));
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    open.push(() => new Promise((resolve) => tcp.close(() => resolve())));
    const { port } = tcp.address() as { readonly port: number }; // it listens on TCP
    const proxy = await running(
      startProxy({
        target: `https://127.0.0.1:${port}`,
        limits: { connectTimeoutMs: 100, timeoutMs: 60_000 },
      }),
    );
    expect((await ask(proxy)).status).toBe(504);
  });

  it('answers with what is no HTTP: 502', async () => {
    const tcp = createTcpServer((socket) => socket.resume().end('SSH-2.0-x\r\n'));
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    open.push(() => new Promise((resolve) => tcp.close(() => resolve())));
    const { port } = tcp.address() as { readonly port: number }; // it listens on TCP
    const proxy = await running(startProxy({ target: `http://127.0.0.1:${port}` }));
    expect((await ask(proxy)).status).toBe(502);
  });

  it('breaks off within its answer: the client is cut off too, and does not take it for whole', async () => {
    const { proxy } = await start(
      {},
      {
        answer: (_req, res) => {
          res.writeHead(200, { 'Content-Length': '100' });
          res.write('half');
          setImmediate(() => res.socket?.destroy());
        },
      },
    );
    expect(await ask(proxy)).toMatchObject({ headers: { 'content-length': '100' }, body: 'half' });
    expect(proxy.logLines().some(({ msg }) => String(msg).includes('broke off'))).toBe(true);
  });
});

describe('a kept connection that the service has closed under us', () => {
  /** Answers the first request of each connection, and closes without a word at the second. */
  const forgetful = () => {
    const answered = new WeakSet<object>();
    const answer: ServiceOptions['answer'] = (req, res) => {
      if (answered.has(req.socket)) {
        req.socket.destroy();
        return;
      }
      answered.add(req.socket);
      req.resume().once('end', () => res.end('ok'));
    };
    return { answer };
  };

  it.each(['GET', 'HEAD', 'OPTIONS'])(
    'is no failure for %s: it goes again, once, on a new one',
    async (method) => {
      const { proxy, service } = await start({}, forgetful());
      await ask(proxy);
      expect((await ask(proxy, { method })).status).toBe(200);
      expect(service.got).toHaveLength(3);
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])(
    'is one for %s, which may have had its effect',
    async (method) => {
      const { proxy, service } = await start({}, forgetful());
      await ask(proxy);
      expect((await ask(proxy, { method, body: 'x' })).status).toBe(502);
      expect(service.got).toHaveLength(2);
    },
  );

  it('is one for GET with a body, which has been read', async () => {
    const { proxy, service } = await start({}, forgetful());
    await ask(proxy);
    expect((await ask(proxy, { body: 'x' })).status).toBe(502);
    expect(service.got).toHaveLength(2);
  });

  it('is not tried for ever', async () => {
    let isFirst = true;
    const { proxy, service } = await start(
      {},
      {
        answer: (req, res) => {
          if (isFirst) res.end('ok');
          else req.socket.destroy();
          isFirst = false;
        },
      },
    );
    await ask(proxy);
    expect((await ask(proxy)).status).toBe(502);
    expect(service.got).toHaveLength(3);
  });
});

describe('a service behind TLS', () => {
  const startSecure = async (
    tls: (authority: Awaited<ReturnType<typeof createCertificateAuthority>>) => object,
  ) => {
    const authority = await createCertificateAuthority();
    open.push(() => authority.remove());
    const { cert, key } = await authority.issue('DNS:orders.internal');
    const service = await running(
      startService({ tls: { cert, key, ca: authority.ca, requestCert: true, rejectUnauthorized: false } }),
    );
    const proxy = await running(startProxy({ target: service.url, limits: { tls: tls(authority) } }));
    return { proxy, service, authority };
  };

  it('is trusted by the authority and the name of the settings', async () => {
    const { proxy } = await startSecure(({ ca }) => ({ ca, serverName: 'orders.internal' }));
    expect(await ask(proxy)).toMatchObject({ status: 200, body: 'ok' });
  });

  it.each([
    ['whose name is another', (ca: string) => ({ ca })],
    ['of an unknown authority', () => ({ serverName: 'orders.internal' })],
  ])('%s is none: 502, and it hears nothing', async (_what, tls) => {
    const { proxy, service } = await startSecure(({ ca }) => tls(ca));
    expect((await ask(proxy)).status).toBe(502);
    expect(service.got).toEqual([]);
  });

  it('sees the certificate of the settings', async () => {
    const authority = await createCertificateAuthority();
    open.push(() => authority.remove());
    const own = await authority.issue('DNS:drawbridge.internal');
    const { cert, key } = await authority.issue('DNS:orders.internal');
    const service = await running(
      startService({ tls: { cert, key, ca: authority.ca, requestCert: true, rejectUnauthorized: true } }),
    );
    const tls = { ca: authority.ca, serverName: 'orders.internal' };
    const known = await running(
      startProxy({ target: service.url, limits: { tls: { ...tls, cert: own.cert, key: own.key } } }),
    );
    const unknown = await running(startProxy({ target: service.url, limits: { tls } }));
    expect((await ask(known)).status).toBe(200);
    expect((await ask(unknown)).status).toBe(502);
  });
});

describe('a service that is looked at', () => {
  it('gets no requests while it is down, and is asked for its health alone', async () => {
    let isWell = false;
    const { proxy, service } = await start(
      { limits: { health: { path: '/health', intervalMs: 30 } } },
      { answer: (req, res) => res.writeHead(req.url === '/health' && !isWell ? 500 : 200).end() },
    );
    const stateIs = (isUp: boolean) => () => proxy.proxy.health().every((each) => each.isUp === isUp);
    await eventually('it is down', stateIs(false), 3000);
    const answer = await ask(proxy);
    expect(answer).toMatchObject({ status: 502, headers: { 'retry-after': '5' } });
    expect(errorOf(answer).error).toBe('service_down');
    expect(service.got.every(({ url }) => url === '/health')).toBe(true);
    isWell = true;
    await eventually('it is up', stateIs(true), 3000);
    expect((await ask(proxy)).status).toBe(200);
    const changes = proxy.logLines().filter(({ msg }) => /is (?:down|up)/.test(String(msg)));
    expect(changes).toHaveLength(2);
  });

  it('is down, too, when it says nothing in time', async () => {
    const { proxy, service } = await start(
      { limits: { timeoutMs: 50, health: { path: '/health?x=1', intervalMs: 30 } } },
      { answer: () => undefined },
    );
    await eventually('it is down', () => proxy.proxy.health()[0]?.isUp === false, 3000);
    expect(lastOf(service)).toMatchObject({
      url: '/health?x=1',
      headers: { host: `127.0.0.1:${service.port}` },
    });
  });

  it('is asked by the name of the settings behind TLS', async () => {
    const authority = await createCertificateAuthority();
    open.push(() => authority.remove());
    const service = await running(startService({ tls: await authority.issue('DNS:orders.internal') }));
    const behind = (serverName: string): Promise<RunningProxy> =>
      running(
        startProxy({
          target: service.url,
          limits: {
            health: { path: '/health', intervalMs: 30 },
            tls: { ca: authority.ca, serverName },
          },
        }),
      );
    const right = await behind('orders.internal');
    for (const count of [2, 4, 6, 8]) {
      await eventually('it is asked again', () => service.got.length >= count, 3000);
      expect((await ask(right)).status).toBe(200);
    }
    // one, and another for what comes at the same moment
    expect(service.connections()).toBeLessThan(3);
    const wrong = await behind('others.internal');
    await eventually('it is down', () => wrong.proxy.health()[0]?.isUp === false, 3000);
    expect(right.proxy.health()[0]?.isUp).toBe(true);
  });
});
