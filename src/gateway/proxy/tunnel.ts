import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type { ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { responseOn } from '../../web/socket-response.ts';
import type { HeaderLine } from './connection-headers.ts';
import { createIdleTimer } from './idle-timer.ts';
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
  /** Nothing has been sent to the client yet. Called at most once. */
  readonly failed: (failure: TargetFailure) => void;
}

/**
 * Joins the client's connection with one to the service, or passes the answer on with which the service declines.
 * Resolves to the status that the client was given by the service, when the connection has closed; 0: none.
 */
export const openTunnel = (parts: TunnelParts): Promise<number> =>
  new Promise((resolve) => new Opening(parts, resolve).ask());

/**
 * asking – joined (the service has agreed) or declined (its answer is passed on) – over (the client has gone, or the
 * service cannot be asked).
 */
type Phase = 'asking' | 'joined' | 'declined' | 'over';

/**
 * The service is asked for an upgrade; it agrees, declines, or fails. Whichever it was, the promise settles when the
 * client's connection has closed (`#watchClient`), or at once when it had closed before.
 */
class Opening {
  readonly #parts: TunnelParts;
  readonly #settle: (status: number) => void;
  readonly #timer = createIdleTimer(() => this.#onTimeout());
  /** Of the connection to the service. */
  #controller: Dispatcher.DispatchController | undefined;
  #phase: Phase = 'asking';
  #declining: ServerResponse | undefined;
  #mayRepeat = true;
  #status = 0;

  constructor(parts: TunnelParts, settle: (status: number) => void) {
    this.#parts = parts;
    this.#settle = settle;
  }

  /** First the service is asked. */
  ask(): void {
    const { socket, target } = this.#parts;
    if (socket.destroyed) {
      this.#settle(this.#status);
      return;
    }
    this.#watchClient();
    this.#timer.start(target.timeoutMs);
    this.#dispatch();
  }

  /** Then it agrees, and both ends are joined, … */
  #agree(service: Socket, answer: ServiceAnswer): void {
    const { socket, target, headersOf, joined } = this.#parts;
    this.#phase = 'joined';
    this.#timer.stop();
    this.#status = answer.statusCode ?? 0;
    socket.write(switchingHead(headersOf(answer)), 'latin1');
    join({ client: socket, service }, target.idleTimeoutMs);
    joined({ client: socket, service });
  }

  /** … or it declines, and its answer is passed on like any other, … */
  #decline(answer: ServiceAnswer): void {
    const { req, socket, target, headersOf } = this.#parts;
    const res = responseOn(req, socket);
    try {
      writeAnswerHead(res, answer, headersOf(answer));
      res.flushHeaders();
    } catch (cause) {
      res.detachSocket(socket);
      this.#fail(unreachable(cause));
      return;
    }
    this.#phase = 'declined';
    this.#declining = res;
    this.#status = res.statusCode;
    this.#timer.start(target.idleTimeoutMs);
    socket.on('drain', () => this.#controller?.resume());
    // it has no reader, and would break the answer off when the connection closes
    socket.resume();
  }

  #passOn(chunk: Buffer, sender: Dispatcher.DispatchController): void {
    this.#timer.moved();
    this.#declining?.write(chunk);
    if (this.#parts.socket.writableNeedDrain) sender.pause();
  }

  /** … or it cannot be asked. */
  #fail(failure: TargetFailure): void {
    this.#end();
    if (!this.#parts.socket.destroyed) this.#parts.failed(failure);
  }

  /** Last, also when the client has gone. */
  #end(): void {
    this.#phase = 'over';
    this.#timer.stop();
    this.#controller?.abort(new Error('given up'));
  }

  #dispatch(): void {
    const { connection, outgoing } = this.#parts;
    connection.dispatcher.dispatch(
      {
        path: outgoing.path,
        method: 'GET',
        headers: outgoing.headers.flat(),
        upgrade: 'websocket',
        ...definedOnly({ servername: connection.serverName }),
      },
      this.#handler,
    );
  }

  #watchClient(): void {
    const { socket, head } = this.#parts;
    socket.once('close', () => {
      this.#end();
      this.#settle(this.#status);
    });
    // before both ends are joined there is no reader that would notice that the client has gone
    socket.once('end', () => {
      if (this.#phase === 'asking') socket.destroy();
    });
    if (head.length > 0) socket.unshift(head);
    socket.read(0);
    socket.setTimeout(0);
    socket.setKeepAlive(true, keepAliveDelayMs);
  }

  #onTimeout(): void {
    if (this.#phase === 'asking')
      this.#fail(tooSlow(new Error('the service did not answer the upgrade in time')));
    else this.#parts.socket.destroy();
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#phase === 'declined') this.#parts.socket.destroySoon();
    if (this.#phase !== 'asking') return;
    if (!this.#mayRepeat || !isClosedUnderUs(error)) {
      this.#fail(failureOf(error));
      return;
    }
    this.#mayRepeat = false;
    this.#dispatch();
  }

  readonly #handler: Dispatcher.DispatchHandler = {
    onRequestStart: (started) => {
      this.#controller = started;
      if (this.#phase === 'over') started.abort(new Error('given up'));
    },
    onRequestUpgrade: ({ rawHeaders }, statusCode, headers, duplex) => {
      const service = duplex as Socket; // it is the connection that undici has opened
      service.on('error', () => service.destroy());
      if (this.#phase === 'asking')
        this.#agree(service, { statusCode, headers, rawHeaders: rawHeadersOf(rawHeaders) });
      else service.destroy();
    },
    onResponseStart: ({ rawHeaders }, statusCode, headers, statusMessage = '') => {
      if (this.#phase !== 'asking' || statusCode < 200) return;
      this.#decline({ statusCode, statusMessage, headers, rawHeaders: rawHeadersOf(rawHeaders) });
    },
    onResponseData: (sender, chunk) => {
      if (this.#phase === 'declined') this.#passOn(chunk, sender);
    },
    onResponseEnd: () => void this.#declining?.end(),
    onResponseError: (_sender, error) => this.#onError(error),
  };
}

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
