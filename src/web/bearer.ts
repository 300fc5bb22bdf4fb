import type { Context } from 'koa';
import type { Log } from '../log.ts';
import { refuseAsJson } from './error-boundary.ts';

/** The token of `Authorization: Bearer` (RFC 6750 section 2.1); no other method of sending one is accepted. */
export const readBearer = (ctx: Context): string | undefined =>
  /^Bearer +([\w.~+/-]+=*)$/i.exec(ctx.get('Authorization'))?.[1];

/** The same, or the user name of `Authorization: Basic` with an empty password, as at the gateway. */
export const readToken = (ctx: Context): string | undefined => {
  const [, encoded] = /^Basic +([\w+/-]+=*)$/i.exec(ctx.get('Authorization')) ?? [];
  if (encoded === undefined) return readBearer(ctx);
  return /^([\w.~+/-]+):$/.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1];
};

export interface BearerRefusal {
  readonly realm: string;
  /** That the token needs. */
  readonly scope: string;
  /** `key`: an API key was presented in place of a token. */
  readonly credential?: 'key';
  /** Of `insufficient_user_authentication`: seconds since the sign-in, or how it is to be done. */
  readonly maxAge?: number;
  readonly acr?: string;
  /** In place of the usual words. */
  readonly description?: string;
  /** RFC 6750 section 3.1, RFC 9470 section 3; absent when no token was presented. */
  readonly error?: 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication';
}

export const refuseBearer = (ctx: Context, log: Log, refusal: BearerRefusal): undefined => {
  const { realm, error } = refusal;
  const reason = error === undefined ? '' : `, error="${error}"${attributeOf(refusal)}`;
  ctx.set('WWW-Authenticate', `Bearer realm="${realm}"${reason}`);
  refuseAsJson(ctx, log, {
    status: error === 'insufficient_scope' ? 403 : 401,
    code: error ?? 'unauthorized',
    description: refusal.description ?? describe(refusal),
  });
};

const attributeOf = ({ error, scope, maxAge, acr }: BearerRefusal): string => {
  if (error === 'insufficient_scope') return `, scope="${scope}"`;
  if (error !== 'insufficient_user_authentication') return '';
  return acr === undefined ? `, max_age="${maxAge}"` : `, acr_values="${acr}"`;
};

const describe = ({ error, scope, acr, credential }: BearerRefusal): string => {
  if (error === undefined) return 'An access token is expected';
  if (credential === 'key')
    return error === 'insufficient_scope'
      ? `The API key lacks the scope ${scope}, is limited to something else, or is not accepted for this: then a person must sign in`
      : 'The API key is not valid, or no longer valid';
  return acr === undefined
    ? descriptions[error](scope)
    : 'The person must have signed in with a second factor; ask for a sign-in with acr_values';
};

const descriptions = {
  invalid_token: () => 'The access token is not valid, or no longer valid',
  insufficient_scope: (scope: string) =>
    `The access token lacks the scope ${scope}, or is for another service`,
  insufficient_user_authentication: () =>
    'The person must have signed in during the last minutes; ask for a sign-in with max_age',
} as const;
