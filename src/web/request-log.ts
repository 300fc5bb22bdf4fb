import type { ServerResponse } from 'node:http';
import type { Middleware } from 'koa';
import type { Clock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import type { Log } from '../log.ts';
import { requestFacts } from './request-facts.ts';

export interface RequestLogOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Counts the answers. */
  readonly onAnswered?: ((answered: AnsweredRequest) => void) | undefined;
}

export interface AnsweredRequest
  extends Pick<RequestLine, 'method' | 'route' | 'tenant' | 'service' | 'outcome'> {
  readonly status: number;
  readonly ms: number;
}

const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** One line a request. The query is never in it: codes, tokens and hints travel there. */
export const createRequestLog =
  (options: RequestLogOptions): Middleware =>
  async (ctx, next) => {
    const [path = ''] = (ctx.originalUrl ?? '').split('?');
    logAnswer(options, ctx.res, () => {
      const { address, requestId, route = path.slice(0, 200), tenant } = requestFacts(ctx);
      return {
        requestId,
        method: ctx.method,
        route,
        address,
        tenant,
        isProbe: probes.has(path) || path.startsWith('/assets/'),
      };
    });
    await next();
  };

/** The fields of a request line, besides status and time. */
export interface RequestLine {
  readonly requestId: string;
  readonly method: string;
  /** Route template, or the path without its query. */
  readonly route: string;
  readonly address: string;
  readonly tenant?: string | undefined;
  /** Of the gateway: a service and the decision. */
  readonly service?: string | undefined;
  readonly outcome?: string | undefined;
  /** Logged at `debug`: asked every few seconds, or with every page. */
  readonly isProbe?: boolean;
}

/** Logs a request once its answer has been sent, by any handler, and also when the client closes the connection. */
export const logAnswer = (
  { log, clock, onAnswered }: RequestLogOptions,
  res: ServerResponse,
  lineOf: () => RequestLine,
): void => {
  const startedAt = clock.now();
  res.once('close', () => {
    const { isProbe = false, address, tenant, ...line } = lineOf();
    const entry = {
      ...line,
      status: res.statusCode,
      ms: clock.now() - startedAt,
      address,
      ...definedOnly({ tenant }),
      ...(res.writableFinished ? {} : { aborted: true }),
    };
    log[isProbe ? 'debug' : 'info'](entry, 'request');
    onAnswered?.(entry);
  });
};
