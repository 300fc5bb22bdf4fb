import type { RequestListener } from 'node:http';
import type { RevocationHub } from '../accounts/revocation-hub.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import { createAuthzEndpoint } from '../gateway/answer/authz-endpoint.ts';
import { createServiceTokens } from '../gateway/answer/service-token.ts';
import {
  announceAuthenticationOff,
  authenticationOffHeaders,
  createDecideWithoutAuthentication,
  repeat,
} from '../gateway/authentication-off.ts';
import { createIdentify } from '../gateway/callers/identify.ts';
import type { SessionCookiePlace } from '../gateway/cookies.ts';
import { createChooseTenant, type TenantHosts } from '../gateway/decision/choose-tenant.ts';
import { createDecide, type DecideParts } from '../gateway/decision/decide.ts';
import { createServices, type Services } from '../gateway/decision/services.ts';
import { createGatewayDispatch, type GatewayDispatch } from '../gateway/gateway-dispatch.ts';
import type { FindGatewayTenant } from '../gateway/gateway-types.ts';
import { createErrorPage } from '../gateway/proxy/error-page.ts';
import { createServiceProxy, type ServiceProxy } from '../gateway/proxy/service-proxy.ts';
import { createHandOver, type HandOver } from '../gateway/sign-in/hand-over.ts';
import { isLoopbackHost } from '../protocol/loopback.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';
import type { ClientCertificates } from '../web/client-certificates.ts';
import type { Pages } from '../web/pages.ts';
import { createRequestOriginOf, type RequestOriginOptions } from '../web/request-checks.ts';
import type { RequestLogOptions } from '../web/request-log.ts';
import { derivedValue } from './derived-value.ts';
import { proxiedRoute } from './routes.ts';

export interface GatewayParts extends RequestLogOptions {
  readonly settings: ServerSettings;
  readonly tenants: TenantRegistry<Tenant>;
  readonly masterKey: MasterKey;
  readonly hub: Pick<RevocationHub, 'subscribe'>;
  readonly pages: Pages;
  readonly isSecure: RequestOriginOptions['isSecure'];
  readonly certificates: ClientCertificates;
}

/** The parts that the pages of the hand-over share with the gateway. */
export interface OpenGateway {
  readonly services: Services;
  readonly handOver: HandOver;
  readonly cookie: SessionCookiePlace;
  /** Of the services' targets. */
  readonly health: ServiceProxy['health'];
  /** @param otherwise answers what is not for the gateway */
  dispatch(otherwise: RequestListener): GatewayDispatch;
  close(): Promise<void>;
}

export const openGateway = (parts: GatewayParts): OpenGateway => {
  const { settings, tenants, masterKey, hub, pages, isSecure, clock, log, onAnswered } = parts;
  const { gateway, server } = settings;
  const { publicUrl, trustedProxies } = server;
  const { cookieDomain, proxySecret } = gateway;
  const services = createServices(gateway.services, publicUrl);
  const cookie: SessionCookiePlace = {
    isSecure: publicUrl.startsWith('https:'),
    ...definedOnly({ cookieDomain }),
  };
  const findTenant = tenantFinder(tenants);
  const hosts = tenantHosts(tenants);
  const handOver = createHandOver({
    settings: gateway,
    publicUrl,
    services,
    sealingKey: masterKey.derive('gateway hand-over'),
    clock,
  });
  const identify = createIdentify({
    ...hosts,
    findTenant,
    clock,
    cookie,
    basicCacheSeconds: gateway.basicCache,
    subscribe: hub.subscribe,
  });
  const decide = gateway.enabled
    ? createDecide({ services, identify, homeOf: homeFinder(findTenant, hosts), clock })
    : createDecideWithoutAuthentication(services);
  const silence = gateway.enabled ? undefined : announceAuthenticationOff({ log, repeat });
  const shared = {
    decide,
    signInUrl: handOver.signInUrl,
    serviceTokens: createServiceTokens({ clock }),
    certificates: parts.certificates,
    clock,
    log,
  };
  const authz = createAuthzEndpoint({
    ...shared,
    trustedProxies,
    isSecure,
    proxySecret,
    publicScheme: cookie.isSecure ? 'https' : 'http',
    isPublicHost: publicHosts(settings, tenants),
    onAnswered,
  });
  const proxy = createServiceProxy({
    ...shared,
    requestOriginOf: createRequestOriginOf({ trustedProxies, isSecure }),
    services,
    settings: gateway,
    cookie,
    sessionHost: handOver.sessionHost,
    subscribe: hub.subscribe,
    errorPage: createErrorPage(pages),
    // the paths of a service are not ours to tell apart
    onAnswered: onAnswered && ((answered) => onAnswered({ ...answered, route: proxiedRoute })),
  });
  const onEachAnswer = Object.entries(authenticationOffHeaders(gateway.enabled));
  return {
    services,
    handOver,
    cookie,
    health: proxy.health,
    dispatch: (otherwise) =>
      createGatewayDispatch({
        authz: (req, res) => {
          for (const [name, value] of onEachAnswer) res.setHeader(name, value);
          return authz(req, res);
        },
        services,
        isSecure,
        proxy,
        otherwise,
      }),
    close: async () => {
      silence?.();
      await proxy.close();
    },
  };
};

const tenantFinder =
  (tenants: TenantRegistry<Tenant>): FindGatewayTenant =>
  async (id) => {
    const warm = tenants.findWarm(id);
    if (warm !== undefined) return warm;
    const lookup = await tenants.find(id);
    switch (lookup.status) {
      case 'served':
        return lookup.tenant;
      case 'unknown':
        return undefined;
      default:
        throw new AppError(
          'unavailable',
          'This tenant is not served now; its operator can see why in the log',
        );
    }
  };

/** The registry makes a new set of URLs when a tenant has changed. */
const tenantHosts = (tenants: TenantRegistry<Tenant>): TenantHosts => {
  const learn = derivedValue(tenants.publicUrls, () => {
    const served = tenants.known();
    const byHost = new Map(
      served.flatMap(({ id, publicUrl }) =>
        publicUrl === undefined ? [] : [[new URL(publicUrl).host, id] as const],
      ),
    );
    return { byHost, only: tenants.status().files === 1 ? served[0]?.id : undefined };
  });
  return {
    publicHostTenant: (host) => learn().byHost.get(host),
    onlyTenant: () => learn().only,
  };
};

/**
 * The hosts of Drawbridge's pages and of services that it forwards itself, if browsers of other machines reach them:
 * a proxy in front passes everything there on.
 */
const publicHosts = (
  { server: { publicUrl }, gateway }: ServerSettings,
  tenants: TenantRegistry<Tenant>,
): ((host: string) => boolean) => {
  const { protocol } = new URL(publicUrl);
  const forwarded = gateway.services.flatMap(({ host, target }) =>
    host === undefined || target === undefined ? [] : [`${protocol}//${host}`],
  );
  const learn = derivedValue(
    tenants.publicUrls,
    (own) =>
      new Set(
        [publicUrl, ...own, ...forwarded]
          .map((url) => new URL(url))
          .filter(({ hostname }) => !isLoopbackHost(hostname))
          .map(({ host }) => host),
      ),
  );
  // one that names no host, or several, does not prove that it is for none of these
  return (host) => host === '' || learn().has(host);
};

const homeFinder = (findTenant: FindGatewayTenant, hosts: TenantHosts): DecideParts['homeOf'] => {
  const chooseTenant = createChooseTenant(hosts);
  return async (request, service) => {
    const choice = chooseTenant(request, service);
    return choice.status === 'chosen' ? findTenant(choice.tenant) : undefined;
  };
};
