import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** A request as a service behind the gateway got it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names as they came. */
  readonly headerNames: readonly string[];
  readonly bodyBytes: number;
  /** SHA-256 of the body, hexadecimal. */
  readonly bodyHash: string;
}

/** A real service that says what it got. */
export interface EchoService {
  readonly port: number;
  readonly url: string;
  /** What it got so far, in order. */
  readonly seen: readonly SeenRequest[];
  forget(): void;
  close(): Promise<void>;
}

/** RFC 6455 section 1.3 */
const webSocketGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const hashOf = (body: string | Buffer): string => createHash('sha256').update(body).digest('hex');

/**
 * Answers each request with a `SeenRequest` as JSON. `/status/<code>` answers with that status, `/events` with three
 * server-sent events, `/bytes/<n>` with so many bytes; an upgrade to a WebSocket is taken and what comes then sent back
 * byte by byte.
 */
export const startEchoService = async (): Promise<EchoService> => {
  const seen: SeenRequest[] = [];
  const sockets = new Set<Duplex>();

  const read = async (req: IncomingMessage): Promise<SeenRequest> => {
    const hash = createHash('sha256');
    let bodyBytes = 0;
    for await (const chunk of req as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bodyBytes += chunk.length;
    }
    const { method = '', url = '', headers } = req;
    const headerNames = req.rawHeaders.filter((_, index) => index % 2 === 0);
    return { method, url, headers, headerNames, bodyBytes, bodyHash: hash.digest('hex') };
  };

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const request = await read(req);
    seen.push(request);
    const [, code] = /^\/status\/(\d{3})$/.exec(request.url) ?? [];
    const [, size] = /^\/bytes\/(\d+)$/.exec(request.url) ?? [];
    if (request.url === '/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      for (const word of ['one', 'two', 'three']) res.write(`data: ${word}\n\n`);
      res.end();
      return;
    }
    if (size !== undefined) {
      res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
      res.end(Buffer.alloc(Number(size), 'x'));
      return;
    }
    res.writeHead(Number(code ?? 200), { 'content-type': 'application/json', 'x-from': 'the service' });
    res.end(JSON.stringify(request));
  };

  const server = createServer((req, res) => {
    // whoever asked has gone
    answer(req, res).catch(() => res.destroy());
  });
  server.on('upgrade', (req, socket, head) => {
    const key = req.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1').update(`${key}${webSocketGuid}`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.write(head);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    seen,
    forget: () => void seen.splice(0),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
