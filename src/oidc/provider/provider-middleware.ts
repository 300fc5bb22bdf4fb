import type { Middleware } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Log } from '../../log.ts';
import { hideChallengeGrant } from '../direct-login/challenge-endpoint.ts';
import type { DeviceSignIns } from '../grants/device-sign-ins.ts';
import type { IntrospectKey } from '../tokens/key-introspection.ts';
import type { UpstreamSessions } from '../upstream/upstream-sessions.ts';
import type { UpstreamSignOut } from '../upstream/upstream-sign-out.ts';
import type { CrossOrigin } from './cross-origin.ts';
import { toProtocolError } from './errors.ts';
import type { PreparedAnswers } from './prepared-answers.ts';
import type { MethodsOf } from './protocol-methods.ts';
import type { ProviderPages } from './provider-pages.ts';
import type { ProviderRequests } from './provider-request.ts';
import type { RefusalRecords } from './refusal-records.ts';
import type { Replays } from './replays.ts';
import type { RequestEndings } from './request-endings.ts';
import { withdrawAnswer } from './withdraw-answer.ts';

export interface ProviderMiddlewareParts {
  readonly definition: TenantDefinition;
  readonly requests: ProviderRequests;
  readonly endings: Pick<RequestEndings, 'queueLogouts' | 'announce'>;
  readonly refusals: Pick<RefusalRecords, 'store'>;
  readonly replays: Pick<Replays, 'report'>;
  readonly deviceSignIns: Pick<DeviceSignIns, 'note'>;
  readonly upstreamSessions: Pick<UpstreamSessions, 'note'>;
  readonly upstreamSignOut: Pick<UpstreamSignOut, 'redirect'>;
  readonly prepared: Pick<PreparedAnswers, 'capture'>;
  readonly crossOrigin: Pick<CrossOrigin, 'guard'>;
  readonly introspectKey: IntrospectKey;
  readonly methodsOf: MethodsOf;
  readonly pages: ProviderPages;
  readonly log: Log;
}

/**
 * Runs around each of the library's routes. The library has answered before anything is stored: its writes are staged
 * in the request's scope and stored here at once, and an answer whose writes fail is withdrawn.
 */
export const createProviderMiddleware = (parts: ProviderMiddlewareParts): Middleware => {
  const { requests, endings, pages, log } = parts;
  const withdrawal = { tenant: parts.definition.id, log, pages, factsOf: requests.factsOf };

  return async (koaCtx, next) => {
    const ctx = koaCtx as unknown as KoaContextWithOIDC; // the library's own context
    // before the library, which takes `GET /device/auth` for the page of a device
    if (parts.methodsOf(ctx.path)?.includes(ctx.method) === false) return pages.unrouted(ctx);
    const scope = requests.beginScope(ctx);
    const contentPolicy = ctx.response.get('Content-Security-Policy');
    try {
      await next();
    } catch (error) {
      // the library stores a session behind its own handling of errors
      return withdrawAnswer(withdrawal, ctx, error);
    }
    parts.crossOrigin.guard(ctx);
    hideChallengeGrant(ctx);
    // RFC 7009 section 2.2: the status is the whole answer, but the library sends a content type without content
    if (ctx.oidc?.route === 'revocation' && ctx.body === '') ctx.remove('Content-Type');
    try {
      await parts.introspectKey(ctx);
      await endings.queueLogouts(ctx);
      parts.upstreamSessions.note(ctx, scope);
      await parts.deviceSignIns.note(ctx);
      await scope.flush();
      await endings.announce(ctx);
    } catch (error) {
      withdrawAnswer(withdrawal, ctx, toProtocolError(error));
    }
    pages.formPost(ctx, contentPolicy);
    await parts.replays.report(ctx);
    await parts.refusals.store(ctx);
    await parts.upstreamSignOut.redirect(ctx);
    if (ctx.status === 404 && ctx.body == null) pages.unrouted(ctx);
    parts.prepared.capture(ctx);
  };
};
