import Router, { type RouterMiddleware } from '@koa/router';
import type { Context } from 'koa';
import { noteOfRequest, type RequestChannel } from '../current-request.ts';
import { definedOnly } from '../defined-only.ts';
import { shareRefusal } from '../self-service/api/answer-operation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { requestFacts } from '../web/request-facts.ts';
import { nameIn, parameters, type RootAnswer, type Route, routes, type TenantAnswer } from './routes.ts';

/** The parameters of a path by name, undecoded. */
export type Given = Readonly<Record<string, string>>;
/** The request is answered when the promise resolves. */
export type Answer = (ctx: Context, given: Given) => Promise<void> | void;
export type AnswerOfTenant = (ctx: Context, tenant: Tenant, given: Given) => Promise<void> | void;

export interface RouterParts {
  readonly root: Readonly<Record<RootAnswer, Answer>>;
  readonly ofTenant: Readonly<Record<TenantAnswer, AnswerOfTenant>>;
  /** The operations of the API by their id, and `answerPreflight`. */
  readonly api: Readonly<Record<string, AnswerOfTenant>>;
  /** The operations of the administration API by their id, and `createAdminDocument`. */
  readonly admin: Readonly<Record<string, Answer>>;
  /** All other paths below an issuer. */
  readonly provider: AnswerOfTenant;
  /** @throws AppError `not_found` or `unavailable` */
  readonly getTenant: (ctx: Context, id: string) => Promise<Tenant>;
}

/**
 * Binds the rows of the table to their functions. A path of the table with another method is refused with 405 (RFC 9110
 * section 15.5.6); a request that matches no row is passed to `next`. Case matters, and so does a trailing slash.
 */
export const createRouter = (parts: RouterParts): RouterMiddleware => {
  const router = new Router({ sensitive: true, strict: true });
  const ofTenant =
    (answer: AnswerOfTenant): Answer =>
    async (ctx, given) =>
      answer(ctx, await parts.getTenant(ctx, given.tenant ?? ''), given);
  const answers: Readonly<Record<string, Answer>> = {
    ...parts.root,
    ...parts.admin,
    ...Object.fromEntries(
      Object.entries({ ...parts.ofTenant, ...parts.api }).map(([name, answer]) => [name, ofTenant(answer)]),
    ),
  };

  const own = routes.filter(({ kind }) => kind === 'own');
  for (const route of own) {
    const answer = answers[nameIn(route)];
    if (answer === undefined) throw new Error(`nothing is bound to ${route.path}`);
    router.register(route.path, [...route.methods], fitting(route, answer));
  }
  // after all rows of their paths, and where there is a tenant in the path, only if it is served
  for (const path of new Set(own.map((route) => route.path))) {
    const rows = own.filter((route) => route.path === path);
    const refuse = refuseMethod(rows.flatMap(({ methods }) => methods));
    const answer = rows[0]?.isOfTenant
      ? ofTenant((ctx, tenant) => {
          shareRefusal(ctx, tenant);
          refuse(ctx);
        })
      : refuse;
    router.all(
      path,
      fitting({ path, methods: [], kind: 'own', ...definedOnly({ audience: rows[0]?.audience }) }, answer),
    );
  }
  for (const route of routes.filter(({ kind, methods }) => kind === 'protocol' && methods.length === 0))
    router.all(route.path, fitting(route, ofTenant(parts.provider)));
  return router.routes();
};

/** Answers the requests of a row. The router decodes parameters, but they must match as they were sent. */
const fitting = ({ path, methods, kind, audience }: Fitted, answer: Answer): RouterMiddleware => {
  const names = [...path.matchAll(/[:*](\w+)/g)].map(([, name = '']) => name);
  return async (ctx, next) => {
    const values = ctx.captures ?? [];
    const isFitting = names.every((name, index) => parameters[name]?.(values[index] ?? '') === true);
    // the router accepts HEAD for every GET
    const isMethod = methods.length === 0 || methods.includes(ctx.method);
    if (!isFitting || !isMethod) return next();
    requestFacts(ctx).route = path;
    noteOfRequest({ channel: channelOf(kind, audience) });
    if (audience === 'programs') ctx.req.headers.accept = 'application/json';
    await answer(ctx, Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])));
  };
};

type Fitted = Pick<Route, 'path' | 'methods' | 'kind'> & Partial<Pick<Route, 'audience'>>;

/** For the audit record. */
const channelOf = (kind: Route['kind'], audience: Route['audience'] = 'browsers'): RequestChannel => {
  if (kind === 'protocol') return 'protocol';
  return audience === 'browsers' ? 'page' : 'api';
};

const refuseMethod =
  (allowed: readonly string[]) =>
  (ctx: Context): void => {
    const list = allowed.join(', ');
    ctx.set('Allow', list);
    ctx.throw(405, `This address answers ${list}, not ${ctx.method}`);
  };
