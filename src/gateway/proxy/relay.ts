import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { HeaderLine } from './connection-headers.ts';
import { createIdleTimer, type IdleTimer } from './idle-timer.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { rawHeadersOf, type ServiceAnswer, writeAnswerHead } from './target-answer.ts';
import type { TargetConnection } from './target-connection.ts';
import {
  clientTooSlow,
  failureOf,
  isClosedUnderUs,
  type TargetFailure,
  tooSlow,
  unreachable,
} from './target-failure.ts';

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
  /** The whole answer has been sent. */
  | { readonly status: 'answered' }
  /** Nothing has been sent to the client yet. */
  | { readonly status: 'failed'; readonly failure: TargetFailure }
  /** The answer broke off in the middle, and so did the connection to the client: nothing else would show it. */
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
  if (second.status === 'again')
    throw new Error('an attempt that must not be repeated was given up for another');
  return second;
};

/** Without effect, so that the same twice does no harm (RFC 9110 section 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

const attempt = (relayed: Relayed, mayRepeat: boolean): Promise<Attempt> =>
  new Promise((resolve) => new Exchange(relayed, mayRepeat, resolve).send());

/** What ends a phase before its time. */
interface Phase {
  readonly onTimeout: () => void;
  readonly onError: (cause: NodeJS.ErrnoException) => void;
}

/**
 * One attempt. Its phases are in this order, and each may be the last before `over`:
 * sending (the request goes to the service) – waiting (for the head of the answer) – answering (the answer goes to the
 * client) – over. A request without a body begins with waiting. A service may answer before it has read the whole
 * request; then there is no waiting. The promise of the attempt settles once, in `#finish`.
 */
class Exchange {
  readonly #relayed: Relayed;
  readonly #mayRepeat: boolean;
  readonly #settle: (outcome: Attempt) => void;
  readonly #timer: IdleTimer;
  readonly #body: Body | undefined;
  /** Of the connection to the service. */
  #controller: Dispatcher.DispatchController | undefined;
  #phase: Phase;

  constructor(relayed: Relayed, mayRepeat: boolean, settle: (outcome: Attempt) => void) {
    this.#relayed = relayed;
    this.#mayRepeat = mayRepeat;
    this.#settle = settle;
    this.#timer = createIdleTimer(() => this.#phase.onTimeout());
    this.#phase = this.#sending;
    const { req, outgoing } = relayed;
    this.#body = outgoing.hasBody
      ? bodyOf(req, { moved: this.#timer.moved, ended: () => this.#awaitAnswer() })
      : undefined;
  }

  /** First the request goes to the service. */
  send(): void {
    const { req, res, connection, target, outgoing } = this.#relayed;
    if (res.destroyed) {
      this.#finish({ status: 'client_gone' });
      return;
    }
    res.once('close', this.#onClientGone);
    if (this.#body === undefined) this.#awaitAnswer();
    else this.#timer.start(target.idleTimeoutMs);
    try {
      connection.dispatcher.dispatch(
        {
          path: outgoing.path,
          method: req.method as Dispatcher.HttpMethod,
          headers: flat(outgoing.headers),
          body: this.#body?.stream ?? null,
          ...definedOnly({ servername: connection.serverName }),
        },
        this.#handler,
      );
    } catch (cause) {
      this.#finish({ status: 'failed', failure: unreachable(cause) });
    }
  }

  readonly #sending: Phase = {
    onTimeout: () => {
      const cause = new Error('nothing moved in time while sending');
      const failure = this.#body?.isClientsTurn() === true ? clientTooSlow(cause) : tooSlow(cause);
      this.#finish({ status: 'failed', failure });
    },
    onError: (cause) => this.#failBeforeAnswer(cause),
  };

  /** Then the service has its time to answer. */
  #awaitAnswer(): void {
    if (this.#phase !== this.#sending) return;
    this.#phase = this.#waiting;
    this.#timer.start(this.#relayed.target.timeoutMs);
  }

  readonly #waiting: Phase = {
    onTimeout: () => {
      const cause = new Error('nothing moved in time while waiting');
      this.#finish({ status: 'failed', failure: tooSlow(cause) });
    },
    onError: (cause) => this.#failBeforeAnswer(cause),
  };

  /** Then its answer goes to the client: the head, … */
  #beginAnswer(answer: ServiceAnswer): void {
    this.#phase = this.#answering;
    const { res, target, headersOf } = this.#relayed;
    try {
      writeAnswerHead(res, answer, headersOf(answer));
    } catch (cause) {
      for (const name of res.getHeaderNames()) res.removeHeader(name);
      this.#finish({ status: 'failed', failure: unreachable(cause) });
      return;
    }
    this.#timer.start(target.idleTimeoutMs);
    res.on('drain', this.#onDrain);
    // an event stream says nothing for long, and its reader waits for the head
    setImmediate(() => {
      if (!res.headersSent && !res.destroyed) res.flushHeaders();
    });
  }

  /** … the content, … */
  #passOn(chunk: Buffer, sender: Dispatcher.DispatchController): void {
    this.#timer.moved();
    if (!this.#relayed.res.write(chunk)) sender.pause();
  }

  /** … and the end. */
  #endAnswer(): void {
    this.#relayed.res.end(() => this.#finish({ status: 'answered' }));
  }

  readonly #answering: Phase = {
    onTimeout: () => this.#breakOff(new Error('nothing moved in time while answering')),
    onError: (cause) => this.#breakOff(cause),
  };

  /** Last, whatever came of it. */
  #finish(outcome: Attempt): void {
    if (this.#isOver) return;
    this.#phase = over;
    this.#timer.stop();
    const { req, res, outgoing } = this.#relayed;
    res.off('close', this.#onClientGone);
    res.off('drain', this.#onDrain);
    if (outcome.status !== 'answered' || !req.complete) this.#controller?.abort(new Error('given up'));
    // the rest of the request is no longer needed
    if (outgoing.hasBody && !req.destroyed && outcome.status !== 'again') req.resume();
    this.#settle(outcome);
  }

  #failBeforeAnswer(cause: NodeJS.ErrnoException): void {
    if (this.#mayRepeat && isClosedUnderUs(cause)) this.#finish({ status: 'again' });
    else this.#finish({ status: 'failed', failure: failureOf(cause) });
  }

  /** The client has the head already, so nothing else can say it. */
  #breakOff(cause: Error): void {
    this.#finish({ status: 'broken', cause });
    this.#relayed.res.destroy();
  }

  get #isOver(): boolean {
    return this.#phase === over;
  }

  readonly #onClientGone = (): void => this.#finish({ status: 'client_gone' });
  readonly #onDrain = (): void => this.#controller?.resume();

  readonly #handler: Dispatcher.DispatchHandler = {
    onRequestStart: (started) => {
      this.#controller = started;
      if (this.#isOver) started.abort(new Error('given up'));
    },
    onResponseStart: ({ rawHeaders }, statusCode, headers, statusMessage = '') => {
      // below 200 it only announces an answer (RFC 9110 section 15.2)
      if (this.#isOver || statusCode < 200) return;
      this.#beginAnswer({ statusCode, statusMessage, headers, rawHeaders: rawHeadersOf(rawHeaders) });
    },
    onResponseData: (sender, chunk) => {
      if (!this.#isOver) this.#passOn(chunk, sender);
    },
    onResponseEnd: () => {
      if (!this.#isOver) this.#endAnswer();
    },
    onResponseError: (_sender, error) => this.#phase.onError(error),
  };
}

const over: Phase = { onTimeout: () => {}, onError: () => {} };

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
