import type { Context } from 'koa';

/** The facts that `request-checks.ts` finds out about a request, in `ctx.state`. */
export interface RequestFacts {
  /** Address of the person, without port; IPv4 in its own form. */
  readonly address: string;
  /** In each log line of this request. */
  readonly requestId: string;
  /** The `Host` it came to, in the form of `URL.host`: one of those allowed, save for health checks. */
  readonly host: string;
  /** Set by the dispatcher once it is known. */
  tenant?: string;
  /** It came to the host of the endpoint aliases, which is the host of every tenant for this request. */
  isAtAlias?: boolean;
  /** Is a refusal of this request sent as problem details (RFC 9457)? */
  hasProblemDetails?: true;
  /** Path template, such as `/oauth/:tenant/token`, for logs and limits. */
  route?: string;
}

/** koa types `ctx.state` loosely; the request checks, which come first, have filled it. */
export const requestFacts = (ctx: Pick<Context, 'state'>): RequestFacts => ctx.state as RequestFacts;
