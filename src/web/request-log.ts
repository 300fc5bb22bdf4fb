import type { Middleware } from 'koa';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { requestFacts } from './request-facts.ts';

export interface RequestLogOptions {
  readonly log: Log;
  readonly clock: Clock;
}

const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** One line a request. The query is never in it: codes, tokens and hints travel there. */
export const createRequestLog =
  ({ log, clock }: RequestLogOptions): Middleware =>
  async (ctx, next) => {
    const startedAt = clock.now();
    // Whoever answers, koa or the provider, and also when the other side hangs up.
    ctx.res.once('close', () => {
      const { address, requestId, route, tenant } = requestFacts(ctx);
      const [path = ''] = (ctx.originalUrl ?? '').split('?');
      const line = {
        requestId,
        method: ctx.method,
        route: route ?? path.slice(0, 200),
        status: ctx.res.statusCode,
        ms: clock.now() - startedAt,
        address,
        ...(tenant === undefined ? {} : { tenant }),
        ...(ctx.res.writableFinished ? {} : { aborted: true }),
      };
      log[probes.has(path) ? 'debug' : 'info'](line, 'request');
    });
    await next();
  };
