import type { Context } from 'koa';
import type { Accounts } from '../../accounts/account-types.ts';
import { isAdmittedByClient } from '../../accounts/client-admission.ts';
import {
  isFactorMissing,
  isMultiFactor,
  meetsAcr,
  mfaAcr,
  phrAcr,
} from '../../accounts/factors/factor-demand.ts';
import { byCode, byPasskey } from '../../accounts/factors/proven-factor.ts';
import { findActiveAccount } from '../../accounts/standing.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { readRememberedBrowser } from '../../oidc/cookies.ts';
import type { CurrentSession } from '../../oidc/provider/current-session.ts';
import type { TenantProvider } from '../../oidc/provider/tenant-provider.ts';
import type { ServiceProblem } from '../../web/page-problems.ts';
import type { Look, Pages } from '../../web/pages.ts';
import { requestFacts } from '../../web/request-facts.ts';
import type { SessionCookiePlace } from '../cookies.ts';
import type { Demand, GatewayTenant } from '../gateway-types.ts';
import { startGatewaySession } from './gateway-session-start.ts';
import type { NewGatewaySession } from './gateway-sessions.ts';
import type { HandOver, HandOverState, OpenHandOver } from './hand-over.ts';
import { showServiceProblem } from './service-problem.ts';

/** The parts of a tenant that these pages need. */
export interface HandOverTenant extends Pick<GatewayTenant, 'definition' | 'gatewaySessions'> {
  readonly provider: Pick<TenantProvider, 'issuer' | 'host' | 'findSession'>;
  readonly accounts: Pick<Accounts, 'findBySub' | 'recheck' | 'factors'>;
}

/** The options of a sign-in, for `login/start-sign-in.ts`. */
export interface GatewaySignInOptions {
  readonly maxAge?: number;
  readonly acrValues?: readonly string[];
  readonly isLoginDemanded?: boolean;
  readonly target: string;
}

export interface GatewaySignInParts<T extends HandOverTenant> {
  readonly handOver: HandOver;
  readonly cookiePlace: SessionCookiePlace;
  /** Of Drawbridge, an origin. */
  readonly publicUrl: string;
  readonly pages: Pages;
  readonly log: Log;
  readonly clock: Clock;
  /** The look of a page; the tenant is absent before one is chosen. */
  readonly lookOf: (ctx: Context, definition?: TenantDefinition) => Look;
  readonly startSignIn: (ctx: Context, tenant: T, options: GatewaySignInOptions) => void;
}

/** May people of this tenant use the service at all? Its rules are checked with the request to the service. */
export const servesTenant = (service: ServiceDefinition, { id, gateway }: TenantDefinition): boolean =>
  (service.tenants === 'all' || service.tenants.includes(id)) &&
  gateway.services[service.name]?.enabled !== false;

/**
 * `<issuer>/gateway/sign-in`: a person whose sign-in suffices is redirected to the service; any other signs in, and
 * returns here once. The page never asks twice in the same hand-over, so there is no redirect loop.
 */
export const createGatewaySignIn =
  <T extends HandOverTenant>(parts: GatewaySignInParts<T>) =>
  async (ctx: Context, tenant: T): Promise<void> => {
    const { handOver, clock } = parts;
    const { definition, provider } = tenant;
    const opened = handOver.open(ctx.query.state);
    const refuse = (problem: ServiceProblem, retryUrl?: string): void =>
      showServiceProblem(parts, ctx, {
        problem,
        look: parts.lookOf(ctx, definition),
        retryUrl,
        homeUrl: retryUrl === undefined ? provider.issuer : undefined,
      });
    if (opened === undefined) return refuse('invalid');
    const { state, service } = opened;
    if (opened.isExpired) return refuse('expired', state.target);
    const isOther = state.isTenantFixed === true && state.tenant !== definition.id;
    if (isOther || !servesTenant(service, definition))
      return showServiceProblem(parts, ctx, {
        problem: 'not_served',
        look: parts.lookOf(ctx, definition),
        homeUrl: isOther ? undefined : choiceUrl(parts, state),
      });

    const isAsked = state.askedAt !== undefined;
    const session = await findGoodSession(ctx, tenant);
    const isEnough = session !== undefined && meets(state, session, epochSeconds(clock));
    if (isEnough) return completeSignIn(parts, ctx, { tenant, opened, session });
    if (isAsked) return refuse(session === undefined ? 'not_signed_in' : 'too_weak', state.target);
    const asked = handOver.seal({ ...state, askedAt: epochSeconds(clock) });
    parts.startSignIn(ctx, tenant, {
      target: `${provider.issuer}/gateway/sign-in?state=${asked}`,
      ...signInOptionsOf(state.demand),
      ...(session === undefined || lacksFactorAlone(state, session, epochSeconds(clock))
        ? {}
        : { isLoginDemanded: true }),
    });
  };

/** The URL at which another of the service's tenants can be chosen; the person then signs in anew. */
export const choiceUrl = (
  { handOver, publicUrl }: Pick<GatewaySignInParts<never>, 'handOver' | 'publicUrl'>,
  state: HandOverState,
): string => `${publicUrl}/gateway/sign-in?state=${handOver.seal(withoutChoice(state))}&tenant=`;

/** The state before a tenant was chosen and a sign-in was demanded. */
export const withoutChoice = ({ askedAt: _, tenant, ...state }: HandOverState): HandOverState => ({
  ...state,
  ...(state.isTenantFixed === true && tenant !== undefined ? { tenant } : {}),
});

