import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from './errors.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

export interface HttpListener {
  /**
   * Resolves to the port.
   * @throws AppError `unavailable`, with what to do, when the address cannot be had
   */
  listen(): Promise<number>;
  /** From now on every answer asks its client to connect anew, so that keep-alive clients move elsewhere. */
  sendClientsAway(): void;
  /** Closes the port, lets requests under way finish for at most `timeoutMs`, then cuts what is left. */
  close(timeoutMs: number): Promise<void>;
}

export interface HttpListenerParts {
  readonly address: ListenAddress;
  /** Names the variable in the advice when the port is taken. */
  readonly portVariable: string;
  readonly answer: RequestListener;
}

const idleCheckMs = 50;

export const createHttpListener = ({ address, portVariable, answer }: HttpListenerParts): HttpListener => {
  const underWay = new Set<ServerResponse>();
  let isGoing = false;
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 75_000, maxHeaderSize: 16_384 },
    (req, res) => {
      if (isGoing) res.setHeader('Connection', 'close');
      underWay.add(res);
      res.once('close', () => underWay.delete(res));
      answer(req, res);
    },
  );
  const sendClientsAway = (): void => {
    isGoing = true;
    for (const res of underWay) if (!res.headersSent) res.setHeader('Connection', 'close');
  };
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        const refuse = (cause: NodeJS.ErrnoException): void =>
          reject(new AppError('unavailable', adviceOn(cause, { address, portVariable }), { cause }));
        server.once('error', refuse);
        server.listen({ ...address }, () => {
          server.off('error', refuse);
          resolve((server.address() as AddressInfo).port); // it listens on TCP
        });
      }),
    sendClientsAway,
    close: async (timeoutMs) => {
      if (!server.listening) return;
      sendClientsAway();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection may become idle after its last answer began, too late for the header.
      const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
      const patience = new AbortController();
      const late = delay(timeoutMs, undefined, { signal: patience.signal }).catch(() => undefined);
      await Promise.race([closed, late]);
      patience.abort();
      clearInterval(idle);
      server.closeAllConnections();
      await closed;
    },
  };
};

const adviceOn = (
  { code }: NodeJS.ErrnoException,
  { address: { host, port }, portVariable }: Pick<HttpListenerParts, 'address' | 'portVariable'>,
): string => {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use. Stop the program that uses it, or choose another port with ${portVariable}.`;
    case 'EACCES':
      return `This user may not listen on port ${port}. Choose one above 1023 with ${portVariable}, and let a proxy listen on ${port}.`;
    case 'EADDRNOTAVAIL':
      return `This machine does not have the address ${host}. Write 127.0.0.1, or 0.0.0.0 for all of its addresses.`;
    default:
      return `Cannot listen on ${host}:${port} (${code}).`;
  }
};
