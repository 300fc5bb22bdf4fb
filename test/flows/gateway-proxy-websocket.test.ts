import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Decision } from '../../src/gateway/gateway-types.ts';
import { eventually } from '../support/eventually.ts';
import { alice, type ProxyOptions, type RunningProxy, startProxy } from '../support/proxy-fixture.ts';
import { type RawAnswer, rawRequest } from '../support/raw-http.ts';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';
import { createTestClock } from '../support/test-clock.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Sends back what comes, and greets first. */
const echo: NonNullable<ServiceOptions['upgrade']> = (req, socket, head) => {
  const accept = createHash('sha1')
    .update(`${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.on('error', () => socket.destroy());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
      'Set-Cookie: GWSESSIONID=forged\r\nSet-Cookie: own=1\r\n\r\nhello ',
  );
  if (head.length > 0) socket.write(head);
  socket.pipe(socket);
};

const start = async (
  options: Omit<ProxyOptions, 'target'> = {},
  behind: ServiceOptions = { upgrade: echo },
): Promise<{ readonly proxy: RunningProxy; readonly service: Service }> => {
  const service = await startService(behind);
  open.push(() => service.close());
  const proxy = await startProxy({ target: service.url, ...options });
  open.push(() => proxy.close());
  return { proxy, service };
};

const handshake = [
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

interface Joined {
  readonly socket: Socket;
  /** All that has come, the head too. */
  text(): string;
  isClosed(): boolean;
}

const join = async (
  { port, host }: RunningProxy,
  { headers = [], first = '' }: { readonly headers?: readonly string[]; readonly first?: string } = {},
): Promise<Joined> => {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let isClosed = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('close', () => {
    isClosed = true;
  });
  open.push(async () => void socket.destroy());
  const lines = ['GET /live?x=1 HTTP/1.1', `Host: ${host}`, ...handshake, ...headers];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${first}`);
  await eventually('an answer', () => text.includes('\r\n\r\n') || isClosed, 3000);
  return { socket, text: () => text, isClosed: () => isClosed };
};

const says = ({ text }: Joined, what: string): Promise<void> =>
  eventually(`it says ${what}`, () => text().includes(what), 3000);

const closes = ({ isClosed }: Joined, withinMs = 3000): Promise<void> =>
  eventually('it closes', isClosed, withinMs);

const refusal = ({ port, host }: RunningProxy, headers: readonly string[] = []): Promise<RawAnswer> =>
  rawRequest({ port, target: '/live', headers: [`Host: ${host}`, ...handshake, ...headers] });

describe('a WebSocket', () => {
  it('is opened to the service, and carries bytes in both directions', async () => {
    const { proxy, service } = await start();
    const joined = await join(proxy, { first: 'early ' });
    await says(joined, 'hello early ');
    joined.socket.write('late');
    await says(joined, 'hello early late');
    expect(joined.text()).toMatch(/^HTTP\/1\.1 101 /);
    expect(joined.text()).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(service.got).toMatchObject([
      {
        url: '/live?x=1',
        headers: {
          connection: 'upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'remote-user': 'alice',
          'x-forwarded-for': '127.0.0.1',
        },
      },
    ]);
  });

  it('gets no forged identity, no credential and no session cookie that the service sets', async () => {
    const { proxy, service } = await start();
    const joined = await join(proxy, {
      headers: [
        'X_Auth_Subject: forged',
        'Cookie: a=1; GWSESSIONID=acme.opaqueopaqueopaque',
        'X-Auth-Roles: forged',
      ],
    });
    expect(service.got[0]?.rawHeaders).not.toContain('forged');
    expect(service.got[0]?.headers.cookie).toBe('a=1');
    expect(joined.text()).toContain('own=1');
    expect(joined.text()).not.toContain('forged');
  });

  it('leaves a line in the log when it is over', async () => {
    const { proxy } = await start();
    const joined = await join(proxy);
    joined.socket.end();
    await eventually(
      'the line',
      () => proxy.logLines().some(({ msg, status }) => msg === 'request' && status === 101),
      3000,
    );
  });

  it('closes when its client does, and when its service does', async () => {
    const ends: Socket[] = [];
    const { proxy } = await start(
      {},
      {
        upgrade: (req, socket, head) => {
          ends.push(socket);
          echo(req, socket, head);
        },
      },
    );
    const first = await join(proxy);
    first.socket.destroy();
    await eventually('the service has closed', () => ends[0]?.destroyed === true, 3000);
    const second = await join(proxy);
    ends[1]?.destroy();
    await closes(second);
  });

  it('is closed at the service when its client goes before it is open', async () => {
    let isClosed = false;
    const { proxy, service } = await start(
      {},
      {
        upgrade: (_req, socket) => {
          socket.on('error', () => undefined).resume();
          socket.once('end', () => {
            isClosed = true;
          });
        },
      },
    );
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(`${['GET / HTTP/1.1', `Host: ${proxy.host}`, ...handshake].join('\r\n')}\r\n\r\n`);
    await eventually('the service is asked', () => service.got.length === 1, 3000);
    socket.destroy();
    await eventually('the service knows', () => isClosed, 3000);
  });

  it('is closed when nothing moves for longer than the settings allow', async () => {
    const { proxy } = await start({ limits: { idleTimeoutMs: 100 } });
    await closes(await join(proxy));
  });

  it('is closed with the server, which does not wait for it', async () => {
    const { proxy } = await start();
    const joined = await join(proxy);
    const closing = proxy.close(60_000);
    await closes(joined);
    await closing;
  });
});

