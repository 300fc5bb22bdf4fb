import type { EventEmitter } from 'node:events';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { newErrorId, problemHeaders } from '../../web/problem.ts';
import { retryAfterOf } from './errors.ts';
import type { ProviderRequest } from './provider-request.ts';
import { refusalFacts, remedyOf } from './refusal-facts.ts';
import type { RefusalRecords } from './refusal-records.ts';

export interface ObserverParts {
  readonly tenant: string;
  readonly log: Log;
  readonly factsOf: (ctx: KoaContextWithOIDC) => ProviderRequest;
  readonly definition: TenantDefinition;
  readonly clock: Clock;
  readonly records: Pick<RefusalRecords, 'note'>;
  /** The remedy of a refusal, for the operator. */
  readonly adviceFor: (ctx: KoaContextWithOIDC) => string | undefined;
  readonly onGrant?: OnGrant | undefined;
}

/** Counts the answers of the token endpoint; `outcome` is `success` or the error code (RFC 6749 section 5.2). */
export type OnGrant = (grant: {
  readonly tenant: string;
  /** As it was asked for; empty at the authorization challenge endpoint. */
  readonly grantType: string;
  readonly outcome: string;
}) => void;

/**
 * Refusals that are no mistake, so they are not stored: a device that polls (RFC 8628 section 3.5), a silent sign-in that
 * needs a page (OpenID Connect Core section 3.1.2.6), a person who cancels, a password without the second factor.
 */
const expected: ReadonlySet<string> = new Set([
  'authorization_pending',
  'slow_down',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
  'access_denied',
  'mfa_required',
  'insufficient_authorization',
  'redirect_to_web',
]);

const refusals = [
  'authorization.error',
  'grant.error',
  'introspection.error',
  'revocation.error',
  'userinfo.error',
  'device_authorization.error',
  'code_verification.error',
  'device_resume.error',
  'pushed_authorization_request.error',
  'end_session.error',
  'end_session_confirm.error',
  'end_session_success.error',
  'jwks.error',
  'discovery.error',
] as const;

/**
 * One log line for each refusal and each fault of the provider, with the id that the answer carries. Only named
 * fields are logged: the context holds passwords, codes and tokens.
 */
export const observeProvider = (
  provider: Provider,
  { tenant, definition, clock, records, log, factsOf, adviceFor, onGrant }: ObserverParts,
): void => {
  const note = (ctx: KoaContextWithOIDC, error: Error, isFault: boolean): void => {
    const {
      message,
      error_description: description,
      error_detail: detail,
    } = error as Error & {
      error_description?: string;
      error_detail?: string;
    }; // the library's errors
    const errorId = ctx.response.get('x-error-id') || newErrorId();
    if (!ctx.headerSent) {
      const retryAfterSeconds = retryAfterOf(error);
      const shown = isFault ? { status: 500, code: 'server_error' } : { status: ctx.status, code: message };
      const sentence = isFault ? {} : definedOnly({ description });
      ctx.set(problemHeaders({ ...shown, ...sentence, errorId, ...definedOnly({ retryAfterSeconds }) }));
    }
    const { requestId } = factsOf(ctx);
    const facts = refusalFacts(definition, ctx, { error: message, description, detail });
    const advice = adviceFor(ctx) ?? remedyOf(facts);
    const words = definedOnly({ description, detail });
    const line = {
      errorId,
      tenant,
      requestId,
      route: ctx.oidc?.route,
      ...facts,
      error: message,
      ...words,
      ...definedOnly({ advice }),
    };
    const { status = 400 } = error as { readonly status?: number }; // of the library's errors, and of ours
    // neither an outage nor a limit is explained by the request
    if (!isFault && status < 429 && !expected.has(message))
      records.note(ctx, {
        errorId,
        at: clock.now(),
        requestId,
        status: ctx.status,
        error: message,
        ...facts,
        ...words,
        ...definedOnly({ route: ctx.oidc?.route, remedy: advice }),
      });
    if (isFault || status >= 500) log.error({ ...line, err: error }, 'a protocol request failed');
    else log.info(line, 'a protocol request was refused');
  };

  const emitter: EventEmitter = provider; // the events' typed signatures differ only in the class of the error
  for (const event of refusals)
    emitter.on(event, (ctx: KoaContextWithOIDC, error: Error) => note(ctx, error, false));
  if (onGrant !== undefined) {
    const answered = (ctx: KoaContextWithOIDC, outcome: string): void =>
      onGrant({ tenant, grantType: String(ctx.oidc.params?.grant_type ?? ''), outcome });
    emitter.on('grant.success', (ctx: KoaContextWithOIDC) => answered(ctx, 'success'));
    emitter.on('grant.error', (ctx: KoaContextWithOIDC, error: Error) => answered(ctx, error.message));
  }
  emitter.on('server_error', (ctx: KoaContextWithOIDC, error: Error) => note(ctx, error, true));
  // RFC 6749 section 3.3: an unknown scope is left out, and the answer names the granted ones
  const noteDropped = (ctx: KoaContextWithOIDC, given: ReadonlySet<string>): void => {
    const scopes = [...ctx.oidc.requestParamScopes].filter((scope) => !given.has(scope));
    if (scopes.length === 0) return;
    const { requestId } = factsOf(ctx);
    log.debug(
      { tenant, requestId, clientId: ctx.oidc.client?.clientId, scopes },
      'requested scopes were left out',
    );
  };
  emitter.on('grant.success', (ctx: KoaContextWithOIDC) => {
    const { scope = '', authorization_code: code } = ctx.body as {
      scope?: string;
      authorization_code?: string;
    }; // RFC 6749 section 5.1, and the authorization challenge endpoint
    if (code === undefined) noteDropped(ctx, new Set(scope.split(' ')));
  });
  for (const event of [
    'authorization.success',
    'device_authorization.success',
    'pushed_authorization_request.success',
  ])
    emitter.on(event, (ctx: KoaContextWithOIDC) => {
      const servers = Object.values(ctx.oidc.resourceServers ?? {});
      noteDropped(
        ctx,
        new Set([...ctx.oidc.requestParamOIDCScopes, ...servers.flatMap(({ scopes }) => [...scopes])]),
      );
    });
  emitter.on('error', (error: Error) => {
    // errors of koa: outside of the provider's error handling, or after the client closed the connection
    log.warn({ tenant, err: error }, 'a protocol request broke off');
  });
};
