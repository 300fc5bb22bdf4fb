import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Stream } from 'node:stream';
import { ProxyServer } from 'http-proxy-3';
import type { ServiceTarget } from '../../config/gateway-definition.ts';
import type { HeaderLine } from './connection-headers.ts';
import { type OutgoingRequest, sayExactly } from './outgoing-request.ts';
import { createPatience } from './patience.ts';
import { writeAnswerHead } from './target-answer.ts';
import type { TargetConnection } from './target-connection.ts';
import { clientTooSlow, failureOf, type TargetFailure, tooSlow, unreachable } from './target-failure.ts';

export interface Relayed {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly connection: TargetConnection;
  readonly target: Pick<ServiceTarget, 'timeoutMs' | 'idleTimeoutMs'>;
  readonly outgoing: OutgoingRequest;
  /** Headers of the answer, from the service's. */
  readonly headersOf: (answer: IncomingMessage) => readonly HeaderLine[];
}

export type RelayOutcome =
  /** All of the answer has left. */
  | { readonly status: 'answered' }
  /** The client has been told nothing yet. */
  | { readonly status: 'failed'; readonly failure: TargetFailure }
  /** The answer broke off on its way, and the client was cut off: nothing else would tell it. */
  | { readonly status: 'broken'; readonly cause: Error }
  | { readonly status: 'client_gone' };

/** Passes a request on and its answer back, as streams. Never rejects. */
export type Relay = (relayed: Relayed) => Promise<RelayOutcome>;

type Attempt = RelayOutcome | { readonly status: 'again' };

export const createRelay = (): Relay => {
  const proxy = new ProxyServer();
  return async (relayed) => {
    const first = await attempt(proxy, relayed, repeatable.has(relayed.req.method ?? ''));
    if (first.status !== 'again') return first;
    const second = await attempt(proxy, relayed, false);
    return second.status === 'again' ? { status: 'client_gone' } : second;
  };
};

/** Without effect, so that the same twice does no harm (RFC 9110 section 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** How a kept connection ends that its other side has given up, which we see only when we write. */
const closedUnderUs: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE']);

const attempt = (proxy: ProxyServer, relayed: Relayed, mayRepeat: boolean): Promise<Attempt> =>
  new Promise((resolve) => {
    const { req, res, connection, target, outgoing, headersOf } = relayed;
    let request: ClientRequest | undefined;
    let phase: 'sending' | 'waiting' | 'answering' | 'over' = 'sending';

    const finish = (outcome: Attempt): void => {
      if (phase === 'over') return;
      phase = 'over';
      patience.end();
      res.off('close', clientGone);
      if (outcome.status !== 'answered' || !req.complete) letGo(req, request);
      resolve(outcome);
    };
    const clientGone = (): void => finish({ status: 'client_gone' });
    const patience = createPatience(() => {
      const cause = new Error(`nothing moved in time while ${phase}`);
      if (phase === 'answering') {
        finish({ status: 'broken', cause });
        res.destroy();
      } else if (phase === 'sending' && !req.isPaused())
        finish({ status: 'failed', failure: clientTooSlow(cause) });
      else finish({ status: 'failed', failure: tooSlow(cause) });
    });
    const waitForAnswer = (): void => {
      if (phase !== 'sending') return;
      phase = 'waiting';
      patience.wait(target.timeoutMs);
    };
    const passAnswer = (answer: IncomingMessage): void => {
      if (phase === 'over') return;
      phase = 'answering';
      try {
        if (answer.statusCode === 101) throw new Error('the service changes a protocol that nobody offered');
        writeAnswerHead(res, answer, headersOf(answer));
      } catch (cause) {
        for (const name of res.getHeaderNames()) res.removeHeader(name);
        finish({ status: 'failed', failure: unreachable(cause) });
        return;
      }
      patience.wait(target.idleTimeoutMs);
      answer.on('data', patience.moved);
      answer.once('error', (cause) => {
        finish({ status: 'broken', cause });
        res.destroy();
      });
      res.once('finish', () => finish({ status: 'answered' }));
      answer.pipe(res);
      // an event stream says nothing for long, and its reader waits for the head
      setImmediate(() => {
        if (!res.headersSent && !res.destroyed) res.flushHeaders();
      });
    };
    const fail = (error: NodeJS.ErrnoException): void => {
      if (phase === 'answering' || phase === 'over') return;
      const wasClosed = request?.reusedSocket === true && closedUnderUs.has(error.code);
      if (mayRepeat && wasClosed && !outgoing.hasBody) finish({ status: 'again' });
      else finish({ status: 'failed', failure: failureOf(error) });
    };
    const send = (opened: ClientRequest): void => {
      request = opened;
      sayExactly(opened, outgoing);
      opened.once('response', passAnswer);
      if (!outgoing.hasBody) {
        waitForAnswer();
        opened.end();
        return;
      }
      patience.wait(target.idleTimeoutMs);
      opened.once('finish', waitForAnswer);
      opened.flushHeaders();
      req.pipe(opened);
      req.on('data', patience.moved);
    };

    if (res.destroyed) {
      finish({ status: 'client_gone' });
      return;
    }
    res.once('close', clientGone);
    try {
      proxy.web(
        substituteFor(req),
        res,
        {
          target: connection.url,
          agent: connection.agent,
          buffer: bodyThat(send),
          selfHandleResponse: true,
          toProxy: true,
        },
        fail,
      );
    } catch (cause) {
      finish({ status: 'failed', failure: unreachable(cause) });
    }
  });

/**
 * http-proxy-3 hands the request that it has opened to the body, to be piped. This is where its head is written, by
 * `sayExactly`: left alone, the library rewrites the path, passes on headers of the connection, and makes of a chunked
 * DELETE one without a body, whose body the service takes for another request.
 */
const bodyThat = (send: (opened: ClientRequest) => void): Stream => ({ pipe: send }) as unknown as Stream; // nothing else of it is used

/** What the library reads of a request whose head and body are given otherwise. */
const substituteFor = (req: IncomingMessage): IncomingMessage =>
  ({
    method: req.method,
    url: '/',
    headers: {},
    httpVersionMajor: 1,
    socket: req.socket,
    on: req.on.bind(req),
  }) as unknown as IncomingMessage; // nothing else of it is used

const letGo = (req: IncomingMessage, request: ClientRequest | undefined): void => {
  if (request === undefined) return;
  req.unpipe(request);
  request.destroy();
  // what is still on its way has no reader any more
  if (!req.destroyed) req.resume();
};
