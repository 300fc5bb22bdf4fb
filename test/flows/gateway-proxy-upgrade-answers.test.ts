import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from '../support/proxy-fixture.ts';
import { rawRequest } from '../support/raw-http.ts';
import { createCertificateAuthority } from '../support/slapd-certificates.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A service by its bytes, for what no server of Node would say. */
interface RawService {
  readonly port: number;
  readonly sockets: readonly Socket[];
  readonly heads: readonly string[];
}

type Speak = (socket: Socket, head: string) => void;

const listening = async (makeServer: (serve: (socket: Socket) => void) => Server, speak: Speak) => {
  const sockets: Socket[] = [];
  const heads: string[] = [];
  const server = makeServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      if (!text.startsWith('GET ')) return;
      heads.push(text);
      speak(socket, text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as { readonly port: number }; // it listens on TCP
  return { port, sockets, heads };
};

const start = async (
  speak: Speak,
  options: Omit<ProxyOptions, 'target'> = {},
): Promise<{ readonly proxy: RunningProxy; readonly service: RawService }> => {
  const service = await listening((serve) => createServer(serve), speak);
  const proxy = await startProxy({ target: `http://127.0.0.1:${service.port}`, ...options });
  open.push(() => proxy.close());
  return { proxy, service };
};

const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

interface Client {
  readonly socket: Socket;
  /** How many bytes have come. */
  size(): number;
  text(): string;
  isClosed(): boolean;
}

const ask = (
  { port, host }: RunningProxy,
  { headers = [], first = '' }: { readonly headers?: readonly string[]; readonly first?: string } = {},
): Client => {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  let isClosed = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => void chunks.push(chunk));
  socket.on('close', () => {
    isClosed = true;
  });
  open.push(async () => void socket.destroy());
  const lines = [
    'GET /live HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${first}`);
  return {
    socket,
    size: () => socket.bytesRead,
    text: () => Buffer.concat(chunks).toString('latin1'),
    isClosed: () => isClosed,
  };
};

const askPlainly = async ({ port, host }: RunningProxy): Promise<void> => {
  const answer = await rawRequest({ port, target: '/plain', headers: [`Host: ${host}`] });
  expect(answer.status).toBe(200);
};

const closed = async (client: Client): Promise<string> => {
  await eventually('it closes', client.isClosed, 3000);
  return client.text();
};

const says = ({ text }: Client, what: string): Promise<void> =>
  eventually(`it says ${what}`, () => text().includes(what), 3000);

const slow = ({ socket }: Client): void =>
  void socket.on('data', () => {
    socket.pause();
    setTimeout(() => socket.resume(), 1);
  });

/** Until the number stays as it is. */
const standsStill = async (count: () => number): Promise<number> => {
  let last = -1;
  await eventually(
    'it stands still',
    () => {
      const stands = count() === last && last > 0;
      last = count();
      return stands;
    },
    5000,
  );
  return last;
};

/** Writes without end, as fast as the other side reads; gives the number of bytes that were written. */
const sizeOfFlood = 50_000_000;
const flood = (socket: Socket): (() => number) => {
  const piece = Buffer.alloc(250_000, 'x');
  let written = 0;
  const more = (): void => {
    while (written < sizeOfFlood && socket.writable) {
      written += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', more);
  more();
  return () => written;
};

describe('a service that agrees to an upgrade', () => {
  it('may say its first words, and its last, in the same packet', async () => {
    const { proxy } = await start((socket) => socket.write(`${switching}first words`));
    const joined = ask(proxy);
    await says(joined, '\r\n\r\nfirst words');
    expect(joined.isClosed()).toBe(false);

    const brief = await start((socket) => socket.end(`${switching}all there is`));
    expect(await closed(ask(brief.proxy))).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nall there is$/);
  });

  it('has its last words passed on to a slow client', async () => {
    const { proxy } = await start((socket) => socket.end(`${switching}${'x'.repeat(30_000_000)}last words`));
    const joined = ask(proxy);
    slow(joined);
    expect(await closed(joined)).toMatch(/last words$/);
  });

  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])(
    'hears what the client said with its head, once, and no %s',
    async (length) => {
      let heard = '';
      const { proxy, service } = await start((socket) => {
        socket.on('data', (chunk) => {
          heard += chunk.toString('latin1');
        });
        setTimeout(() => socket.write(switching), 20);
      });
      const joined = ask(proxy, { headers: [length], first: 'early' });
      await says(joined, '101');
      joined.socket.write(' late');
      await eventually('it hears both', () => heard.includes('late'), 3000);
      expect(heard).toBe('early late');
      expect(service.heads).toHaveLength(1);
      expect(service.heads[0]).not.toMatch(/content-length|transfer-encoding|early/i);
      expect(service.heads[0]?.match(/^(?:connection|upgrade):.*$/gim)).toEqual([
        'connection: upgrade',
        'upgrade: websocket',
      ]);
    },
  );

  it('is not read faster than the client reads, nor the client faster than it', async () => {
    let sent = (): number => 0;
    let atService: Socket | undefined;
    const { proxy } = await start((socket) => {
      atService = socket;
      socket.removeAllListeners('data').pause();
      socket.write(switching);
      sent = flood(socket);
    });
    const joined = ask(proxy);
    await says(joined, '101');
    joined.socket.pause();
    const received = flood(joined.socket);
    expect(await standsStill(sent)).toBeLessThan(30_000_000);
    expect(await standsStill(received)).toBeLessThan(30_000_000);
    let arrived = 0;
    atService?.on('data', (chunk: Buffer) => {
      arrived += chunk.length;
    });
    atService?.resume();
    joined.socket.resume();
    await eventually('all has come', () => arrived >= sizeOfFlood && joined.size() > sizeOfFlood, 10_000);
  });

  it('may be reset, and so may the client: the other end closes', async () => {
    const { proxy, service } = await start((socket) => socket.write(switching));
    const first = ask(proxy);
    await says(first, '101');
    service.sockets[0]?.resetAndDestroy();
    await closed(first);
    const second = ask(proxy);
    await says(second, '101');
    second.socket.resetAndDestroy();
    await eventually('it closes', () => service.sockets[1]?.destroyed === true, 3000);
  });

  it('gets the last words of a client that goes', async () => {
    let heard = 0;
    const { proxy, service } = await start((socket) => {
      socket.removeAllListeners('data').pause();
      socket.write(switching);
    });
    const joined = ask(proxy);
    await says(joined, '101');
    joined.socket.end(Buffer.alloc(300_000, 'x'));
    service.sockets[0]?.on('data', (chunk: Buffer) => {
      heard += chunk.length;
    });
    service.sockets[0]?.resume();
    await eventually('it hears all', () => heard === 300_000, 3000);
    await closed(joined);
  });

  it('may be one whose kept connection has been given up meanwhile', async () => {
    const { proxy, service } = await start((socket, head) => {
      if (head.startsWith('GET /plain')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else if (service.sockets.length === 1) socket.destroy();
      else socket.write(switching);
    });
    await askPlainly(proxy);
    await says(ask(proxy), '101');
    expect(service.heads).toHaveLength(3);
    expect(service.sockets).toHaveLength(2);
  });
});

describe('a service that does not agree to an upgrade', () => {
  it.each<readonly [string, Speak]>([
    ['closes', (socket) => socket.end()],
    ['resets', (socket) => socket.resetAndDestroy()],
    ['says what is no HTTP', (socket) => socket.end('SSH-2.0-x\r\n\r\n')],
    ['breaks off in its head', (socket) => socket.end('HTTP/1.1 101 Swi')],
    ['switches to nothing', (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')],
  ])('%s: 502, and it is not asked for ever', async (_what, speak) => {
    const { proxy, service } = await start(speak);
    expect(await closed(ask(proxy))).toMatch(/^HTTP\/1\.1 502 [\s\S]*bad_gateway/);
    expect(service.heads.length).toBeLessThanOrEqual(2);
  });

  it.each<readonly [number, string, (size: number) => string]>([
    [200, 'of a known length', (size) => `Content-Length: ${size}\r\nX-Own: 1\r\n\r\n`],
    [401, 'until it closes', () => 'WWW-Authenticate: Basic\r\nX-Own: 1\r\n\r\n'],
  ])('and says %i with a long body %s has it passed on to a slow client', async (status, _how, rest) => {
    const body = Buffer.alloc(3_000_000, 'abcdefghij');
    const { proxy } = await start((socket) => {
      socket.write(`HTTP/1.1 ${status} Its own words\r\nConnection: keep-alive\r\n${rest(body.length)}`);
      socket.end(body);
    });
    const client = ask(proxy);
    slow(client);
    const [head = '', ...passed] = (await closed(client)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} Its own words\r\n`));
    expect(head.match(/^connection:.*$/gim)).toEqual(['Connection: close']);
    expect(head).toContain('X-Own: 1');
    const text = passed.join('\r\n\r\n');
    expect((/^transfer-encoding: chunked/im.test(head) ? unchunked(text) : text) === body.toString()).toBe(
      true,
    );
  });

  it('and stops in the middle of its answer ends it there', async () => {
    const { proxy } = await start((socket) => {
      socket.write('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const text = await closed(ask(proxy));
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(text).toMatch(/half\r\n$/);
  });

  it('and then says nothing more is waited for as long as nothing may move', async () => {
    const { proxy, service } = await start(
      (socket) => socket.write('HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhalf'),
      { limits: { idleTimeoutMs: 100 } },
    );
    expect(await closed(ask(proxy))).toMatch(/half$/);
    await eventually('it is closed too', () => service.sockets[0]?.destroyed === true, 3000);
  });

  it('is left when the client goes in the middle of its answer', async () => {
    const { proxy, service } = await start((socket) => {
      socket.write('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
    });
    const client = ask(proxy);
    await says(client, 'half');
    client.socket.resetAndDestroy();
    await eventually('it is closed', () => service.sockets[0]?.destroyed === true, 3000);
  });
});

const unchunked = (text: string): string => {
  let rest = text;
  let body = '';
  for (let size = Number.parseInt(rest, 16); size > 0; size = Number.parseInt(rest, 16)) {
    const at = rest.indexOf('\r\n') + 2;
    body += rest.slice(at, at + size);
    rest = rest.slice(at + size + 2);
  }
  return body;
};

describe('a client that goes while it is decided about', () => {
  it('is not asked for at the service', async () => {
    let decide: (() => void) | undefined;
    const { proxy, service } = await start((socket) => socket.write(switching), {
      decide: (_request, allow) =>
        new Promise((resolve) => {
          decide ??= () => resolve(allow());
          if (proxy.asked.length > 1) resolve(allow());
        }),
    });
    const gone = ask(proxy, { headers: ['X-Gone: 1'] });
    await eventually('it is decided', () => decide !== undefined, 3000);
    gone.socket.resetAndDestroy();
    await closed(gone);
    // the proxy has seen that when it answers one who came later
    await new Promise((resolve) => setImmediate(resolve));
    decide?.();
    await says(ask(proxy), '101');
    expect(service.heads).toHaveLength(1);
    expect(service.heads[0]).not.toContain('X-Gone');
  });
});

describe('an upgrade behind TLS', () => {
  const startSecure = async (serverName: string) => {
    const authority = await createCertificateAuthority();
    open.push(() => authority.remove());
    const { cert, key } = await authority.issue('DNS:orders.internal');
    const names: unknown[] = [];
    const service = await listening(
      (serve) =>
        createTlsServer({ cert, key }, (socket) => {
          names.push(socket.servername);
          serve(socket);
        }),
      (socket, head) =>
        socket.write(
          head.startsWith('GET /plain')
            ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
            : `${switching}secret words`,
        ),
    );
    const tls = { ca: authority.ca, serverName };
    const proxy = await startProxy({ target: `https://127.0.0.1:${service.port}`, limits: { tls } });
    open.push(() => proxy.close());
    return { proxy, names, service };
  };

  it('goes to the name of the settings, over the connection that is there', async () => {
    const { proxy, names } = await startSecure('orders.internal');
    await askPlainly(proxy);
    const joined = ask(proxy);
    await says(joined, 'secret words');
    expect(names).toEqual(['orders.internal']);
  });

  it('is 502 when that is not the name of the certificate', async () => {
    const { proxy, service } = await startSecure('others.internal');
    expect(await closed(ask(proxy))).toMatch(/^HTTP\/1\.1 502 /);
    expect(service.heads).toEqual([]);
  });

  it('is 504 in time when the service never shakes hands, and its health is none', async () => {
    const { port } = await listening(
      (serve) => createServer(serve),
      () => undefined,
    );
    const proxy = await startProxy({
      target: `https://127.0.0.1:${port}`,
      limits: { timeoutMs: 100, connectTimeoutMs: 60_000, health: { path: '/health', intervalMs: 150 } },
    });
    open.push(() => proxy.close());
    expect(await closed(ask(proxy))).toMatch(/^HTTP\/1\.1 504 /);
    await eventually('it is down', () => proxy.proxy.health()[0]?.isUp === false, 3000);
  });
});
