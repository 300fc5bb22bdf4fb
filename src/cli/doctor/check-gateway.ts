import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { askedOnPublicHost, idleLimits, openToAnyClient } from '../../config/gateway/gateway-references.ts';
import type { ServerSettings } from '../../config/server/server-settings.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { deviceCodeGrant } from '../../protocol/grant-types.ts';
import { count } from '../count.ts';
import { checkService } from './check-service.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** The known tenants of a server. */
export interface KnownTenants {
  /** Ids of all tenants with a file. */
  readonly ids: readonly string[];
  /** Definitions of the tenants whose files have no faults. */
  readonly definitions: readonly TenantDefinition[];
}

/** Checks the services behind the gateway: can they be reached, and do their settings allow any caller? */
export const checkGateway = async (
  settings: Pick<ServerSettings, 'gateway' | 'server'>,
  tenants: KnownTenants,
): Promise<readonly Finding[]> => {
  const { enabled, services } = settings.gateway;
  const reached = await Promise.all(services.map(checkService));
  return [
    ...(enabled ? [] : [authenticationOff]),
    ...checkAskers(settings),
    ...services.flatMap((service, index) => [...(reached[index] ?? []), ...checkServed(service, tenants)]),
  ];
};

/** Checks `gateway` in the file of one tenant against that of the server. */
export const checkTenantGateway = (
  {
    gateway: { services, proxySecret },
    clientCertificates,
  }: Pick<ServerSettings, 'gateway' | 'clientCertificates'>,
  definition: TenantDefinition,
): readonly Finding[] => {
  const { gateway, clients, id } = definition;
  const about = `tenant ${id}, gateway`;
  // either says which certificate it was
  const seesCertificates = proxySecret !== undefined || clientCertificates !== undefined;
  const devices = clients.filter(({ metadata }) => metadata.grant_types.includes(deviceCodeGrant));
  return [
    ...[...idleLimits(definition, services), ...openToAnyClient(definition, services)].map((words) =>
      warning(about, `${words}.`),
    ),
    ...gateway.trustedGateways
      .filter(({ proof }) => proof.type === 'certificate' && !seesCertificates)
      .map((trusted) =>
        warning(
          about,
          `The gateway ${trusted.id} proves itself by a certificate, and nothing says which one it was. Set clientCertificates.from of the server, or set gateway.proxySecret and let the proxy that ends TLS send it.`,
        ),
      ),
    ...(devices.length > 0 && gateway.deviceClient === undefined && services.length > 0
      ? [
          ok(
            about,
            `loginDevice is off. To use it, name a client as gateway.deviceClient, such as ${devices[0]?.metadata.client_id}.`,
          ),
        ]
      : []),
  ];
};

const authenticationOff = warning(
  'gateway',
  'Authentication is off (AUTH_ENABLED=false): everybody on this machine reaches every service. Set it to true before others shall use it.',
);

/** For a service without a target, a proxy in front asks; only a trusted proxy gets an answer. */
const checkAskers = ({
  gateway: { services, proxySecret },
  server: { trustedProxies, publicUrl },
}: Pick<ServerSettings, 'gateway' | 'server'>): readonly Finding[] => {
  const asked = services.filter(({ target }) => target === undefined);
  if (asked.length === 0 || proxySecret !== undefined) return [];
  if (trustedProxies.length > 0)
    return askedOnPublicHost(services, { publicUrl }).map((words) => warning('gateway', `${words}.`));
  return [
    warning(
      'gateway',
      `No proxy may ask about ${count(asked.length, 'service')} without a target (${asked.map(({ name }) => name).join(', ')}). Set DRAWBRIDGE_SERVER__TRUSTED_PROXIES to the addresses of the proxy, or gateway.proxySecret.`,
    ),
  ];
};

const checkServed = (
  { name, tenants }: ServiceDefinition,
  { ids, definitions }: KnownTenants,
): readonly Finding[] => {
  const about = `service ${name}`;
  const absent = tenants === 'all' ? [] : tenants.filter((id) => !ids.includes(id));
  const admitted = definitions.filter(
    ({ id, gateway }) =>
      (tenants === 'all' || tenants.includes(id)) && gateway.services[name]?.enabled !== false,
  );
  return [
    ...absent.map((id) =>
      problem(
        about,
        `It is for the tenant ${id}, which has no file. Correct the id, or make it with: npx --no drawbridge init`,
      ),
    ),
    ...(admitted.length === 0
      ? [
          warning(
            about,
            'No tenant admits its users to this service, so no user can reach it. Check its tenants, and gateway.services in their files.',
          ),
        ]
      : []),
  ];
};
