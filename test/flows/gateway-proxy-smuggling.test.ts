import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RunningProxy, startProxy } from '../support/proxy-fixture.ts';
import { sendRaw } from '../support/raw-http.ts';

/** Of the bytes that came over its connections, not of what a parser makes of them. */
interface RawService {
  readonly url: string;
  readonly heard: { text: string };
  readonly server: TcpServer;
}

/** Answers each head with a kept connection, and writes down every byte. */
const startRawService = async (): Promise<RawService> => {
  const heard = { text: '' };
  const server = createTcpServer((socket) => {
    let unread = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      heard.text += chunk.toString('latin1');
      unread += chunk.toString('latin1');
      for (let at = unread.indexOf('\r\n\r\n'); at >= 0; at = unread.indexOf('\r\n\r\n')) {
        unread = unread.slice(at + 4);
        setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 5);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number }; // it listens on TCP
  return { url: `http://127.0.0.1:${port}`, heard, server };
};

let service: RawService;
let proxy: RunningProxy;
beforeAll(async () => {
  service = await startRawService();
  proxy = await startProxy({ target: service.url });
});
afterAll(async () => {
  await proxy.close();
  await new Promise<void>((resolve) => service.server.close(() => resolve()));
});
beforeEach(() => {
  service.heard.text = '';
});

const smuggled = 'GET /admin HTTP/1.1\r\nHost: orders.test\r\n\r\n';

const send = (lines: readonly string[], body = '') =>
  sendRaw(proxy.port, `${lines.join('\r\n')}\r\n\r\n${body}`);

describe('a request that two readers would end at different places', () => {
  it.each<readonly [string, readonly string[], string]>([
    [
      'a length and chunks',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Content-Length: 4', 'Transfer-Encoding: chunked'],
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'chunks and a length',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Transfer-Encoding: chunked', 'Content-Length: 4'],
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'two lengths',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Content-Length: 0', `Content-Length: ${smuggled.length}`],
      smuggled,
    ],
    [
      'the same length twice',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Content-Length: 2', 'Content-Length: 2'],
      'ab',
    ],
    ['a list of lengths', ['POST / HTTP/1.1', 'Host: orders.test', 'Content-Length: 2, 2'], 'ab'],
    ['a length with a sign', ['POST / HTTP/1.1', 'Host: orders.test', 'Content-Length: +2'], 'ab'],
    ['a length below nothing', ['POST / HTTP/1.1', 'Host: orders.test', 'Content-Length: -2'], 'ab'],
    ['a length in hexadecimal', ['POST / HTTP/1.1', 'Host: orders.test', 'Content-Length: 0x2'], 'ab'],
    [
      'an encoding that is not the last',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Transfer-Encoding: chunked, identity'],
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'an unknown encoding',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Transfer-Encoding: xchunked'],
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'two encodings, one of them unknown',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Transfer-Encoding: chunked', 'Transfer-Encoding: cow'],
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'a space behind the name',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Transfer-Encoding : chunked'],
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'a folded line',
      [
        'POST / HTTP/1.1',
        'Host: orders.test',
        'X-First: a',
        ' Transfer-Encoding: chunked',
        'Content-Length: 0',
      ],
      smuggled,
    ],
    [
      'a bare line feed',
      ['POST / HTTP/1.1', 'Host: orders.test', 'X-First: a\nTransfer-Encoding: chunked', 'Content-Length: 0'],
      smuggled,
    ],
    [
      'a bare carriage return',
      ['POST / HTTP/1.1', 'Host: orders.test', 'X-First: a\rTransfer-Encoding: chunked', 'Content-Length: 0'],
      smuggled,
    ],
    ['a NUL in a value', ['GET / HTTP/1.1', 'Host: orders.test', 'X-First: a\0b'], ''],
    ['a space in a name', ['GET / HTTP/1.1', 'Host: orders.test', 'X First: a'], ''],
    ['no name', ['GET / HTTP/1.1', 'Host: orders.test', ': a'], ''],
    ['a space in front of the first name', ['GET / HTTP/1.1', ' Host: orders.test', 'Host: orders.test'], ''],
    [
      'a chunk whose length is none',
      ['POST / HTTP/1.1', 'Host: orders.test', 'Transfer-Encoding: chunked'],
      `0x0\r\n\r\n${smuggled}`,
    ],
  ])('is refused: %s', async (_what, lines, body) => {
    const { status } = await send(lines, body);
    expect(status).toBe(400);
    expect(service.heard.text).not.toContain('/admin');
  });

  it.each<readonly [string, readonly string[]]>([
    ['two hosts', ['GET / HTTP/1.1', 'Host: orders.test', 'Host: other.test']],
    ['the same host twice', ['GET / HTTP/1.1', 'Host: orders.test', 'Host: orders.test']],
    ['no host', ['GET / HTTP/1.1']],
    ['an empty host', ['GET / HTTP/1.1', 'Host:']],
    ['a host in the target', ['GET http://other.test/ HTTP/1.1', 'Host: orders.test']],
    ['a target that is no path', ['OPTIONS * HTTP/1.1', 'Host: orders.test']],
    ['a fragment', ['GET /a#b HTTP/1.1', 'Host: orders.test']],
  ])('is refused: %s', async (_what, lines) => {
    const { status } = await send([...lines, 'Connection: close']);
    expect(status).toBe(400);
    expect(service.heard.text).toBe('');
  });
});

describe('a body', () => {
  it.each(['DELETE', 'OPTIONS', 'GET', 'HEAD', 'POST', 'PROPFIND'])(
    'in chunks stays a body for %s, and becomes no request of its own',
    async (method) => {
      const chunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
      await send(
        [`${method} / HTTP/1.1`, 'Host: orders.test', 'Transfer-Encoding: chunked', 'Connection: close'],
        chunk,
      );
      const [head = '', ...rest] = service.heard.text.split('\r\n\r\n');
      expect(head).toMatch(/^transfer-encoding: chunked$/im);
      expect(head).not.toMatch(/^content-length:/im);
      expect(rest.join('\r\n\r\n')).toContain(`${smuggled.length.toString(16)}\r\n${smuggled}`);
    },
  );

  it.each(['DELETE', 'OPTIONS', 'GET', 'POST'])(
    'of known length has the same length for %s',
    async (method) => {
      await send(
        [
          `${method} / HTTP/1.1`,
          'Host: orders.test',
          `Content-Length: ${smuggled.length}`,
          'Connection: close, Content-Length, Transfer-Encoding',
        ],
        smuggled,
      );
      const [head = '', ...rest] = service.heard.text.split('\r\n\r\n');
      expect(head.match(/^content-length: .*$/gim)?.map((line) => line.toLowerCase())).toEqual([
        `content-length: ${smuggled.length}`,
      ]);
      expect(head).not.toMatch(/^transfer-encoding:/im);
      expect(rest.join('\r\n\r\n')).toBe(smuggled);
    },
  );

  it('has no trailers when it arrives, which could be taken for headers', async () => {
    await send(
      [
        'POST / HTTP/1.1',
        'Host: orders.test',
        'Transfer-Encoding: chunked',
        'Trailer: X-Auth-Subject',
        'Connection: close',
      ],
      '2\r\nab\r\n0\r\nX-Auth-Subject: forged\r\n\r\n',
    );
    expect(service.heard.text).not.toMatch(/forged|^trailer/im);
  });
});

describe('the answer of a service', () => {
  const answering = async (answer: string) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.end(answer, 'latin1'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number }; // it listens on TCP
    const own = await startProxy({ target: `http://127.0.0.1:${port}` });
    const { status, headers, body } = await sendRaw(
      own.port,
      'GET / HTTP/1.1\r\nHost: orders.test\r\nConnection: close\r\n\r\n',
    );
    await own.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    return { status, headers, body };
  };

  it.each([
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
  ])('is no answer with %s: 502', async (_what, answer) => {
    expect((await answering(answer)).status).toBe(502);
  });

  it('is passed on with a status text that is no UTF-8', async () => {
    const head = 'HTTP/1.1 404 gel\xf6scht\r\nContent-Length: ';
    expect(await answering(`${head}2\r\n\r\nok`)).toMatchObject({ status: 404, body: 'ok' });
    expect(await answering(`${head}0\r\n\r\n`)).toMatchObject({ status: 404, body: '' });
    expect(await answering(`${head}9\r\n\r\n`)).toMatchObject({ status: 404 });
  });

  it('is passed on without what was said before it', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';
    const { status, body } = await answering(`${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
    expect({ status, body }).toEqual({ status: 200, body: 'ok' });
  });
});
