// The pages of the way from a service to its sign-in and back: below `/.drawbridge/` on hosts of services, and
// `/gateway/sign-in` on Drawbridge's own.
import type { Context } from 'koa';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId, randomId } from '../../crypto/ids.ts';
import { AppError } from '../../errors.ts';
import { requestFacts } from '../../web/request-facts.ts';
import type { GatewayPagesParts } from './gateway-page-parts.ts';
import { startGatewaySession } from './gateway-session-start.ts';
import {
  choiceUrl,
  createGatewaySignIn,
  type HandOverTenant,
  servesTenant,
  withoutChoice,
} from './gateway-sign-in.ts';
import { createGatewaySignOut } from './gateway-sign-out.ts';
import type { OpenHandOver } from './hand-over.ts';
import { bindingCookies, readBinding, removedBinding, type Way } from './hand-over-binding.ts';
import { showServiceProblem } from './service-problem.ts';

export interface GatewayPages<T extends HandOverTenant> {
  /** `/.drawbridge/…` of any host. */
  atService(ctx: Context): Promise<void>;
  /** `<publicUrl>/gateway/sign-in`: whose people shall it be? */
  chooseTenant(ctx: Context): Promise<void>;
  /** `<issuer>/gateway/sign-in` */
  signIn(ctx: Context, tenant: T): Promise<void>;
  /**
   * Where another tenant can be chosen from a login page; undefined when no other would do.
   * @param target where that sign-in goes on; nobody has checked it
   */
  switchTenantUrl(target: string | undefined, tenants: readonly TenantDefinition[]): string | undefined;
}

export const createGatewayPages = <T extends HandOverTenant>(
  parts: GatewayPagesParts<T>,
): GatewayPages<T> => {
  const { handOver, publicUrl, cookiePlace } = parts;
  const signOut = createGatewaySignOut(parts);

  const refuseTicket = (ctx: Context, way: OpenHandOver | undefined): void =>
    showServiceProblem(parts, ctx, {
      problem: way === undefined ? 'invalid' : 'unknown_ticket',
      look: parts.lookOf(ctx),
      retryUrl: way?.state.target,
    });

  /** Only at the service that it is about. */
  const openHere = (ctx: Context): OpenHandOver | undefined => {
    const way = handOver.open(ctx.query.state);
    const origin = way === undefined ? undefined : new URL(handOver.originOf(way.service));
    return origin?.host === requestFacts(ctx).host ? way : undefined;
  };
  const wayOf = ({ state }: OpenHandOver): Way => ({ id: state.id, isSecure: cookiePlace.isSecure });

  /** `/.drawbridge/start`: binds the way to this browser and sends it on to Drawbridge's host. */
  const start = async (ctx: Context): Promise<void> => {
    const way = openHere(ctx);
    if (way === undefined || way.isExpired)
      return showServiceProblem(parts, ctx, {
        problem: way === undefined ? 'invalid' : 'expired',
        look: parts.lookOf(ctx),
        retryUrl: way?.state.target,
      });
    const home = await homeOf(way);
    const browser = randomId();
    ctx.append('Set-Cookie', [...bindingCookies(ctx.headers, wayOf(way), browser)]);
    ctx.status = 303;
    ctx.redirect(
      `${home}/gateway/sign-in?state=${handOver.seal({ ...way.state, browser: hashId(browser) })}`,
    );
  };

  const homeOf = async ({ state }: OpenHandOver): Promise<string> => {
    if (state.tenant === undefined) return publicUrl;
    const definition = (await parts.listTenants()).find(({ id }) => id === state.tenant);
    return definition === undefined ? publicUrl : parts.issuerOf(definition);
  };

  /** `/.drawbridge/callback`: makes a session of the ticket, in the browser that began the way. */
  const receiveTicket = async (ctx: Context): Promise<void> => {
    const way = openHere(ctx);
    const { ticket: value, tenant: id } = ctx.query;
    const browser = way === undefined ? undefined : readBinding(ctx.headers, wayOf(way));
    if (way === undefined || browser === undefined || typeof value !== 'string' || typeof id !== 'string')
      return refuseTicket(ctx, way);
    const tenant = await parts.findTenant(id);
    const { service } = way;
    const ticket = await tenant?.gatewaySessions.redeemTicket(value, {
      host: requestFacts(ctx).host,
      browser: hashId(browser),
    });
    if (tenant === undefined || ticket === undefined || !handOver.isTarget(service, ticket.target))
      return refuseTicket(ctx, way);
    const { target, browser: _, host: __, ...login } = ticket;
    await startGatewaySession(parts, ctx, { tenant, service, login });
    ctx.append('Set-Cookie', [removedBinding(wayOf(way))]);
    ctx.status = 303;
    ctx.redirect(target);
  };

  return {
    atService: async (ctx) => {
      requestFacts(ctx).route = ctx.path;
      const isGet = ctx.method === 'GET';
      if (isGet && ctx.path === '/.drawbridge/start') return start(ctx);
      if (isGet && ctx.path === '/.drawbridge/callback') return receiveTicket(ctx);
      if (ctx.path === '/.drawbridge/sign-out' && (isGet || ctx.method === 'POST')) return signOut(ctx);
      throw new AppError('not_found', 'There is nothing at this address');
    },
    chooseTenant: async (ctx) => {
      requestFacts(ctx).route = '/gateway/sign-in';
      const way = handOver.open(ctx.query.state);
      const refuse = (problem: 'expired' | 'invalid' | 'not_served', retryUrl?: string): void =>
        showServiceProblem(parts, ctx, {
          problem,
          look: parts.lookOf(ctx),
          retryUrl,
          homeUrl: retryUrl === undefined && problem === 'invalid' ? `${publicUrl}/` : undefined,
        });
      if (way === undefined) return refuse('invalid');
      if (way.isExpired) return refuse('expired', way.state.target);
      const tenants = choiceOf(way, await parts.listTenants());
      if (tenants.length === 0) return refuse('not_served');
      const sealed = handOver.seal(withoutChoice(way.state));
      parts.selectTenant(ctx, {
        tenants,
        urlOf: (definition) => `${parts.issuerOf(definition)}/gateway/sign-in?state=${sealed}`,
        state: sealed,
      });
    },
    signIn: createGatewaySignIn(parts),
    switchTenantUrl: (target, tenants) => {
      const url = target !== undefined && URL.canParse(target) ? new URL(target) : undefined;
      const isOurs = url?.pathname.endsWith('/gateway/sign-in') === true;
      const way = isOurs ? handOver.open(url.searchParams.get('state')) : undefined;
      if (way === undefined) return `${publicUrl}/?tenant=`;
      return choiceOf(way, tenants).length > 1 ? choiceUrl(parts, way.state) : undefined;
    },
  };
};

const choiceOf = (
  { service, state }: OpenHandOver,
  tenants: readonly TenantDefinition[],
): readonly TenantDefinition[] =>
  tenants.filter(
    (definition) =>
      servesTenant(service, definition) && (state.isTenantFixed !== true || state.tenant === definition.id),
  );
