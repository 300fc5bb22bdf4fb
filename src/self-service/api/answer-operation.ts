import type { Context, Middleware } from 'koa';
import { canProveFactor, isMultiFactor, mfaAcr } from '../../accounts/factors/factor-demand.ts';
import { isRecentSignIn, recentSignInSeconds } from '../../accounts/standing.ts';
import type { Clock } from '../../clock.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import type { LiveAccessToken } from '../../oidc/tokens/access-tokens.ts';
import { accountScope } from '../../protocol/scopes.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { readFileBody, readJsonBody } from '../../web/api/read-body.ts';
import { refuseBearer } from '../../web/bearer.ts';
import { refuseAsJson } from '../../web/error-boundary.ts';
import { nothingHere } from '../../web/problem.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { identifyBearer, shareUnidentified } from '../identify-bearer.ts';
import { identifyByKey, readPresentedKey } from '../identify-by-key.ts';
import { type ApiPerson, type ApiTenant, apiPath, type Operation } from './operation.ts';

export interface ApiParts {
  readonly parseJson: Middleware;
  readonly clock: Clock;
  readonly log: Log;
}

/** A request for one tenant. */
export interface ApiRequest {
  readonly ctx: Context;
  readonly tenant: ApiTenant;
  /** The parameters of the path by name. */
  readonly path: Readonly<Record<string, string>>;
}

/** Answers the preflight request of another origin. */
export const answerPreflight = (ctx: Context, tenant: ApiTenant): void => {
  shareUnidentified(ctx, tenant);
  ctx.status = 204;
};

/**
 * Before a refusal of a request that is for no operation: below the API every app of the tenant may read it. Elsewhere
 * nothing happens.
 * @returns false where the path is not of the API
 */
export const shareRefusal = (ctx: Context, tenant: Pick<ApiTenant, 'definition' | 'provider'>): boolean => {
  const { pathname } = new URL(tenant.provider.issuer);
  const isOfApi = `${ctx.path}/`.startsWith(`${pathname}${apiPath}/`);
  if (isOfApi) shareUnidentified(ctx, tenant);
  return isOfApi;
};

/** A path below the API that is not there is refused, and a preflight request of it is not, so that an app learns why. */
export const orRefuseUnknown =
  <Tenant extends ApiTenant>(answer: (ctx: Context, tenant: Tenant) => Promise<void>) =>
  async (ctx: Context, tenant: Tenant): Promise<void> => {
    if (!shareRefusal(ctx, tenant)) return answer(ctx, tenant);
    if (ctx.method !== 'OPTIONS' || ctx.get('Access-Control-Request-Method') === '') throw nothingHere();
    answerPreflight(ctx, tenant);
  };

export const answerOperation = async (
  parts: ApiParts,
  operation: Operation,
  { ctx, tenant, path }: ApiRequest,
): Promise<void> => {
  shareUnidentified(ctx, tenant);
  const person = operation.isPublic ? undefined : await identify(parts, operation, { ctx, tenant, path });
  if (person === undefined && !operation.isPublic) return;
  const body = operation.body === undefined ? undefined : await readJsonBody(parts.parseJson, ctx);
  if (body !== undefined && person?.hasSignedInRecently === false && needsRecentSignIn(operation, body))
    return refuseOldSignIn(parts, ctx, tenant);
  const file = operation.file === undefined ? Buffer.alloc(0) : await readFileBody(operation.file, ctx);
  const asked = { ctx, tenant, path, query: { ...ctx.query }, body, file, ...definedOnly({ person }) };
  const answer = await operation.run(asked).catch((error: unknown) => {
    if (error instanceof OperationRefusal) return error;
    throw error;
  });
  if (answer instanceof OperationRefusal) {
    const { status, code, message: description, members } = answer;
    refuseAsJson(ctx, parts.log, { status, code, description });
    ctx.body = { ...(ctx.body as object), ...members }; // of the refusal, just set
    return;
  }
  const { schema, status = 200 } = operation.answer;
  ctx.status = schema === undefined ? 204 : status;
  if (schema !== undefined) ctx.body = answer;
};

/** Undefined after a refusal, which is answered already. */
const identify = async (
  { log, clock }: ApiParts,
  operation: Operation,
  { ctx, tenant }: ApiRequest,
): Promise<ApiPerson | undefined> => {
  const key = readPresentedKey(ctx);
  if (key !== undefined) {
    const demand = { scope: accountScope, log, ...definedOnly({ accepts: operation.acceptsKeys }) };
    const owner = await identifyByKey(ctx, tenant, { ...key, ...demand });
    return owner === undefined
      ? undefined
      : { ...personOf(ctx, owner), revocationIds: [], hasSignedInRecently: false };
  }
  const identity = await identifyBearer(ctx, tenant, { scope: accountScope, isForUs, log });
  if (identity === undefined) return undefined;
  const { live, account, refuse } = identity;
  const { authTime = 0 } = live;
  const hasSignedInRecently = isRecentSignIn(authTime, clock.now());
  if (operation.needsRecentSignIn === true && !hasSignedInRecently) {
    refuseOldSignIn({ log }, ctx, tenant);
    return undefined;
  }
  const isFactorMissing = !isMultiFactor(live.acr) && canProveFactor(tenant.definition.secondFactor, account);
  if (operation.needsFactor && isFactorMissing)
    return refuse('insufficient_user_authentication', { acr: mfaAcr });
  return { ...personOf(ctx, account), revocationIds: live.revocationIds, hasSignedInRecently };
};

const personOf = (ctx: Context, account: AccountRecord) => {
  const { sub } = account;
  const { address, requestId } = requestFacts(ctx);
  return { sub, account, by: { actor: sub, address, requestId } };
};

/** A client may have lost the right since the token was issued; a token for a resource is for that alone. */
const isForUs = ({ isThirdParty, audiences, scopes }: LiveAccessToken): boolean =>
  !isThirdParty && audiences.length === 0 && scopes.includes(accountScope);

/** RFC 9470 section 3. */
const refuseOldSignIn = ({ log }: Pick<ApiParts, 'log'>, ctx: Context, { provider }: ApiTenant): void =>
  refuseBearer(ctx, log, {
    ...{ realm: provider.issuer, scope: accountScope, maxAge: recentSignInSeconds },
    error: 'insufficient_user_authentication',
  });

const needsRecentSignIn = (
  { needsRecentSignIn: members }: Operation,
  body: Readonly<Record<string, unknown>>,
): boolean => Array.isArray(members) && members.some((member) => Object.hasOwn(body, member));
