// Token exchange (RFC 8693) across the bridge: our access token for the upstream's, and the upstream's for ours; and an API key for
// an access token.

import type { IncomingMessage } from 'node:http';
import {
  type AccessToken,
  type Account,
  errors,
  type KoaContextWithOIDC,
  type Provider,
} from 'oidc-provider';
import type { Accounts } from '../../accounts/account-types.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Connector } from '../../connectors/connector.ts';
import { isApiKeyShaped } from '../../crypto/api-key.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { asProtocolErrors, InvalidSubjectToken } from '../provider/errors.ts';
import type { CertificatesOfRequests } from '../provider/mutual-tls.ts';
import { mayIntrospect } from '../provider/resources.ts';
import { readRoleLimit } from '../provider/role-limit.ts';
import type { KeptUpstreamTokens } from '../upstream/upstream-tokens.ts';
import { grantDirectly } from './direct-grant.ts';
import { exchangeKey, type KeyExchangeParts } from './key-exchange.ts';

/** RFC 8693 section 2.1, and `subject_issuer`: the id of the source whose token the subject token is. */
export const tokenExchangeParameters = [
  'subject_token',
  'subject_token_type',
  'subject_issuer',
  'audience',
  'resource',
  'scope',
  'requested_token_type',
  'actor_token',
  'actor_token_type',
] as const;

export interface TokenExchangeParts extends Pick<KeyExchangeParts, 'findKey'> {
  readonly definition: TenantDefinition;
  readonly certificates: CertificatesOfRequests;
  readonly accounts: Pick<Accounts, 'admitToken'>;
  readonly connectors: readonly Connector[];
  readonly upstreamTokens: Pick<KeptUpstreamTokens, 'find'>;
  readonly findAccount: (
    ctx: KoaContextWithOIDC,
    sub: string,
    token?: object,
  ) => Promise<Account | undefined>;
  /** Is this person connected to that source now? */
  readonly isConnected: (ctx: KoaContextWithOIDC, sub: string, source: string) => Promise<boolean>;
  /** The name by which the provider finds a token of ours. */
  readonly nameFor: (req: IncomingMessage, token: string) => Promise<string>;
  readonly requestOf: (ctx: KoaContextWithOIDC) => { readonly address: string; readonly requestId: string };
  readonly clock: Clock;
  readonly log: Log;
}

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
/** Life of our token for one of the upstream's that does not say when it expires. */
const unknownLifeSeconds = 300;

/** The provider has authenticated the client and checked that it lists the grant. */
export const createTokenExchange =
  (provider: Provider, parts: TokenExchangeParts) =>
  async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { client, params = {} } = ctx.oidc;
    if (client === undefined) throw new errors.InvalidClient('the client is not known');
    if (client.clientAuthMethod === 'none')
      throw new errors.UnauthorizedClient('token exchange is for confidential clients');
    if (ctx.get('DPoP') !== '' || client.dpopBoundAccessTokens === true)
      throw new errors.InvalidRequest('DPoP is not supported with token exchange');
    if (params.actor_token !== undefined || params.actor_token_type !== undefined)
      throw new errors.InvalidRequest('delegation is not supported: leave out actor_token');
    if ((params.requested_token_type ?? accessTokenType) !== accessTokenType)
      throw new errors.InvalidRequest(`requested_token_type can only be ${accessTokenType}`);
    if (params.subject_token_type !== accessTokenType)
      throw new errors.InvalidRequest(`subject_token_type must be ${accessTokenType}`);
    const { subject_token: token, subject_issuer: issuer, audience } = params;
    if (typeof token !== 'string' || token === '') throw new errors.InvalidRequest('missing subject_token');
    if (isApiKeyShaped(token)) {
      // no upstream may see it
      if (issuer !== undefined || audience !== undefined)
        throw new errors.InvalidRequest(
          'an API key is exchanged for a token of a resource: leave out subject_issuer and audience',
        );
      const answer = await exchangeKey({ ...parts, provider }, ctx, token);
      ctx.body = { ...answer, issued_token_type: accessTokenType };
      return;
    }
    if (typeof issuer === 'string' && audience === undefined)
      return fromUpstream(provider, parts, { ctx, token, source: issuer });
    if (typeof audience === 'string' && issuer === undefined)
      return toUpstream(provider, parts, { ctx, token, source: audience });
    throw new errors.InvalidRequest(
      "name one source: as audience to get its token, or as subject_issuer to exchange one of its tokens for this server's",
    );
  };

interface Exchange {
  readonly ctx: KoaContextWithOIDC;
  /** The subject token. */
  readonly token: string;
  readonly source: string;
}

