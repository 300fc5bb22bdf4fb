import { isLoopbackHost } from '../../protocol/loopback.ts';
import { isIdentityScope } from '../../protocol/scopes.ts';
import { hint } from '../parsing/name-references.ts';
import type { ServerSettings } from '../server/server-settings.ts';
import type { TenantDefinition } from '../tenant/tenant-definition.ts';
import type { AccessRule, ServiceDefinition } from './gateway-definition.ts';

// Checks between the server's file and those of tenants. They change at different times, so these are
// warnings.

/** Limits of a tenant that have no effect, each with the correction to write. */
export const idleLimits = (
  { gateway }: Pick<TenantDefinition, 'gateway'>,
  services: readonly Pick<ServiceDefinition, 'name'>[],
): readonly string[] => {
  const names = services.map(({ name }) => name);
  return Object.keys(gateway.services)
    .filter((name) => !names.includes(name))
    .map(
      (name) =>
        `gateway.services limits ${name}, which the server does not have, so it protects nothing${hint(name, names)}`,
    );
};

/**
 * Services on Drawbridge's own host about which another proxy asks. It may ask there under that host (Caddy and Envoy
 * send it on), where its address is not enough.
 */
export const askedOnPublicHost = (
  services: readonly Pick<ServiceDefinition, 'name' | 'host' | 'target'>[],
  { publicUrl, proxySecret }: { readonly publicUrl: string; readonly proxySecret?: string | undefined },
): readonly string[] => {
  const { host: publicHost, hostname } = new URL(publicUrl);
  if (proxySecret !== undefined || isLoopbackHost(hostname)) return [];
  return services
    .filter(({ host = publicHost, target }) => host === publicHost && target === undefined)
    .map(
      ({ name }) =>
        `the service ${name} is on the host of Drawbridge itself, where a proxy that asks needs more than an address in server.trustedProxies; set gateway.proxySecret, and let the proxy send it as X-Drawbridge-Proxy-Secret`,
    );
};

/** Tenants that a service names but that have no file. */
export const absentTenants = (
  services: readonly Pick<ServiceDefinition, 'name' | 'tenants'>[],
  ids: readonly string[],
): readonly string[] =>
  services.flatMap(({ name, tenants }) =>
    tenants === 'all'
      ? []
      : tenants
          .filter((id) => !ids.includes(id))
          .map((id) => `the service ${name} is for the tenant ${id}, which has no file${hint(id, ids)}`),
  );

/** The tenant at which operators sign in, if it has no file. */
export const absentAdministration = (
  { tenant }: ServerSettings['administration'],
  ids: readonly string[],
): readonly string[] =>
  tenant === undefined || ids.includes(tenant)
    ? []
    : [`administration.tenant is ${tenant}, which has no file, so nobody is an operator${hint(tenant, ids)}`];

/**
 * Rules that any client of the tenant satisfies, each with the correction to write. A client that is not first-party
 * needs an audience, or a rule that names it or a scope; an audience or scope that every client may ask for excludes
 * none.
 */
export const openToAnyClient = (
  definition: Pick<TenantDefinition, 'id' | 'clients' | 'resources'>,
  services: readonly Pick<ServiceDefinition, 'name' | 'tenants' | 'resources' | 'rules'>[],
): readonly string[] => {
  const { id, clients } = definition;
  if (clients.every(({ firstParty }) => firstParty)) return [];
  return services
    .filter(({ tenants }) => tenants === 'all' || tenants.includes(id))
    .flatMap(({ name, resources, rules }) =>
      (rules.length === 0 ? [everybody] : rules)
        .filter((rule) => isOpen(rule, { resources, definition }))
        .map(
          (rule) =>
            `the service ${name} lets any client of this tenant through ${meansOf(rule, { resources, definition })}; name clients or a scope of a resource in the rule, or clients at the resource`,
        ),
    );
};

const everybody: AccessRule = { access: 'allow' };

interface Openness {
  /** The service's. */
  readonly resources: readonly string[];
  readonly definition: Pick<TenantDefinition, 'id' | 'resources'>;
}

const isOpen = (rule: AccessRule, { resources, definition }: Openness): boolean => {
  const { access, tenants, clients, scopes } = rule;
  if (access !== 'allow' || clients !== undefined || tenants?.includes(definition.id) === false) return false;
  if (scopes?.every(isIdentityScope) === false) return false;
  return (
    (scopes !== undefined && rule.audiences === undefined) ||
    openAudiences(rule, { resources, definition }).length > 0
  );
};

/** Those of the rule's resources that every client of the tenant may ask for. */
const openAudiences = ({ audiences }: AccessRule, { resources, definition }: Openness): readonly string[] =>
  definition.resources
    .filter((resource) => resource.clients === undefined)
    .map(({ identifier }) => identifier)
    .filter((identifier) => (audiences ?? resources).includes(identifier));

const meansOf = (rule: AccessRule, openness: Openness): string => {
  const paths = rule.paths === undefined ? '' : ` at ${rule.paths.join(', ')}`;
  if (rule.scopes !== undefined && rule.audiences === undefined)
    return `with ${rule.scopes.join(' ')}${paths}, which any may ask for`;
  return `with a token for ${openAudiences(rule, openness).join(', ')}${paths}, for which any may ask`;
};
