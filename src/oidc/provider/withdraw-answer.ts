import type { KoaContextWithOIDC } from 'oidc-provider';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { newErrorId, problemHeaders } from '../../web/problem.ts';
import { TooManyRequests, Unavailable } from './errors.ts';
import type { ProviderPages } from './provider-pages.ts';
import type { ProviderRequest } from './provider-request.ts';

export interface WithdrawalParts {
  readonly tenant: string;
  readonly log: Log;
  readonly pages: Pick<ProviderPages, 'error'>;
  readonly factsOf: (ctx: KoaContextWithOIDC) => ProviderRequest;
}

/**
 * Replaces an answer whose writes could not be stored, or are too many: it is withdrawn with its cookies, and 503 or 429
 * is sent instead.
 * @throws the error itself, unless it is an outage or a rate limit
 */
export const withdrawAnswer = (parts: WithdrawalParts, ctx: KoaContextWithOIDC, error: unknown): void => {
  if (!(error instanceof Unavailable || error instanceof TooManyRequests)) throw error;
  ctx.remove('Set-Cookie');
  ctx.remove('Location');
  ctx.status = error.statusCode;
  const { error_description: description } = error;
  const out = {
    error: error.message,
    ...definedOnly({ error_description: description }),
  };
  if (ctx.accepts('json', 'html') === 'html') {
    parts.pages.error(ctx, out, error);
    return;
  }
  const errorId = newErrorId();
  const { requestId } = parts.factsOf(ctx);
  const route = ctx.oidc?.route;
  parts.log[error.statusCode >= 500 ? 'error' : 'info'](
    { errorId, tenant: parts.tenant, requestId, route, err: error },
    'an answer was not stored',
  );
  const { statusCode: status, retryAfterSeconds } = error;
  ctx.set(
    problemHeaders({
      status,
      code: error.message,
      errorId,
      ...definedOnly({ description, retryAfterSeconds }),
    }),
  );
  ctx.body = out;
};
