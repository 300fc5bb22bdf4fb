import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { TlsSettings } from '../config/server/server-settings.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { joinAuthorizations } from '../web/authorization-headers.ts';
import { answerWithoutUpgrade, asksForWebSocket } from './declined-upgrade.ts';
import { isHeadTooLong, longestHead } from './header-size.ts';
import { readKeyPair, renewKeyPair } from './tls-files.ts';
import {
  createUnreadableRequests,
  lacksHost,
  tooLong,
  tooSlow,
  type UnreadableParts,
  withoutHost,
} from './unreadable-requests.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

export interface HttpListener {
  /**
   * Resolves to the port.
   * @throws AppError `unavailable`, with the remedy, when the address is not available
   */
  listen(): Promise<number>;
  /** From now on every answer closes its connection, so that keep-alive clients connect to another instance. */
  disableKeepAlive(): void;
  /** Closes the port, lets requests under way finish for at most `timeoutMs`, then closes all connections. */
  close(timeoutMs: number): Promise<void>;
}

export interface ListenerTls extends TlsSettings {
  /** Clients are asked for a certificate; none is needed, and what it is worth is judged for each request. */
  readonly asksForCertificate: boolean;
  readonly log: Log;
}

export interface HttpListenerParts {
  readonly address: ListenAddress;
  /** Absent: plain HTTP. */
  readonly tls?: ListenerTls | undefined;
  /** Names the variable in the advice when the port is taken. */
  readonly portVariable: string;
  readonly answer: RequestListener;
  /** For what no handler answers. */
  readonly unreadable: UnreadableParts;
  /** Takes the connection of a request for a WebSocket, or returns false: the request is then an ordinary one. */
  readonly upgrade?: (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  /** Does other code limit the time for the body of this request? */
  readonly hasOwnLimits?: (req: IncomingMessage) => boolean;
  /** Milliseconds in which the body of a request must have arrived; default 30,000. */
  readonly bodyTimeoutMs?: number;
}

const idleCheckMs = 50;
const usualBodyTimeoutMs = 30_000;

export const createHttpListener = (parts: HttpListenerParts): HttpListener => {
  const { address, portVariable, answer, upgrade, bodyTimeoutMs = usualBodyTimeoutMs } = parts;
  const unreadable = createUnreadableRequests(parts.unreadable);
  const underWay = new Set<ServerResponse>();
  const receiving = new Map<IncomingMessage, Receiving>();
  const upgraded = new Set<Duplex>();
  let isDraining = false;
  const onRequest: RequestListener = (req, res) => {
    if (lacksHost(req)) return unreadable.answer(res, withoutHost);
    if (isHeadTooLong(req)) return unreadable.answer(res, tooLong);
    joinAuthorizations(req);
    if (isDraining) res.setHeader('Connection', 'close');
    underWay.add(res);
    res.once('close', () => underWay.delete(res));
    if (hasBody(req)) {
      receiving.set(req, { res, until: performance.now() + bodyTimeoutMs });
      req.once('close', () => receiving.delete(req));
    }
    answer(req, res);
  };
  const { server, stopRenewal } = createServerFor(parts.tls, onRequest);
  unreadable.observe(server);
  if (upgrade !== undefined)
    server.on('upgrade', (req, socket, head) => {
      if (lacksHost(req)) return unreadable.refuse(socket, withoutHost);
      if (isHeadTooLong(req)) return unreadable.refuse(socket, tooLong);
      joinAuthorizations(req);
      if (!asksForWebSocket(req) || isDraining || !upgrade(req, socket, head)) {
        answerWithoutUpgrade(server, req, { socket, head });
        return;
      }
      upgraded.add(socket);
      socket.once('close', () => upgraded.delete(socket));
    });
  const cutSlowBodies = (): void => {
    const now = performance.now();
    for (const [req, { res, until }] of receiving) {
      if (now < until || parts.hasOwnLimits?.(req) === true) continue;
      receiving.delete(req);
      unreadable.refuse(req.socket, tooSlow, res.headersSent);
    }
  };
  let bodyCheck: NodeJS.Timeout | undefined;
  const disableKeepAlive = (): void => {
    isDraining = true;
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
          bodyCheck = setInterval(cutSlowBodies, Math.min(bodyTimeoutMs, 5_000));
          bodyCheck.unref();
          resolve((server.address() as AddressInfo).port); // it listens on TCP
        });
      }),
    disableKeepAlive,
    close: async (timeoutMs) => {
      if (!server.listening) return;
      disableKeepAlive();
      // upgraded connections do not end by themselves
      for (const socket of upgraded) socket.end();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection may become idle after its last answer began, too late for the header.
      const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
      const timeout = new AbortController();
      const late = delay(timeoutMs, undefined, { signal: timeout.signal }).catch(() => undefined);
      await Promise.race([closed, late]);
      timeout.abort();
      clearInterval(idle);
      clearInterval(bodyCheck);
      stopRenewal();
      server.closeAllConnections();
      for (const socket of upgraded) socket.destroy();
      await closed;
    },
  };
};

const httpOptions = {
  headersTimeout: 10_000,
  // it would end uploads to services as well: `cutSlowBodies` checks them first
  requestTimeout: 0,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 75_000,
  // `isHeadTooLong` says what may be so long
  maxHeaderSize: longestHead,
  requireHostHeader: false,
} as const;

const createServerFor = (
  tls: ListenerTls | undefined,
  onRequest: RequestListener,
): { readonly server: Server; readonly stopRenewal: () => void } => {
  if (tls === undefined) return { server: createServer(httpOptions, onRequest), stopRenewal: () => {} };
  const { asksForCertificate, log } = tls;
  const first = readKeyPair(tls);
  const secureOptions = { minVersion: 'TLSv1.2' } as const;
  const server = createTlsServer(
    {
      ...httpOptions,
      ...secureOptions,
      ...first,
      handshakeTimeout: 10_000,
      requestCert: asksForCertificate,
      // each tenant has its own authorities
      rejectUnauthorized: false,
    },
    onRequest,
  );
  return { server, stopRenewal: renewKeyPair(server, { tls, first, secureOptions, log }) };
};

interface Receiving {
  readonly res: ServerResponse;
  /** By `performance.now`. */
  readonly until: number;
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

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
