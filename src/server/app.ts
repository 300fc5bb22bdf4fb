import { join } from 'node:path';
import Koa, { type Context } from 'koa';
import type { Clock } from '../clock.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import { AppError } from '../errors.ts';
import { createGatewayPages } from '../gateway/sign-in/gateway-pages.ts';
import type { Log } from '../log.ts';
import { createDeviceLogin } from '../login/device-login.ts';
import { lookOf } from '../login/login-tenant.ts';
import { startSignIn } from '../login/start-sign-in.ts';
import { createTenantRoutes } from '../login/tenant-routes.ts';
import { createTenantSelection } from '../login/tenant-selection.ts';
import { createOwnDevices } from '../self-service/own-devices.ts';
import type { Storage } from '../storage/storage.ts';
import { issuerOf } from '../tenants/issuer.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';
import { createFormParser, createJsonParser } from '../web/body.ts';
import { createCsrf } from '../web/csrf.ts';
import { createErrorBoundary } from '../web/error-boundary.ts';
import { createLanguageCookie } from '../web/language-switch.ts';
import { localeOf } from '../web/locale.ts';
import type { Look, Pages } from '../web/pages.ts';
import { createFrontDoor, lentPath } from '../web/request-checks.ts';
import { requestFacts } from '../web/request-facts.ts';
import { createRequestLog } from '../web/request-log.ts';
import { createSecurityHeaders } from '../web/security-headers.ts';
import { openAssetServer } from '../web/serve-assets.ts';
import { parseTenantPath, type TenantPath } from '../web/tenant-path.ts';
import { type Readiness, showHealth, showReadiness } from './health.ts';
import type { OpenGateway } from './open-gateway.ts';

/** What the server is made of; a test may substitute any of it. */
export interface ServerParts {
  readonly settings: ServerSettings;
  readonly storage: Storage;
  readonly masterKey: MasterKey;
  readonly hasher: PasswordHasher;
  readonly pages: Pages;
  /** The folder `views`. */
  readonly viewsDirectory: string;
  readonly tenants: TenantRegistry<Tenant>;
  readonly clock: Clock;
  readonly log: Log;
  readonly readiness: Readiness;
  readonly gateway: Pick<OpenGateway, 'services' | 'handOver' | 'cookie'>;
}

/** Everything in front of the tenants, in the order in which a request meets it. */
export const createApp = (parts: ServerParts): Koa => {
  const { settings, tenants, pages, log } = parts;
  const { publicUrl } = settings.server;
  const hosts = createHosts(publicUrl, () => tenants.publicUrls());
  const app = new Koa();
  app.silent = true; // what a handler throws was logged by the error boundary

  const selectTenant = createTenantSelection({ pages, isSecure: publicUrl.startsWith('https:') });
  const urlOf = (definition: TenantDefinition): string => issuerOf(definition, publicUrl);
  const findKnown = async (id: string): Promise<Tenant | undefined> =>
    (await tenants.find(id)).status === 'unknown' ? undefined : findTenant(tenants, id);
  const gateway = createGatewayPages<Tenant>({
    handOver: parts.gateway.handOver,
    cookiePlace: parts.gateway.cookie,
    publicUrl,
    pages,
    log,
    clock: parts.clock,
    lookOf: (ctx, definition) => (definition === undefined ? houseLook(ctx) : lookOf(ctx, { definition })),
    startSignIn,
    findTenant: findKnown,
    listTenants: () => tenants.list(),
    issuerOf: urlOf,
    selectTenant,
  });
  const showTenant = createTenantRoutes({
    pages,
    csrf: createCsrf(parts.masterKey.derive('csrf')),
    clock: parts.clock,
    log,
    parseForm: createFormParser(),
    switchTenantUrl: (target) =>
      tenants.status().files > 1 ? gateway.switchTenantUrl(target, tenants.known()) : undefined,
  });
  const deviceLogin = createDeviceLogin({
    findTenant: async (ctx, id) => {
      const tenant = await findKnown(id);
      const facts = requestFacts(ctx);
      if (tenant?.provider.host !== facts.host) return undefined;
      facts.tenant = id;
      return tenant;
    },
    log,
  });
  const ownDevices = createOwnDevices({ parseJson: createJsonParser(), log });
  const homeUrl = (ctx: Context): string => {
    const definition: TenantDefinition | undefined = ctx.state.definition;
    return definition === undefined ? `${publicUrl}/` : urlOf(definition);
  };

  app.use(createRequestLog({ log, clock: parts.clock }));
  app.use(createSecurityHeaders({ isSecure: hosts.isSecure }));
  app.use(createErrorBoundary({ pages, log, look: errorLook, homeUrl }));
  app.use(
    createFrontDoor({
      hostsAllowed: hosts.all,
      serviceHosts: parts.gateway.services.hosts,
      trustedProxies: settings.server.trustedProxies,
    }),
  );
  app.use(createLanguageCookie({ isSecure: hosts.isSecure }));
  app.use(openAssetServer({ directory: join(parts.viewsDirectory, 'assets') }));
  app.use(async (ctx) => {
    const isGet = ctx.method === 'GET' || ctx.method === 'HEAD';
    if (isGet && ctx.path === '/healthz') return showHealth(ctx);
    if (isGet && ctx.path === '/readyz') return showReadiness(ctx, parts);
    if (ctx.path.startsWith(lentPath)) return gateway.atService(ctx);
    if (isGet && ctx.path === '/gateway/sign-in') return gateway.chooseTenant(ctx);
    if (isGet && ctx.path === '/') return selectTenant(ctx, { tenants: await tenants.list(), urlOf });
    const answerDevice = deviceLogin(ctx);
    if (answerDevice !== undefined) return answerDevice();
    const target = tenantTarget(ctx.req.url ?? '');
    if (target === undefined) throw nothingHere();
    const facts = requestFacts(ctx);
    facts.tenant = target.tenant;
    const tenant = await findTenant(tenants, target.tenant);
    if (tenant.provider.host !== facts.host) throw nothingHere();
    ctx.state.definition = tenant.definition;
    if (isGet && target.rest === '/gateway/sign-in') {
      facts.route = '/oauth/:tenant/gateway/sign-in';
      return gateway.signIn(ctx, tenant);
    }
    const answerOwner = ownDevices(ctx, tenant, target.rest);
    if (answerOwner !== undefined) return answerOwner();
    await showTenant(ctx, tenant, target);
  });
  return app;
};

