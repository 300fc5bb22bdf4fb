import type { Context, Middleware } from 'koa';
import { AppError } from '../errors.ts';
import { requestFacts } from '../web/request-facts.ts';
import type { TenantPath } from '../web/tenant-path.ts';
import { showAccount } from './account/account-pages.ts';
import { askForNewPassword, submitNewPassword } from './account/account-password.ts';
import { askForSource, submitConnect, submitDisconnect } from './account/account-sources.ts';
import { showDeviceQr } from './device-qr.ts';
import { initiateLogin } from './initiate-login.ts';
import { routeInteraction } from './interaction-routes.ts';
import type { LoginPageParts } from './login-form.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';
import { finishSignIn, startSignIn } from './start-sign-in.ts';
import { receiveUpstream } from './upstream/upstream-callback.ts';
import {
  receiveBackchannelLogout,
  receiveFrontchannelLogout,
  returnFromSignOut,
} from './upstream/upstream-logout.ts';

export interface TenantRoutesParts extends LoginPageParts {
  readonly parseForm: Middleware;
}

/** Any of these on the issuer itself makes it an authorization request (RFC 6749 section 4.1.1). */
const authorizationParameters = ['client_id', 'response_type', 'request_uri', 'redirect_uri'];

const sourceId = '([a-z0-9][a-z0-9-]{0,30})';
const upstreamPath = new RegExp(`^/upstream/${sourceId}/([a-z-]+)$`);
const accountSourcePath = new RegExp(`^/account/sources/${sourceId}(?:/(connect|disconnect))?$`);

/** One of our pages; it has answered when this resolves. */
type Page = () => Promise<void> | void;

/** Everything below `/oauth/<tenant>`: our pages here, the protocol's endpoints at the provider. */
export const createTenantRoutes =
  (parts: TenantRoutesParts) =>
  async (ctx: Context, tenant: LoginTenant, { rest, search }: TenantPath): Promise<void> => {
    const { provider } = tenant;
    const facts = requestFacts(ctx);
    const isGet = ctx.method === 'GET' || ctx.method === 'HEAD';
    const askProvider = async (path: string): Promise<void> => {
      const { locale } = lookOf(ctx, tenant);
      ctx.respond = false; // the provider answers by itself
      await provider.handle(ctx.req, ctx.res, {
        path,
        facts: { address: facts.address, requestId: facts.requestId, locale },
      });
    };

    facts.route = `/oauth/:tenant${rest.replace(/\/[A-Za-z0-9_-]{20,}/, '/:uid')}`;
    if (isGet && provider.prepared.answer(ctx.req, ctx.res, rest)) {
      ctx.respond = false;
      return;
    }
    if (rest === '') {
      if (!isGet) throw nothingHere();
      if (authorizationParameters.some((name) => ctx.query[name] !== undefined))
        return askProvider(`/auth${search}`);
      return startSignIn(ctx, tenant);
    }
    if (isGet && (rest === '/' || rest.endsWith('configuration/') || rest.endsWith('server/'))) {
      ctx.status = 301; // the issuer has no trailing slash, and neither has what hangs on it
      return ctx.redirect(`${provider.issuer}${rest.slice(0, -1)}${search}`);
    }
    const page = isGet
      ? shownPage(parts, ctx, { tenant, rest, search })
      : ctx.method === 'POST'
        ? formPage(parts, ctx, { tenant, rest })
        : undefined;
    if (page !== undefined) return page();
    if (rest.startsWith('/interaction/')) throw nothingHere();
    return askProvider(`${rest}${search}`);
  };

interface Place {
  readonly tenant: LoginTenant;
  readonly rest: string;
}

const shownPage = (
  parts: TenantRoutesParts,
  ctx: Context,
  { tenant, rest, search }: Place & Pick<TenantPath, 'search'>,
): Page | undefined => {
  switch (rest) {
    case '/account':
      return () => showAccount(parts, ctx, tenant);
    case '/account/callback':
      return () => finishSignIn(ctx, tenant);
    case '/account/password':
      return () => askForNewPassword(parts, ctx, tenant);
    case '/device/qr':
      return () => showDeviceQr(ctx, tenant.provider.issuer);
    case '/login/initiate':
      return () => initiateLogin(ctx, tenant);
  }
  const [, upstream = '', event] = upstreamPath.exec(rest) ?? [];
  switch (event) {
    case 'callback':
      return () => receiveUpstream(parts, ctx, { tenant, source: upstream, search });
    case 'signed-out':
      return () => returnFromSignOut(ctx, { tenant, source: upstream });
    case 'frontchannel-logout':
      return () => receiveFrontchannelLogout(ctx, { tenant, source: upstream });
  }
  const [, source, action] = accountSourcePath.exec(rest) ?? [];
  if (source !== undefined && action === undefined) return () => askForSource(parts, ctx, { tenant, source });
  return routeInteraction(parts, ctx, { tenant, rest });
};

const formPage = (parts: TenantRoutesParts, ctx: Context, { tenant, rest }: Place): Page | undefined => {
  const parsed = (page: Page): Page => {
    return () => parts.parseForm(ctx, async () => page()) as Promise<void>; // koa types what a middleware gives as unknown
  };
  if (rest === '/account/password') return parsed(() => submitNewPassword(parts, ctx, tenant));
  if (rest === '/login/initiate') return parsed(() => initiateLogin(ctx, tenant));
  const [, upstream = '', event] = upstreamPath.exec(rest) ?? [];
  if (event === 'backchannel-logout')
    return parsed(() => receiveBackchannelLogout(ctx, { tenant, source: upstream }));
  const [, source = '', action] = accountSourcePath.exec(rest) ?? [];
  if (action === 'connect') return parsed(() => submitConnect(parts, ctx, { tenant, source }));
  if (action === 'disconnect') return parsed(() => submitDisconnect(parts, ctx, { tenant, source }));
  const step = routeInteraction(parts, ctx, { tenant, rest });
  return step === undefined ? undefined : parsed(step);
};

const nothingHere = (): AppError => new AppError('not_found', 'There is nothing here');
