import type { Context } from 'koa';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { noteOfRequest } from '../current-request.ts';
import { definedOnly } from '../defined-only.ts';
import type { Log } from '../log.ts';
import { findClient } from '../oidc/provider/clients.ts';
import type { TenantProvider } from '../oidc/provider/tenant-provider.ts';
import type { AccessTokens, LiveAccessToken } from '../oidc/tokens/access-tokens.ts';
import { isHeldBy } from '../oidc/tokens/certificate-binding.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { type BearerRefusal, readBearer, refuseBearer } from '../web/bearer.ts';
import { shareWith, shareWithAll } from './cross-origin.ts';

export interface BearerTenant {
  readonly definition: TenantDefinition;
  readonly provider: Pick<TenantProvider, 'issuer' | 'certificateOf'>;
  readonly accessTokens: Pick<AccessTokens, 'verify'>;
}

export interface BearerDemand {
  /** The refusal names it. */
  readonly scope: string;
  /** False for a token that is for another service. */
  readonly isForUs: (live: LiveAccessToken) => boolean;
  readonly log: Log;
}

export interface BearerIdentity {
  readonly live: LiveAccessToken;
  readonly account: AccountRecord;
  /** Answers that the token is not enough. */
  readonly refuse: (
    error?: BearerRefusal['error'],
    wanted?: Pick<BearerRefusal, 'maxAge' | 'acr'>,
  ) => undefined;
}

/** Before the client of a request is known. */
export const shareUnidentified = (ctx: Context, { definition }: Pick<BearerTenant, 'definition'>): void => {
  ctx.set('Cache-Control', 'no-store');
  shareWithAll(ctx, definition.clients);
};

/**
 * The access token of the request and its person, whose client may then read the answer.
 * @returns undefined after a refusal, which is answered already (RFC 6750 section 3.1)
 */
export const identifyBearer = async (
  ctx: Context,
  { accessTokens, definition, provider }: BearerTenant,
  { scope, isForUs, log }: BearerDemand,
): Promise<BearerIdentity | undefined> => {
  const refuse: BearerIdentity['refuse'] = (error, wanted = {}) =>
    refuseBearer(ctx, log, { realm: provider.issuer, scope, ...wanted, ...definedOnly({ error }) });
  const token = readBearer(ctx);
  if (token === undefined) return refuse();
  const live = await accessTokens.verify(token);
  if (live === undefined || !isHeldBy(live, () => provider.certificateOf(ctx.req)))
    return refuse('invalid_token');
  shareWith(ctx, findClient(definition, live.clientId)?.allowedOrigins ?? []);
  const { account } = live;
  if (account === undefined || !isForUs(live)) return refuse('insufficient_scope');
  const { clientId, sessionId } = live;
  const systemUser = account.origin === 'system' ? account.sub : undefined;
  noteOfRequest(definedOnly({ clientId, session: sessionId, systemUser }));
  return { live, account, refuse };
};