/** An error page of a tenant looks like that tenant, as soon as it is known which one it is. */
const errorLook = (ctx: Context): Look => {
  const definition: TenantDefinition | undefined = ctx.state.definition;
  return definition === undefined ? houseLook(ctx) : lookOf(ctx, { definition });
};

const houseLook = (ctx: Context): Look => ({
  locale: localeOf(ctx, 'en'),
  ...(ctx.path.startsWith(lentPath) ? { assetsBelow: lentPath.slice(0, -1) } : {}),
});

const nothingHere = (): AppError => new AppError('not_found', 'There is nothing at this address');

const findTenant = async (tenants: TenantRegistry<Tenant>, id: string): Promise<Tenant> => {
  const lookup = await tenants.find(id);
  switch (lookup.status) {
    case 'served':
      return lookup.tenant;
    case 'unknown':
      throw nothingHere();
    case 'broken':
      throw new AppError(
        'unavailable',
        'This tenant has a fault in its configuration; its operator can see it in the log',
      );
    case 'refused':
      throw new AppError(
        'unavailable',
        'This tenant is not served here; its operator can see why in the log',
        {
          detail: lookup.reason,
        },
      );
  }
};

/** RFC 8414 section 3: the well-known part comes before the issuer's path. */
const insertedWellKnown = /^\/\.well-known\/(oauth-authorization-server|openid-configuration)(\/oauth\/.*)$/;

const tenantTarget = (url: string): TenantPath | undefined => {
  const [path = ''] = url.split('?');
  const [, document, issuerPath] = insertedWellKnown.exec(path) ?? [];
  if (document === undefined || issuerPath === undefined) return parseTenantPath(url);
  const target = parseTenantPath(issuerPath.replace(/\/$/, ''));
  return target?.rest === '' ? { ...target, rest: `/.well-known/${document}` } : undefined;
};

interface Hosts {
  readonly all: () => ReadonlySet<string>;
  /** Is the public URL of this host https? */
  readonly isSecure: (host: string) => boolean;
}

/** The hosts of all public URLs; made anew only when a tenant's own URL came or went. */
const createHosts = (publicUrl: string, tenantUrls: () => ReadonlySet<string>): Hosts => {
  let known: ReadonlySet<string> | undefined;
  let byHost: ReadonlyMap<string, URL> = new Map();
  let hosts: ReadonlySet<string> = new Set();
  const refresh = (): void => {
    const urls = tenantUrls();
    if (urls === known) return;
    known = urls;
    byHost = new Map([publicUrl, ...urls].map((url) => [new URL(url).host, new URL(url)]));
    hosts = new Set(byHost.keys());
  };
  return {
    all: () => {
      refresh();
      return hosts;
    },
    isSecure: (host) => {
      refresh();
      return (byHost.get(host) ?? new URL(publicUrl)).protocol === 'https:';
    },
  };
};
