import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ChargeStart } from '../../accounts/start-budget.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { asProtocolErrors, TooManyRequests } from '../provider/errors.ts';
import type { AuthSession, AuthSessions } from './auth-sessions.ts';
import { InvalidSession } from './challenge-answers.ts';
import { type ChallengeRequest, readChallengeRequest, refuseChanges } from './challenge-request.ts';
import type { DpopProof, VerifyDpopProof } from './dpop-proof.ts';

export interface ChargeStrangerParts {
  readonly chargeStart: ChargeStart;
  readonly requestOf: (ctx: KoaContextWithOIDC) => { readonly address: string };
}

/** What a public client has the store keep before anybody has proven anything. @throws TooManyRequests */
export const chargeStranger = async (
  { chargeStart, requestOf }: ChargeStrangerParts,
  ctx: KoaContextWithOIDC,
  client: Client,
): Promise<void> => {
  if (client.clientAuthMethod !== 'none') return;
  const { isAllowed, retryAfterSeconds } = await asProtocolErrors(() => chargeStart(requestOf(ctx).address));
  if (!isAllowed) throw new TooManyRequests(retryAfterSeconds);
};

export interface OpenAuthSessionParts extends ChargeStrangerParts {
  readonly definition: TenantDefinition;
  readonly authSessions: AuthSessions;
  readonly verifyProof: VerifyDpopProof;
  readonly clock: Clock;
}

/**
 * The sign-in that a request begins or goes on with. What it goes on with is used up.
 * @throws OIDCProviderError
 */
export const openAuthSession = async (
  parts: OpenAuthSessionParts,
  ctx: KoaContextWithOIDC,
  client: Client,
): Promise<AuthSession> => {
  const { definition, authSessions, clock } = parts;
  const { params = {} } = ctx.oidc;
  const { clientId } = client;
  const proof = await parts.verifyProof(ctx);
  if (proof !== undefined) await chargeStranger(parts, ctx, client);
  const token = params.auth_session;
  if (typeof token !== 'string' || token === '') {
    const request = boundTo(proof, readChallengeRequest(definition, ctx, client), differentKey);
    await proof?.use(clientId);
    return { clientId, request, startedAt: epochSeconds(clock) };
  }
  const found = await asProtocolErrors(() => authSessions.find(clientId, token));
  if (found === undefined) throw new InvalidSession();
  refuseChanges(found.request, params);
  if (found.firstFactor !== undefined && (params.username ?? params.password) !== undefined)
    throw new errors.InvalidRequest('the auth_session stands for username and password: leave them out');
  const request = boundTo(proof, found.request, otherKey);
  await proof?.use(clientId);
  if (!(await asProtocolErrors(() => authSessions.consume(token)))) throw new InvalidSession();
  return { ...found, request };
};

/**
 * From its first proof on a sign-in belongs to the key of that: each step and the code need a proof of the same
 * (sections 9.5.1 and 9.6.1 of the draft). `dpop_jkt` alone binds the code.
 */
const boundTo = (
  proof: DpopProof | undefined,
  request: ChallengeRequest,
  refusal: () => errors.OIDCProviderError,
): ChallengeRequest => {
  const { dpopJkt, isKeyProven } = request;
  if (proof === undefined) {
    if (isKeyProven) throw refusal();
    return request;
  }
  if (dpopJkt !== undefined && dpopJkt !== proof.thumbprint) throw refusal();
  return { ...request, dpopJkt: proof.thumbprint, isKeyProven: true };
};

/** As at the authorization endpoint for pushed requests (RFC 9449 section 10.1). */
const differentKey = () =>
  new errors.InvalidRequest('dpop_jkt is not the thumbprint of the key of the DPoP proof');

const otherKey = () =>
  new InvalidSession('the auth_session belongs to a DPoP key: send a proof of that key with each request');
