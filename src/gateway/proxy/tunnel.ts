import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ProxyServer } from 'http-proxy-3';
import type { ServiceTarget } from '../../config/gateway-definition.ts';
import { byName, type HeaderLine } from './connection-headers.ts';
import { type OutgoingRequest, sayExactly } from './outgoing-request.ts';
import { createPatience } from './patience.ts';
import type { TargetConnection } from './target-connection.ts';
import { failureOf, type TargetFailure, unreachable } from './target-failure.ts';

export interface TunnelParts {
  readonly req: IncomingMessage;
  readonly socket: Socket;
  /** What the client has sent already. */
  readonly head: Buffer;
  readonly connection: TargetConnection;
  readonly target: Pick<ServiceTarget, 'timeoutMs'>;
  readonly outgoing: OutgoingRequest;
  readonly headersOf: (answer: IncomingMessage) => readonly HeaderLine[];
  /** Both ends are joined from now on. */
  readonly joined: (ends: { readonly client: Socket; readonly service: Socket }) => void;
  /** Nothing has been said to the client yet. Called at most once. */
  readonly failed: (failure: TargetFailure) => void;
}

const tooLate = (): Error =>
  Object.assign(new Error('the service did not answer the upgrade in time'), { code: 'ETIMEDOUT' });

/**
 * Joins the client's connection with one to the service. What http-proxy-3 leaves out is here: the exact head, a limit
 * until the answer, an end of the request when the client goes, and an answer that is no upgrade at the pace of the
 * client. Resolves to the status that the client was given by the service, when the connection has closed; 0: none.
 */
export const openTunnel = (parts: TunnelParts): Promise<number> =>
  new Promise((resolve) => {
    const { req, socket, head, connection, target, outgoing, headersOf } = parts;
    let status = 0;
    let hasFailed = false;
    let request: ClientRequest | undefined;
    const patience = createPatience(() => request?.destroy(tooLate()));
    const fail = (error: Error): void => {
      patience.end();
      if (status !== 0 || hasFailed || socket.destroyed) return;
      hasFailed = true;
      parts.failed(failureOf(error));
    };
    socket.once('close', () => {
      patience.end();
      request?.destroy();
      resolve(status);
    });

    // one for each connection: its events do not say which one they are about
    const proxy = new ProxyServer();
    proxy.on('error', fail);
    proxy.once('proxyReqWs', (opened) => {
      request = opened;
      sayExactly(opened, outgoing);
      patience.wait(target.timeoutMs);
      opened.once('upgrade', (answer, service: Socket) => {
        patience.end();
        if (socket.destroyed) {
          service.destroy();
          return;
        }
        status = answer.statusCode ?? 101;
        answer.headers = headersObject([
          ...headersOf(answer),
          ['Connection', 'Upgrade'],
          ['Upgrade', 'websocket'],
        ]);
        parts.joined({ client: socket, service });
      });
      opened.once('response', (answer) => {
        patience.end();
        status = answer.statusCode ?? 502;
        answer.headers = headersObject([...headersOf(answer), ['Connection', 'close']]);
        keepPace(answer, socket);
      });
    });
    try {
      proxy.ws(substituteFor(req), socket, head, {
        target: connection.url,
        agent: connection.agent,
        toProxy: true,
      });
      // nobody reads before both ends are joined, so nobody would see the client go
      socket.once('end', () => {
        if (status === 0) socket.destroy();
      });
      socket.read(0);
    } catch (cause) {
      if (!hasFailed) parts.failed(unreachable(cause));
      hasFailed = true;
    }
  });

/** What the library reads of a request whose head is given otherwise. */
const substituteFor = (req: IncomingMessage): IncomingMessage =>
  ({
    method: 'GET',
    url: '/',
    headers: { connection: 'Upgrade', upgrade: 'websocket' },
    httpVersion: '1.1',
    httpVersionMajor: 1,
    socket: req.socket,
  }) as unknown as IncomingMessage; // nothing else of it is used

const headersObject = (lines: readonly HeaderLine[]): Record<string, string | string[]> =>
  Object.fromEntries(
    [...byName(lines)].map(([small, { values }]) => [
      small,
      small === 'set-cookie' || values.length > 1 ? values : (values[0] ?? ''),
    ]),
  );

/** The library writes as fast as the service does, and waits for ever for one that breaks off. */
const keepPace = (answer: IncomingMessage, socket: Socket): void => {
  answer.on('data', () => {
    if (!socket.writableNeedDrain) return;
    answer.pause();
    socket.once('drain', () => answer.resume());
  });
  answer.once('close', () => socket.destroySoon());
};
