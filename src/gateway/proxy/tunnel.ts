import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type { ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { responseOn } from '../../web/socket-response.ts';
import type { HeaderLine } from './connection-headers.ts';
import { createPatience } from './idle-timer.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { rawHeadersOf, type ServiceAnswer, writeAnswerHead } from './target-answer.ts';
import type { TargetConnection } from './target-connection.ts';
import { failureOf, isClosedUnderUs, type TargetFailure, tooSlow, unreachable } from './target-failure.ts';

interface TunnelEnds {
  readonly client: Socket;
  readonly service: Socket;
}

export interface TunnelParts {
  readonly req: IncomingMessage;
  readonly socket: Socket;
  /** What the client has sent already. */
  readonly head: Buffer;
  readonly connection: Pick<TargetConnection, 'dispatcher' | 'serverName'>;
  readonly target: Pick<ServiceTarget, 'timeoutMs' | 'idleTimeoutMs'>;
  readonly outgoing: Pick<OutgoingRequest, 'path' | 'headers'>;
  readonly headersOf: (answer: ServiceAnswer) => readonly HeaderLine[];
  /** Both ends are joined from now on. */
  readonly joined: (ends: TunnelEnds) => void;
  /** Nothing has been said to the client yet. Called at most once. */
  readonly failed: (failure: TargetFailure) => void;
}

/**
 * Joins the client's connection with one to the service, or passes the answer on with which the service declines.
 * Resolves to the status that the client was given by the service, when the connection has closed; 0: none.
 */
export const openTunnel = (parts: TunnelParts): Promise<number> =>
  new Promise((resolve) => {
    const { req, socket, head, connection, target, outgoing, headersOf } = parts;
    let controller: Dispatcher.DispatchController | undefined;
    let phase: 'asking' | 'declined' | 'over' = 'asking';
    let declining: ServerResponse | undefined;
    let mayRepeat = true;
    let status = 0;

    const end = (): void => {
      phase = 'over';
      patience.end();
      controller?.abort(new Error('given up'));
    };
    const fail = (failure: TargetFailure): void => {
      end();
      if (!socket.destroyed) parts.failed(failure);
    };
    const patience = createPatience(() => {
      if (phase === 'asking') fail(tooSlow(new Error('the service did not answer the upgrade in time')));
      else socket.destroy();
    });
    const decline = (answer: ServiceAnswer): void => {
      const res = responseOn(req, socket);
      try {
        writeAnswerHead(res, answer, headersOf(answer));
        res.flushHeaders();
      } catch (cause) {
        res.detachSocket(socket);
        fail(unreachable(cause));
        return;
      }
      phase = 'declined';
      declining = res;
      status = res.statusCode;
      patience.wait(target.idleTimeoutMs);
      socket.on('drain', () => controller?.resume());
      // it has no reader, and would break the answer off when the connection closes
      socket.resume();
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started;
        if (phase === 'over') started.abort(new Error('given up'));
      },
      onRequestUpgrade: ({ rawHeaders }, statusCode, headers, duplex) => {
        const service = duplex as Socket; // it is the connection that undici has opened
        service.on('error', () => service.destroy());
        if (phase !== 'asking') {
          service.destroy();
          return;
        }
        phase = 'over';
        patience.end();
        status = statusCode;
        const answer = { statusCode, headers, rawHeaders: rawHeadersOf(rawHeaders) };
        socket.write(switchingHead(headersOf(answer)), 'latin1');
        join({ client: socket, service }, target.idleTimeoutMs);
        parts.joined({ client: socket, service });
      },
      onResponseStart: ({ rawHeaders }, statusCode, headers, statusMessage = '') => {
        if (phase !== 'asking' || statusCode < 200) return;
        decline({ statusCode, statusMessage, headers, rawHeaders: rawHeadersOf(rawHeaders) });
      },
      onResponseData: (sender, chunk) => {
        if (phase !== 'declined') return;
        patience.moved();
        declining?.write(chunk);
        if (socket.writableNeedDrain) sender.pause();
      },
      onResponseEnd: () => void declining?.end(),
      onResponseError: (_sender, error) => {
        if (phase === 'declined') socket.destroySoon();
        if (phase !== 'asking') return;
        if (!mayRepeat || !isClosedUnderUs(error)) {
          fail(failureOf(error));
          return;
        }
        mayRepeat = false;
        ask();
      },
    };
    const ask = (): void =>
      void connection.dispatcher.dispatch(
        {
          path: outgoing.path,
          method: 'GET',
          headers: outgoing.headers.flat(),
          upgrade: 'websocket',
          ...definedOnly({ servername: connection.serverName }),
        },
        handler,
      );

    if (socket.destroyed) {
      resolve(status);
      return;
    }
    socket.once('close', () => {
      end();
      resolve(status);
    });
    // nobody reads before both ends are joined, so nobody would see the client go
    socket.once('end', () => {
      if (phase === 'asking') socket.destroy();
    });
    if (head.length > 0) socket.unshift(head);
    socket.read(0);
    socket.setTimeout(0);
    socket.setKeepAlive(true, keepAliveDelayMs);
    patience.wait(target.timeoutMs);
    ask();
  });

/** As undici does with the other end: a client that is cut off from the net does not say so. */
const keepAliveDelayMs = 60_000;

const switchingHead = (lines: readonly HeaderLine[]): string =>
  [
    'HTTP/1.1 101 Switching Protocols',
    ...lines.map(([name, value]) => `${name}: ${value}`),
    'Connection: Upgrade',
    'Upgrade: websocket',
    '\r\n',
  ].join('\r\n');

/** What is still to be sent when one end has gone may take as long as silence may. */
const join = ({ client, service }: TunnelEnds, idleTimeoutMs: number): void => {
  const pass = (from: Socket, to: Socket): void => {
    from.pipe(to);
    from.once('close', () => {
      to.setTimeout(idleTimeoutMs, () => to.destroy());
      to.destroySoon();
    });
  };
  pass(client, service);
  pass(service, client);
};