/** Our access token names the client and the person; the client gets the token that the upstream gave this person. */
const toUpstream = async (
  provider: Provider,
  parts: TokenExchangeParts,
  { ctx, token, source }: Exchange,
): Promise<void> => {
  const clientId = ctx.oidc.client?.clientId ?? '';
  const definition = parts.connectors.find((connector) => connector.definition.id === source)?.definition;
  const takers = definition !== undefined && 'tokensFor' in definition ? (definition.tokensFor ?? []) : [];
  if (!takers.includes(clientId))
    throw new errors.InvalidTarget('there is no such audience, or not for this client');
  if (ctx.oidc.params?.resource !== undefined)
    throw new errors.InvalidTarget('an upstream token is for the upstream: leave out resource');

  const subject = await findSubject(provider, parts, { ctx, token });
  // tokens that were kept before the person disconnected the source may no longer be used
  const tokens = (await parts.isConnected(ctx, subject, source))
    ? await asProtocolErrors(() => parts.upstreamTokens.find(subject, source))
    : undefined;
  if (tokens === undefined)
    throw new errors.InvalidTarget('no_upstream_tokens: the person must sign in at this source again');
  const { requestId } = parts.requestOf(ctx);
  parts.log.info(
    { tenant: parts.definition.id, requestId, clientId, source, sub: subject },
    'an upstream token was handed out',
  );
  const { accessToken, expiresAt, scope } = tokens;
  ctx.body = {
    access_token: accessToken,
    issued_token_type: accessTokenType,
    token_type: 'Bearer',
    ...(expiresAt === undefined ? {} : { expires_in: Math.max(0, expiresAt - epochSeconds(parts.clock)) }),
    ...definedOnly({ scope }),
  };
};

/** RFC 8693 section 2.1: of this tenant, valid, with a live grant, for this client, of a person who may hold tokens. */
const findSubject = async (
  provider: Provider,
  parts: TokenExchangeParts,
  { ctx, token: value }: Pick<Exchange, 'ctx' | 'token'>,
): Promise<string> => {
  const { definition } = parts;
  const clientId = ctx.oidc.client?.clientId ?? '';
  const token = await provider.AccessToken.find(await parts.nameFor(ctx.req, value));
  if (token === undefined || !token.isValid || !mayIntrospect(definition, clientId, token))
    throw new InvalidSubjectToken();
  if (token.isSenderConstrained())
    throw new errors.InvalidRequest('a token that is bound to its sender cannot be exchanged');
  const grant = await requireGrant(provider, token);
  // of a key with fewer roles than its owner: the source would give all of them
  if (readRoleLimit(grant) !== undefined) throw new InvalidSubjectToken();
  ctx.oidc.entity('Grant', grant);
  const account = await parts.findAccount(ctx, token.accountId, token);
  if (account === undefined) throw new InvalidSubjectToken();
  ctx.oidc.entity('Account', account);
  return account.accountId;
};

const requireGrant = async (
  provider: Provider,
  token: AccessToken,
): Promise<InstanceType<Provider['Grant']>> => {
  const grant = token.grantId === undefined ? undefined : await provider.Grant.find(token.grantId);
  if (grant === undefined || grant.clientId !== token.clientId || grant.accountId !== token.accountId)
    throw new InvalidSubjectToken();
  return grant;
};

/** The access token of the upstream counts as a sign-in; ours is for the account of that person. */
const fromUpstream = async (
  provider: Provider,
  parts: TokenExchangeParts,
  { ctx, token, source }: Exchange,
): Promise<void> => {
  const clientId = ctx.oidc.client?.clientId ?? '';
  const connector = parts.connectors.find(({ definition }) => definition.id === source);
  const { definition, tokens } = connector ?? {};
  if (tokens === undefined || definition?.clients?.includes(clientId) === false)
    throw new errors.InvalidRequest('tokens of this subject_issuer are not accepted from this client');

  const proven = await asProtocolErrors(() => tokens.verify(token));
  if (proven === undefined) throw new InvalidSubjectToken();
  const now = epochSeconds(parts.clock);
  const atMostSeconds = (proven.expiresAt ?? now + unknownLifeSeconds) - now;
  if (atMostSeconds <= 0) throw new InvalidSubjectToken();
  const outcome = await asProtocolErrors(() =>
    parts.accounts.admitToken(proven.person, { clientId, ...parts.requestOf(ctx) }),
  );
  if (!outcome.ok) throw new errors.InvalidRequest(`${outcome.reason}: the account may not be used`);
  const { sub } = outcome.account;
  const granted = await grantDirectly(
    { ...parts, provider },
    { ctx, sub, source, gty: 'token_exchange', atMostSeconds },
  );
  ctx.body = { ...granted.answer, issued_token_type: accessTokenType };
};
