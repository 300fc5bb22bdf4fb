import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** Name and value in turn, as they came. */
  readonly rawHeaders: readonly string[];
}

/** A real server behind the gateway that writes down what it gets. */
export interface Service {
  readonly url: string;
  readonly port: number;
  /** In order of arrival. */
  readonly got: readonly Received[];
  /** How many connections it has had. */
  connections(): number;
  close(): Promise<void>;
}

export interface ServiceOptions {
  /** Default: 200 and `ok`. */
  readonly answer?: RequestListener;
  readonly upgrade?: (req: IncomingMessage, socket: Socket, head: Buffer) => void;
  readonly tls?: ServerOptions;
}

export const startService = async ({ answer, upgrade, tls }: ServiceOptions = {}): Promise<Service> => {
  const got: Received[] = [];
  const note = ({ method = '', url = '', headers, rawHeaders }: IncomingMessage): void =>
    void got.push({ method, url, headers, rawHeaders });
  const listener: RequestListener = (req, res) => {
    note(req);
    if (answer !== undefined) answer(req, res);
    else req.resume().once('end', () => res.end('ok'));
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  if (upgrade !== undefined)
    server.on('upgrade', (req, socket, head) => {
      note(req);
      upgrade(req, socket as Socket, head); // Node's servers hand over nothing else
    });
  const sockets = new Set<Socket>();
  let opened = 0;
  server.on('connection', (socket) => {
    opened += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    got,
    connections: () => opened,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
