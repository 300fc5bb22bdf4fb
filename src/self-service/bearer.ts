import type { Context } from 'koa';
import type { Log } from '../log.ts';
import { refuseAsJson } from '../web/error-boundary.ts';

/** The token of `Authorization: Bearer` (RFC 6750 section 2.1); no other method of sending one is accepted. */
export const readBearer = (ctx: Context): string | undefined =>
  /^Bearer +([\w.~+/-]+=*)$/i.exec(ctx.get('Authorization'))?.[1];

export interface BearerRefusal {
  readonly realm: string;
  /** RFC 6750 section 3.1; absent when no token was presented. */
  readonly error?: 'invalid_token' | 'insufficient_scope';
}

const descriptions = {
  invalid_token: 'The access token is not valid, or no longer valid',
  insufficient_scope: 'The access token lacks the scope openid, or is for another service',
} as const;

export const refuseBearer = (ctx: Context, log: Log, { realm, error }: BearerRefusal): undefined => {
  const scope = error === 'insufficient_scope' ? ', scope="openid"' : '';
  const reason = error === undefined ? '' : `, error="${error}"${scope}`;
  ctx.set('WWW-Authenticate', `Bearer realm="${realm}"${reason}`);
  refuseAsJson(ctx, log, {
    status: error === 'insufficient_scope' ? 403 : 401,
    code: error ?? 'unauthorized',
    description: error === undefined ? 'An access token is expected' : descriptions[error],
  });
};
