import type { Context, Middleware } from 'koa';
import { hasFactor, isMultiFactor, mfaAcr } from '../../accounts/factors/factor-demand.ts';
import { isRecentSignIn, recentSignInSeconds } from '../../accounts/standing.ts';
import type { Clock } from '../../clock.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { findClient } from '../../oidc/provider/clients.ts';
import { accountScope } from '../../protocol/scopes.ts';
import { readJson } from '../../web/body.ts';
import { refuseAsJson } from '../../web/error-boundary.ts';
import { readBytes } from '../../web/file-form.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { type BearerRefusal, readBearer, refuseBearer } from '../bearer.ts';
import { shareWith, shareWithAll } from '../cross-origin.ts';
import { type ApiPerson, type ApiTenant, type Operation, OperationRefusal } from './operation.ts';

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
  share(ctx, tenant);
  ctx.status = 204;
};

/** While the client is not known. */
const share = (ctx: Context, { definition }: ApiTenant): void => {
  ctx.set('Cache-Control', 'no-store');
  shareWithAll(ctx, definition.clients);
};

export const answerOperation = async (
  parts: ApiParts,
  operation: Operation,
  { ctx, tenant, path }: ApiRequest,
): Promise<void> => {
  share(ctx, tenant);
  const person = operation.isPublic ? undefined : await identify(parts, operation, { ctx, tenant, path });
  if (person === undefined && !operation.isPublic) return;
  const body = operation.body === undefined ? undefined : await readBody(parts, ctx);
  if (body !== undefined && person?.hasSignedInRecently === false && needsRecentSignIn(operation, body))
    return refuseOldSignIn(parts, ctx, tenant);
  const file = operation.file === undefined ? Buffer.alloc(0) : await readFile(operation.file, ctx);
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
  if (operation.answer.schema === undefined) ctx.status = 204;
  else ctx.body = answer;
};

/** Undefined after a refusal, which is answered already (RFC 6750 section 3.1). */
const identify = async (
  { log, clock }: ApiParts,
  operation: Operation,
  { ctx, tenant }: ApiRequest,
): Promise<ApiPerson | undefined> => {
  const { accessTokens, definition, provider } = tenant;
  const refuse = (error?: BearerRefusal['error'], wanted: Pick<BearerRefusal, 'acr'> = {}): undefined =>
    refuseBearer(ctx, log, {
      realm: provider.issuer,
      scope: accountScope,
      ...wanted,
      ...definedOnly({ error }),
    });
  const token = readBearer(ctx);
  if (token === undefined) return refuse();
  const live = await accessTokens.verify(token);
  if (live === undefined || live.isSenderConstrained) return refuse('invalid_token');
  shareWith(ctx, findClient(definition, live.clientId)?.allowedOrigins ?? []);
  const { account, authTime = 0 } = live;
  // a client may have lost the right since the token was issued; a token for a resource is for that alone
  const isForUs = !live.isThirdParty && live.audiences.length === 0 && live.scopes.includes(accountScope);
  if (account === undefined || !isForUs) return refuse('insufficient_scope');
  const hasSignedInRecently = isRecentSignIn(authTime, clock.now());
  if (operation.needsRecentSignIn === true && !hasSignedInRecently) {
    refuseOldSignIn({ log }, ctx, tenant);
    return undefined;
  }
  const isFactorMissing = !isMultiFactor(live.acr) && hasFactor(definition.secondFactor, account);
  if (operation.needsFactor && isFactorMissing)
    return refuse('insufficient_user_authentication', { acr: mfaAcr });
  const { sub } = account;
  const { address, requestId } = requestFacts(ctx);
  const by = { actor: sub, address, requestId };
  return { sub, account, revocationIds: live.revocationIds, hasSignedInRecently, by };
};

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

/** @throws errors with status 400, 413 and 415 */
const readBody = async (
  { parseJson }: ApiParts,
  ctx: Context,
): Promise<Readonly<Record<string, unknown>>> => {
  const { type } = ctx.request;
  if (type !== '' && type !== 'application/json') {
    ctx.set('Accept', 'application/json'); // RFC 9110 section 15.5.16
    ctx.throw(415, 'The body must be JSON (Content-Type: application/json)');
  }
  await parseJson(ctx, async () => {});
  return readJson(ctx);
};

/** @throws errors with status 413 and 415 */
const readFile = async (
  { types, longest }: NonNullable<Operation['file']>,
  ctx: Context,
): Promise<Buffer> => {
  if (!types.includes(ctx.request.type)) {
    ctx.set('Accept', types.join(', ')); // RFC 9110 section 15.5.16
    ctx.throw(415, `The body must be one of ${types.join(', ')}`);
  }
  const file = await readBytes(ctx, longest);
  return file ?? ctx.throw(413, `The file is larger than ${longest} bytes`);
};