describe('a WebSocket that is not allowed', () => {
  it.each<readonly [number, Decision]>([
    [403, { outcome: 'forbidden', reason: 'no_rule' }],
    [503, { outcome: 'unavailable', retryAfterSeconds: 5, cause: new Error('down') }],
    [429, { outcome: 'throttled', retryAfterSeconds: 5 }],
  ])('is answered %i, and the service hears nothing', async (status, decision) => {
    const { proxy, service } = await start({ decide: () => decision });
    const answer = await refusal(proxy);
    expect(answer.status).toBe(status);
    expect(answer.headers['x-error-id']).toBeDefined();
    expect(service.got).toEqual([]);
  });

  it('is asked to sign in, as a program is', async () => {
    const { proxy } = await start({
      decide: (_request, allow) => ({ ...allow(), outcome: 'sign_in' }) as never,
    });
    const answer = await refusal(proxy);
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.any(String) } });
  });

  it.each(['https://evil.test', 'http://orders.test.evil.test', 'http://sub.orders.test', 'null'])(
    "is one that a page of %s opens with a person's cookie",
    async (origin) => {
      const { proxy, service } = await start();
      expect((await refusal(proxy, [`Origin: ${origin}`])).status).toBe(403);
      expect(service.got).toEqual([]);
    },
  );

  it('is none that a page of the service itself opens, or that says who it is by a token', async () => {
    const own = await start();
    expect((await join(own.proxy, { headers: ['Origin: http://orders.test'] })).text()).toMatch(
      /^HTTP\/1\.1 101/,
    );
    const token = await start({ caller: { ...alice, method: 'bearer' } });
    expect((await join(token.proxy, { headers: ['Origin: http://evil.test'] })).text()).toMatch(
      /^HTTP\/1\.1 101/,
    );
  });
});

describe('a service that opens no WebSocket', () => {
  it('has its own answer passed on', async () => {
    const { proxy } = await start(
      {},
      { answer: (_req, res) => res.writeHead(426, { 'X-Own': '1' }).end('no such thing') },
    );
    const { status, headers, body } = await refusal(proxy);
    expect({ status, own: headers['x-own'] }).toEqual({ status: 426, own: '1' });
    expect(body).toContain('no such thing');
  });

  it('has a large answer passed on at the pace of the client', async () => {
    const piece = 'x'.repeat(1024 * 1024);
    const { proxy } = await start(
      {},
      {
        answer: (_req, res) => {
          res.writeHead(400, { 'Content-Length': 20 * piece.length });
          for (let i = 0; i < 20; i += 1) res.write(piece);
          res.end();
        },
      },
    );
    expect((await refusal(proxy)).body).toHaveLength(20 * piece.length);
  });

  it('waits with its answer for a client that does not read', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'x');
    let written = 0;
    const { proxy } = await start(
      {},
      {
        answer: (_req, res) => {
          const more = (): void => {
            while (written < 100) {
              written += 1;
              if (!res.write(piece)) return;
            }
          };
          res.on('drain', more);
          more();
        },
      },
    );
    const socket = connect(proxy.port, '127.0.0.1').pause();
    open.push(async () => void socket.destroy());
    socket.write(`${['GET / HTTP/1.1', `Host: ${proxy.host}`, ...handshake].join('\r\n')}\r\n\r\n`);
    let last = -1;
    await eventually(
      'the service stands still',
      () => {
        const stands = written === last && written > 0;
        last = written;
        return stands;
      },
      5000,
    );
    expect(written).toBeLessThan(50);
  });

  it('cannot be reached: 502; says nothing in time: 504', async () => {
    const { proxy, service } = await start();
    await service.close();
    expect((await refusal(proxy)).status).toBe(502);
    const silent = await start(
      { limits: { timeoutMs: 100 } },
      { upgrade: (_req, socket) => void socket.resume() },
    );
    const answer = await refusal(silent.proxy);
    expect(answer.status).toBe(504);
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'gateway_timeout' });
  });
});