/** Uses the same rules as sessions at services, or there could be a redirect loop. */
const findGoodSession = async (
  ctx: Context,
  { provider, accounts, definition }: HandOverTenant,
): Promise<CurrentSession | undefined> => {
  const session = await provider.findSession(ctx);
  if (session === undefined) return undefined;
  const stored = await accounts.findBySub(session.sub);
  const { signedInAt } = session;
  const account = await findActiveAccount({ definition, recheck: accounts.recheck }, stored, { signedInAt });
  if (account === undefined) return undefined;
  const { provenBy, acr } = session;
  const browser = readRememberedBrowser(provider.issuer, ctx);
  if (isFactorMissing(accounts.factors.demandOf({ account, acr, browser }))) return undefined;
  // people of a source with `clients` may not use services
  return isAdmittedByClient(definition.sources, undefined, { account, provenBy }) ? session : undefined;
};

/**
 * A sign-in that no app and no service asked for, at `<issuer>`, holds at the services of this host too (and of the
 * cookie's domain): what the browser asks for next needs no sign-in of its own. Nothing happens for people who may not use
 * services.
 * @throws AppError `unavailable`
 */
export const startSessionHere = async <T extends HandOverTenant>(
  parts: Pick<GatewaySignInParts<T>, 'handOver' | 'cookiePlace'>,
  ctx: Context,
  tenant: T,
): Promise<void> => {
  const { host } = requestFacts(ctx);
  // they all have the same cookie
  const service = parts.handOver.servicesAt(host).find((one) => servesTenant(one, tenant.definition));
  if (service === undefined) return;
  const session = await findGoodSession(ctx, tenant);
  if (session === undefined) return;
  await startGatewaySession(parts, ctx, { tenant, service, login: loginOf(session) });
};

const loginOf = ({ sub, id, signedInAt, amr, acr }: CurrentSession): Omit<NewGatewaySession, 'host'> => ({
  sub,
  sessionId: id,
  signedInAt,
  amr,
  ...definedOnly({ acr }),
});

/** A sign-in that was just made for this request is recent enough, even if the limit is very short. */
const isRecent = (
  { demand: { maxAge } = {}, askedAt }: HandOverState,
  { signedInAt }: CurrentSession,
  now: number,
): boolean =>
  maxAge === undefined || now - signedInAt <= maxAge || (askedAt !== undefined && signedInAt >= askedAt);

/** A second factor can be added to the session. One that meets the `acr` already would come back as it is. */
const lacksFactorAlone = (state: HandOverState, session: CurrentSession, now: number): boolean => {
  const { acrValues = [] } = signInOptionsOf(state.demand);
  return isRecent(state, session, now) && acrValues.some(isMultiFactor) && !meetsAcr(session.acr, acrValues);
};

const meets = (state: HandOverState, session: CurrentSession, now: number): boolean => {
  const { acrValues, amr = [] } = state.demand ?? {};
  return (
    isRecent(state, session, now) &&
    (acrValues === undefined || meetsAcr(session.acr, acrValues)) &&
    amr.every((method) => session.amr.includes(method))
  );
};

/** A sign-in can be asked for by `acr` and time only: methods of a second factor are those of `mfa` or `phr`. */
const signInOptionsOf = ({
  acrValues,
  amr = [],
  maxAge,
}: Demand = {}): Omit<GatewaySignInOptions, 'target'> =>
  definedOnly({ acrValues: acrValues ?? acrValuesOf(amr), maxAge });

const acrValuesOf = (amr: readonly string[]): readonly string[] | undefined => {
  const isOne = (methods: readonly string[]): boolean => methods.some((method) => amr.includes(method));
  if (isOne(passkeyMethods)) return [phrAcr];
  return isOne(byCode.amr) ? [mfaAcr] : undefined;
};

/** Those of a passkey alone. */
const passkeyMethods = [true, false]
  .flatMap((isSynced) => byPasskey({ isSynced }).amr)
  .filter((method) => !byCode.amr.includes(method));

interface CompletedSignIn<T> {
  readonly tenant: T;
  readonly opened: OpenHandOver;
  readonly session: CurrentSession;
}

const completeSignIn = async <T extends HandOverTenant>(
  parts: GatewaySignInParts<T>,
  ctx: Context,
  { tenant, opened: { state, service }, session }: CompletedSignIn<T>,
): Promise<void> => {
  const { handOver } = parts;
  const login = loginOf(session);
  const origin = handOver.originOf(service);
  ctx.status = 303;
  if (handOver.canSetCookie(requestFacts(ctx).host, service)) {
    await startGatewaySession(parts, ctx, { tenant, service, login });
    return ctx.redirect(state.target);
  }
  const { id } = tenant.definition;
  if (state.browser === undefined) {
    const next = handOver.seal({ ...state, tenant: id });
    return ctx.redirect(`${origin}/.drawbridge/start?state=${next}`);
  }
  const ticket = await tenant.gatewaySessions.issueTicket({
    ...login,
    host: handOver.sessionHost(service),
    target: state.target,
    browser: state.browser,
  });
  const query = new URLSearchParams({ ticket, tenant: id, state: handOver.seal(state) });
  return ctx.redirect(`${origin}/.drawbridge/callback?${query}`);
};
