import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { HeaderLine } from './connection-headers.ts';
import { createPatience } from './idle-timer.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { type ServiceAnswer, writeAnswerHead } from './target-answer.ts';
import type { TargetConnection } from './target-connection.ts';
import { clientTooSlow, failureOf, type TargetFailure, tooSlow, unreachable } from './target-failure.ts';

export interface Relayed {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly connection: Pick<TargetConnection, 'dispatcher' | 'serverName'>;
  readonly target: Pick<ServiceTarget, 'timeoutMs' | 'idleTimeoutMs'>;
  readonly outgoing: OutgoingRequest;
  /** Headers of the answer, from the service's. */
  readonly headersOf: (answer: ServiceAnswer) => readonly HeaderLine[];
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

export const relay: Relay = async (relayed) => {
  const { req, outgoing } = relayed;
  const first = await attempt(relayed, repeatable.has(req.method ?? '') && !outgoing.hasBody);
  if (first.status !== 'again') return first;
  const second = await attempt(relayed, false);
  return second.status === 'again' ? { status: 'client_gone' } : second;
};

/** Without effect, so that the same twice does no harm (RFC 9110 section 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** How a kept connection ends that its other side has given up, which we see only when we write. */
const closedUnderUs: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

const attempt = (relayed: Relayed, mayRepeat: boolean): Promise<Attempt> =>
  new Promise((resolve) => {
    const { req, res, connection, target, outgoing, headersOf } = relayed;
    let controller: Dispatcher.DispatchController | undefined;
    let phase: 'sending' | 'waiting' | 'answering' | 'over' = 'sending';

    const finish = (outcome: Attempt): void => {
      if (phase === 'over') return;
      phase = 'over';
      patience.end();
      res.off('close', clientGone);
      res.off('drain', goOn);
      if (outcome.status !== 'answered' || !req.complete) controller?.abort(new Error('given up'));
      // what is still on its way has no reader any more
      if (outgoing.hasBody && !req.destroyed && outcome.status !== 'again') req.resume();
      resolve(outcome);
    };
    const clientGone = (): void => finish({ status: 'client_gone' });
    const goOn = (): void => controller?.resume();
    const patience = createPatience(() => {
      const cause = new Error(`nothing moved in time while ${phase}`);
      if (phase === 'answering') {
        finish({ status: 'broken', cause });
        res.destroy();
      } else if (phase === 'sending' && body?.isClientsTurn() === true)
        finish({ status: 'failed', failure: clientTooSlow(cause) });
      else finish({ status: 'failed', failure: tooSlow(cause) });
    });
    const waitForAnswer = (): void => {
      if (phase !== 'sending') return;
      phase = 'waiting';
      patience.wait(target.timeoutMs);
    };
    const beginAnswer = (answer: ServiceAnswer): void => {
      phase = 'answering';
      try {
        writeAnswerHead(res, answer, headersOf(answer));
      } catch (cause) {
        for (const name of res.getHeaderNames()) res.removeHeader(name);
        finish({ status: 'failed', failure: unreachable(cause) });
        return;
      }
      patience.wait(target.idleTimeoutMs);
      res.on('drain', goOn);
      // an event stream says nothing for long, and its reader waits for the head
      setImmediate(() => {
        if (!res.headersSent && !res.destroyed) res.flushHeaders();
      });
    };
    const fail = (cause: NodeJS.ErrnoException): void => {
      if (phase === 'answering') {
        finish({ status: 'broken', cause });
        res.destroy();
      } else if (mayRepeat && closedUnderUs.has(cause.code)) finish({ status: 'again' });
      else finish({ status: 'failed', failure: failureOf(cause) });
    };

    if (res.destroyed) {
      finish({ status: 'client_gone' });
      return;
    }
    res.once('close', clientGone);
    const body = outgoing.hasBody ? bodyOf(req, { moved: patience.moved, ended: waitForAnswer }) : undefined;
    if (body === undefined) waitForAnswer();
    else patience.wait(target.idleTimeoutMs);
    try {
      connection.dispatcher.dispatch(
        {
          path: outgoing.path,
          method: req.method as Dispatcher.HttpMethod,
          headers: flat(outgoing.headers),
          body: body?.stream ?? null,
          ...definedOnly({ servername: connection.serverName }),
        },
        {
          onRequestStart: (started) => {
            controller = started;
            if (phase === 'over') started.abort(new Error('given up'));
          },
          onResponseStart: ({ rawHeaders }, statusCode, headers, statusMessage = '') => {
            if (phase === 'over' || statusCode < 200) return;
            beginAnswer({ statusCode, statusMessage, headers, rawHeaders: asText(rawHeaders) });
          },
          onResponseData: (sender, chunk) => {
            if (phase === 'over') return;
            patience.moved();
            if (!res.write(chunk)) sender.pause();
          },
          onResponseEnd: () => {
            if (phase === 'over') return;
            res.end(() => finish({ status: 'answered' }));
          },
          onResponseError: (_sender, error) => fail(error),
        },
      );
    } catch (cause) {
      finish({ status: 'failed', failure: unreachable(cause) });
    }
  });

interface Body {
  readonly stream: Readable;
  /** Does it wait for the client, and not for the service? */
  readonly isClientsTurn: () => boolean;
}

/** Read as fast as the service takes it. When that gives up, the client's request stays open for an answer. */
const bodyOf = (
  req: IncomingMessage,
  { moved, ended }: { readonly moved: () => void; readonly ended: () => void },
): Body => {
  let isClientsTurn = true;
  const read = async function* () {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      moved();
      isClientsTurn = false;
      yield chunk;
      isClientsTurn = true;
    }
    ended();
  };
  return { stream: Readable.from(read(), { objectMode: false }), isClientsTurn: () => isClientsTurn };
};

const flat = (lines: readonly HeaderLine[]): string[] =>
  lines.flatMap(([name, value]) => (name.toLowerCase() === 'transfer-encoding' ? [] : [name, value]));

/** In the order and spelling in which they came. */
const asText = (raw: Dispatcher.DispatchController['rawHeaders']): string[] =>
  Array.isArray(raw) ? raw.map((text) => (typeof text === 'string' ? text : text.toString('latin1'))) : [];
