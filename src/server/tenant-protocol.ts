// The requests to a tenant's provider, at addresses of the protocol and at their aliases.
import type { Context } from 'koa';
import { definedOnly } from '../defined-only.ts';
import { type BegunAtServices, begunSignIns } from '../login/begun-sign-ins.ts';
import { lookOf } from '../login/login-tenant.ts';
import { startSignIn } from '../login/start-sign-in.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { requestFacts } from '../web/request-facts.ts';
import { allowImages } from '../web/security-headers.ts';
import { redirectPosted, takesForm } from './posted-request.ts';
import { routes } from './routes.ts';

/** Any of these on the issuer itself makes it an authorization request (RFC 6749 section 4.1.1). */
const authorizationParameters = ['client_id', 'response_type', 'request_uri', 'redirect_uri'];

/** Passes all other requests below an issuer to the provider, which answers or refuses them. */
export const askProvider = async (services: BegunAtServices, ctx: Context, tenant: Tenant): Promise<void> => {
  const path = pathBelow(ctx, tenant);
  requestFacts(ctx).route = routeOf(path);
  if (takesForm(ctx, path)) await redirectPosted(ctx, `${tenant.provider.issuer}${path}`);
  else await forward(services, ctx, { tenant, path });
};

const endpoints: ReadonlySet<string> = new Set(
  routes.flatMap(({ kind, path }) => (kind === 'protocol' ? [path] : [])),
);

const routeOf = (path: string): string =>
  endpoints.has(`/oauth/:tenant${path}`)
    ? `/oauth/:tenant${path}`
    : `/oauth/:tenant${path.replace(/\/[A-Za-z0-9_-]{20,}/, '/:uid')}`;

/** RFC 8414 section 3: the same document as below the issuer. */
export const showMetadata = (services: BegunAtServices, ctx: Context, tenant: Tenant): Promise<void> => {
  const [, document] = /^(\/\.well-known\/[^/]+)/.exec(ctx.path) ?? [];
  return forward(services, ctx, { tenant, path: document ?? '' });
};

export const openIssuer = (services: BegunAtServices, ctx: Context, tenant: Tenant): Promise<void> | void =>
  authorizationParameters.some((name) => ctx.query[name] !== undefined)
    ? forward(services, ctx, { tenant, path: '/auth' })
    : startSignIn(ctx, tenant);

export const redirectWithoutSlash = (ctx: Context, tenant: Tenant): void => {
  ctx.status = 301;
  ctx.redirect(`${tenant.provider.issuer}${pathBelow(ctx, tenant).slice(0, -1)}${ctx.search}`);
};

const pathBelow = (ctx: Context, { definition }: Tenant): string =>
  ctx.path.slice(`/oauth/${definition.id}`.length);

const forward = async (
  services: BegunAtServices,
  ctx: Context,
  { tenant, path }: { readonly tenant: Tenant; readonly path: string },
): Promise<void> => {
  const { provider } = tenant;
  const { address, requestId } = requestFacts(ctx);
  const { req, res } = ctx;
  ctx.respond = false; // the provider answers by itself
  if (provider.prepared.answer(req, res, path)) return;
  const facts = {
    address,
    requestId,
    locale: lookOf(ctx, tenant).locale,
    languageUrls: (url?: string) => lookOf(ctx, tenant, definedOnly({ url })).languageUrls,
    ...begunSignIns(services, { ctx, tenant }),
  };
  // its pages show the logo too
  if (ctx.accepts('json', 'html') === 'html') allowImages(ctx, [tenant.definition.branding.logo]);
  try {
    await provider.handle(req, res, { path: path + ctx.search, facts });
  } catch (error) {
    ctx.respond = true; // the provider answers its own errors; this is one of what comes before it
    throw error;
  }
};
