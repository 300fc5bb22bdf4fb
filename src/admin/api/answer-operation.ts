import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { noteOfRequest } from '../../current-request.ts';
import { AppError } from '../../errors.ts';
import { adminScope } from '../../protocol/scopes.ts';
import type { Tenant } from '../../tenants/tenant.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { readJsonBody } from '../../web/api/read-body.ts';
import { refuseBearer } from '../../web/bearer.ts';
import { refuseAsJson } from '../../web/error-boundary.ts';
import { nothingHere } from '../../web/problem.ts';
import { requestFacts } from '../../web/request-facts.ts';
import type { AdminParts } from '../admin-parts.ts';
import { type Caller, type CallerRefusal, identifyCaller } from '../identify-caller.ts';
import { may, rolesAt } from '../permissions.ts';
import type { RefusalLimit } from '../refusal-limit.ts';
import { type AdminAnswer, type AdminOperation, type AdminRequest, adminApiPath } from './operation.ts';

/** Answers one request of an operation. @param given the parameters of the path by name, undecoded */
export const answerAdminOperation =
  (parts: AdminParts, limit: RefusalLimit) =>
  async (operation: AdminOperation, ctx: Context, given: Readonly<Record<string, string>>): Promise<void> => {
    ctx.set('Cache-Control', 'no-store');
    const { tenant: id = '' } = given;
    const asked = await findServed(parts, id);
    if (asked.tenant !== undefined) requestFacts(ctx).tenant = id;
    const caller = await identify(parts, limit, { ctx, asked: asked.tenant });
    if (caller === undefined) return;
    const request = authorize(parts, operation, { ctx, caller, id, ...asked });
    const body = operation.body === undefined ? undefined : await readJsonBody(parts.parseJson, ctx);
    const run = operation.run({ ...request, path: given, query: { ...ctx.query }, body });
    const answer = await run.catch((error: unknown) => {
      if (error instanceof OperationRefusal) return error;
      throw error;
    });
    if (answer instanceof OperationRefusal) {
      const { status, code, message: description } = answer;
      refuseAsJson(ctx, parts.log, { status, code, description });
    } else send(parts, ctx, answer);
  };

interface Asked {
  readonly tenant?: Tenant;
  /** It is there, and cannot be served now. */
  readonly isBroken?: true;
}

const findServed = async ({ tenants }: AdminParts, id: string): Promise<Asked> => {
  const lookup = await tenants.find(id);
  if (lookup.status === 'served') return { tenant: lookup.tenant };
  return lookup.status === 'unknown' ? {} : { isBroken: true };
};

/** Undefined after a refusal, which is answered already. */
const identify = async (
  parts: AdminParts,
  limit: RefusalLimit,
  { ctx, asked }: { readonly ctx: Context; readonly asked: Tenant | undefined },
): Promise<Caller | undefined> => {
  const { address } = requestFacts(ctx);
  const retryAfterSeconds = limit.secondsLeft(address);
  if (retryAfterSeconds > 0)
    throw new AppError('throttled', 'There were too many wrong credentials', { retryAfterSeconds });
  const { administration, clock } = parts;
  const operators = administration.tenant === undefined ? {} : await findServed(parts, administration.tenant);
  const homes = [...new Set([operators.tenant, asked])].filter((home) => home !== undefined);
  const identified = await identifyCaller({ homes, settings: administration, clock }, ctx);
  if (identified.ok) return identified.caller;
  if (identified.refusal.error === 'invalid_token') limit.charge(address, sentCredential(ctx));
  return refuse(parts, ctx, identified.refusal);
};

const sentCredential = (ctx: Context): string =>
  ['Authorization', 'X-API-Key', 'X-API-Secret'].map((name) => ctx.get(name)).join('\n');

/** The realm is the same whether there is a tenant or not. */
const refuse = ({ publicUrl, log }: AdminParts, ctx: Context, refusal: CallerRefusal): undefined =>
  refuseBearer(ctx, log, { realm: `${publicUrl}${adminApiPath}`, scope: adminScope, ...refusal });

interface Identified extends Asked {
  readonly ctx: Context;
  readonly caller: Caller;
  /** Of the tenant that the address names. */
  readonly id: string;
}

/**
 * Who has no right at a tenant gets the answer of one that does not exist.
 * @throws AppError
 */
const authorize = (
  parts: AdminParts,
  { permission }: AdminOperation,
  { ctx, caller: { home, account, grantee }, tenant, isBroken, id }: Identified,
): AdminRequest => {
  const { administration } = parts;
  const roles = rolesAt(
    {
      tenant: id,
      administration: tenant?.definition.administration ?? noAdministration,
      server: administration,
    },
    home,
    grantee,
  );
  if (roles.length === 0 && (home !== id || tenant === undefined)) throw nothingHere();
  if (!may(roles, permission))
    throw new AppError('forbidden', 'Your administrative roles do not allow this at this tenant');
  if (isBroken)
    throw new AppError('unavailable', 'This tenant has a fault in its configuration; the log says which');
  if (tenant === undefined) throw nothingHere();
  const actor = home === id ? account.sub : `${home}/${account.sub}`;
  noteOfRequest({ operator: actor });
  return { ctx, parts, tenant, operator: { actor, roles } };
};

const nobody = { subs: [], roles: [], groups: [] };
const noAdministration = { administrators: nobody, helpDesk: nobody, auditors: nobody };

const send = ({ log }: AdminParts, ctx: Context, answer: AdminAnswer): void => {
  ctx.status = answer.status;
  if (!('text' in answer)) {
    if (answer.body !== undefined) ctx.body = answer.body;
    return;
  }
  const stream = Readable.from(answer.text);
  // the head is sent by then: only a broken connection says that the answer is not whole
  stream.once('error', (err) => {
    log.error({ err, requestId: requestFacts(ctx).requestId }, 'a streamed answer was broken off');
    ctx.res.destroy();
  });
  ctx.body = stream;
};