describe('what a WebSocket hangs on', () => {
  it.each([
    ['its session', { what: 'session', id: 'session-1' }],
    ['its grant', { what: 'grant', id: 'session-1' }],
  ] as const)('ends: %s, and the WebSocket with it', async (_what, event) => {
    const { proxy } = await start();
    const joined = await join(proxy);
    proxy.publish(event);
    await closes(joined);
  });

  it.each([
    ['the same of another tenant', { what: 'session', id: 'session-1', tenant: 'globex' }],
    ['another session', { what: 'session', id: 'session-2' }],
  ] as const)('is not %s', async (_what, event) => {
    const { proxy } = await start();
    const joined = await join(proxy);
    proxy.publish(event);
    joined.socket.write('still here');
    await says(joined, 'still here');
  });

  it('is a person who is judged anew when something changes', async () => {
    let isAllowed = true;
    const { proxy } = await start({
      decide: (_request, allow) => (isAllowed ? allow() : { outcome: 'forbidden', reason: 'no_rule' }),
    });
    const joined = await join(proxy);
    proxy.publish({ what: 'account', id: alice.sub });
    await eventually('it is asked again', () => proxy.asked.length === 2, 3000);
    joined.socket.write('still here');
    await says(joined, 'still here');
    isAllowed = false;
    proxy.publish({ what: 'account', id: alice.sub });
    await closes(joined);
  });

  it('is a token that runs out', async () => {
    const clock = createTestClock(1_800_000_000_000);
    const expiresAt = 1_800_000_000 + 60;
    const { proxy } = await start({ clock, caller: { ...alice, method: 'bearer', expiresAt } });
    const joined = await join(proxy);
    clock.advance(59_000);
    joined.socket.write('still here');
    await says(joined, 'still here');
    clock.advance(1_000);
    await closes(joined);
  });

  it('is a session that lives on when it was used meanwhile, and is over when it was not', async () => {
    const clock = createTestClock(1_800_000_000_000);
    let expiresAt = 1_800_000_000 + 60;
    const { proxy } = await start({
      clock,
      decide: (_request, allow) =>
        clock.now() >= expiresAt * 1000
          ? ({ ...allow(), outcome: 'sign_in' } as never)
          : ({ ...allow(), caller: { ...alice, expiresAt } } as never),
    });
    const joined = await join(proxy);
    expiresAt += 60;
    clock.advance(60_000);
    await eventually('it is asked again', () => proxy.asked.length >= 2, 3000);
    joined.socket.write('still here');
    await says(joined, 'still here');
    clock.advance(60_000);
    await closes(joined);
  });

  it('is the same person: another one in the same browser does not inherit it', async () => {
    let caller = alice;
    const { proxy } = await start({ decide: (_request, allow) => ({ ...allow(), caller }) as never });
    const joined = await join(proxy);
    caller = { ...alice, sub: 'sub-of-bob' };
    proxy.publish({ what: 'account', id: alice.sub });
    await closes(joined);
  });
});

describe('an offer of another protocol', () => {
  it('is declined, and the request answered with its body read', async () => {
    let body = '';
    const { proxy, service } = await start(
      {},
      {
        answer: (req, res) => {
          req.on('data', (chunk: Buffer) => {
            body += chunk.toString();
          });
          req.once('end', () => res.end('plain'));
        },
      },
    );
    const answer = await rawRequest({
      port: proxy.port,
      method: 'POST',
      target: '/api',
      headers: [
        `Host: ${proxy.host}`,
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
      ],
      body: 'the body',
    });
    expect(answer).toMatchObject({ status: 200, body: 'plain' });
    expect(body).toBe('the body');
    expect(service.got[0]?.headers).not.toMatchObject({ upgrade: expect.anything() });
  });
});
