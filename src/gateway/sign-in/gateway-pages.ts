// The pages between a service and its sign-in: below `/.drawbridge/` on hosts of services, and `/gateway/sign-in` on
// Drawbridge's own. The state that all of them share is in `hand-over.ts`; `<issuer>/gateway/sign-in` in
// `gateway-sign-in.ts`, the sign-out in `gateway-sign-out.ts`, the sessions and tickets in `gateway-sessions.ts`, the
// session that a browser gets in `gateway-session-start.ts`, and the page for what goes wrong in `service-problem.ts`.
import type { Context } from 'koa';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId, randomId } from '../../crypto/ids.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { type BindingCookie, bindingCookies, readBinding, removedBinding } from '../cookies.ts';
import type { GatewayPagesParts } from './gateway-page-parts.ts';
import { startGatewaySession } from './gateway-session-start.ts';
import {
  choiceUrl,
  createGatewaySignIn,
  type HandOverTenant,
  servesTenant,
  startSessionHere,
  withoutChoice,
} from './gateway-sign-in.ts';
import { createGatewaySignOut } from './gateway-sign-out.ts';
import type { OpenHandOver } from './hand-over.ts';
import { showServiceProblem } from './service-problem.ts';

export interface GatewayPages<T extends HandOverTenant> {
  /** `/.drawbridge/start`: binds the hand-over to this browser and sends it on to Drawbridge's host. */
  startHandOver(ctx: Context): Promise<void>;
  /** `/.drawbridge/callback`: makes a session of the ticket, in the browser that began the hand-over. */
  receiveTicket(ctx: Context): Promise<void>;
  /** `/.drawbridge/sign-out` */
  signOut(ctx: Context): Promise<void>;
  /** `<publicUrl>/gateway/sign-in`: asks for the tenant. */
  chooseTenant(ctx: Context): Promise<void>;
  /** `<issuer>/gateway/sign-in` */
  signIn(ctx: Context, tenant: T): Promise<void>;
  /** See `startSessionHere`. */
  startSessionHere(ctx: Context, tenant: T): Promise<void>;
  /**
   * The URL at which another tenant can be chosen from a login page; undefined when no other is allowed.
   * @param target the next URL of that sign-in, unchecked
   */
  switchTenantUrl(target: string | undefined, tenants: readonly TenantDefinition[]): string | undefined;
  /** The service for which a sign-in goes on to this URL, which is unchecked; undefined for any other sign-in. */
  serviceOf(target: string): string | undefined;
  /** Where people open the service with this name; undefined when there is none. */
  addressOf(service: string): string | undefined;
}

/** Where a person goes on whose state is lost: the start of the service, which asks them to sign in. */
const startOfHost = '/';

export const createGatewayPages = <T extends HandOverTenant>(
  parts: GatewayPagesParts<T>,
): GatewayPages<T> => {
  const { handOver, publicUrl, cookiePlace } = parts;

  const refuseTicket = (ctx: Context, opened: OpenHandOver | undefined): void =>
    showServiceProblem(parts, ctx, {
      problem: opened === undefined ? 'invalid' : 'unknown_ticket',
      look: parts.lookOf(ctx),
      retryUrl: opened?.state.target ?? startOfHost,
    });

  /** Shown only on the host of the service. */
  const openHere = (ctx: Context): OpenHandOver | undefined => {
    const opened = handOver.open(ctx.query.state);
    const origin = opened === undefined ? undefined : new URL(handOver.originOf(opened.service));
    return origin?.host === requestFacts(ctx).host ? opened : undefined;
  };
  /** The hand-over in the next URL of a sign-in. */
  const openTarget = (target: string | undefined): OpenHandOver | undefined => {
    const url = target !== undefined && URL.canParse(target) ? new URL(target) : undefined;
    const isOurs = url?.pathname.endsWith('/gateway/sign-in') === true;
    return isOurs ? handOver.open(url.searchParams.get('state')) : undefined;
  };
  const bindingOf = ({ state }: OpenHandOver): BindingCookie => ({
    id: state.id,
    isSecure: cookiePlace.isSecure,
  });

  const startHandOver = async (ctx: Context): Promise<void> => {
    const opened = openHere(ctx);
    if (opened === undefined || opened.isExpired)
      return showServiceProblem(parts, ctx, {
        problem: opened === undefined ? 'invalid' : 'expired',
        look: parts.lookOf(ctx),
        retryUrl: opened?.state.target ?? startOfHost,
      });
    const home = await homeOf(opened);
    const browser = randomId();
    ctx.append('Set-Cookie', [...bindingCookies(ctx.headers, bindingOf(opened), browser)]);
    ctx.status = 303;
    ctx.redirect(
      `${home}/gateway/sign-in?state=${handOver.seal({ ...opened.state, browser: hashId(browser) })}`,
    );
  };

  const homeOf = async ({ state }: OpenHandOver): Promise<string> => {
    if (state.tenant === undefined) return publicUrl;
    const definition = (await parts.listTenants()).find(({ id }) => id === state.tenant);
    return definition === undefined ? publicUrl : parts.issuerOf(definition);
  };

  const receiveTicket = async (ctx: Context): Promise<void> => {
    const opened = openHere(ctx);
    const { ticket: value, tenant: id } = ctx.query;
    const browser = opened === undefined ? undefined : readBinding(ctx.headers, bindingOf(opened));
    if (opened === undefined || browser === undefined || typeof value !== 'string' || typeof id !== 'string')
      return refuseTicket(ctx, opened);
    const tenant = await parts.findTenant(id);
    const { service } = opened;
    const ticket = await tenant?.gatewaySessions.redeemTicket(value, {
      host: requestFacts(ctx).host,
      browser: hashId(browser),
    });
    if (tenant === undefined || ticket === undefined || !handOver.isTarget(service, ticket.target))
      return refuseTicket(ctx, opened);
    const { target, browser: _, host: __, ...login } = ticket;
    await startGatewaySession(parts, ctx, { tenant, service, login });
    ctx.append('Set-Cookie', [removedBinding(bindingOf(opened))]);
    ctx.status = 303;
    ctx.redirect(target);
  };

  return {
    startHandOver,
    receiveTicket,
    signOut: createGatewaySignOut(parts),
    chooseTenant: async (ctx) => {
      const opened = handOver.open(ctx.query.state);
      const refuse = (problem: 'expired' | 'invalid' | 'not_served', retryUrl?: string): void =>
        showServiceProblem(parts, ctx, {
          problem,
          look: parts.lookOf(ctx),
          retryUrl,
          homeUrl: retryUrl === undefined && problem === 'invalid' ? `${publicUrl}/` : undefined,
        });
      if (opened === undefined) return refuse('invalid');
      if (opened.isExpired) return refuse('expired', opened.state.target);
      const tenants = choiceOf(opened, await parts.listTenants());
      if (tenants.length === 0) return refuse('not_served');
      const sealed = handOver.seal(withoutChoice(opened.state));
      parts.selectTenant(ctx, {
        tenants,
        urlOf: (definition) => `${parts.issuerOf(definition)}/gateway/sign-in?state=${sealed}`,
        state: sealed,
      });
    },
    signIn: createGatewaySignIn(parts),
    startSessionHere: (ctx, tenant) => startSessionHere(parts, ctx, tenant),
    serviceOf: (target) => openTarget(target)?.service.name,
    addressOf: handOver.addressOf,
    switchTenantUrl: (target, tenants) => {
      const opened = openTarget(target);
      if (opened === undefined) return `${publicUrl}/?tenant=`;
      return choiceOf(opened, tenants).length > 1 ? choiceUrl(parts, opened.state) : undefined;
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
