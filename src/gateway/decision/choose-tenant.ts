import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { tenantIdForm } from '../../protocol/tenant-id.ts';
import { readChosenTenant } from '../cookies.ts';
import type { GatewayRequest } from '../gateway-types.ts';

/** The tenant at which a credential is verified. */
export type TenantChoice =
  | { readonly status: 'chosen'; readonly tenant: string }
  /** Several tenants are possible. */
  | { readonly status: 'open' }
  /** `X-ID-TENANT-NAME` is no tenant's id. */
  | { readonly status: 'unreadable' }
  | { readonly status: 'forbidden'; readonly reason: 'tenant_contradiction' | 'tenant_not_served' };

export interface TenantHosts {
  /** The tenant whose own public URL has this host. */
  readonly publicHostTenant: (host: string) => string | undefined;
  /** The tenant of a server with only one. */
  readonly onlyTenant: () => string | undefined;
}

export type ChooseTenant = (request: GatewayRequest, service: ServiceDefinition) => TenantChoice;

/** One answer for a tenant that the service does not serve and for one that does not exist. */
export const notServed = { status: 'forbidden', reason: 'tenant_not_served' } as const;

/** As it was sent; unchecked. */
export const namedByClient = (headers: IncomingHttpHeaders): string | undefined => {
  const name = headers['x-id-tenant-name'];
  return typeof name === 'string' ? name : name?.join(', ');
};

export const isServedBy = ({ tenants }: ServiceDefinition, tenant: string): boolean =>
  tenants === 'all' || tenants.includes(tenant);

/**
 * The operator's choice comes first, then that of the host, of the client, of the service. A client that names another
 * tenant than the operator or the host is refused.
 */
export const createChooseTenant = ({ publicHostTenant, onlyTenant }: TenantHosts): ChooseTenant => {
  const onlyOf = ({ tenants }: ServiceDefinition): string | undefined => {
    if (tenants === 'all') return onlyTenant();
    return tenants.length === 1 ? tenants[0] : undefined;
  };
  return (request, service) => {
    const named = namedByClient(request.headers);
    if (named !== undefined && !tenantIdForm.test(named)) return { status: 'unreadable' };
    const fixed = request.tenant ?? publicHostTenant(request.host);
    if (fixed !== undefined && named !== undefined && fixed !== named)
      return { status: 'forbidden', reason: 'tenant_contradiction' };
    const tenant = fixed ?? named ?? onlyOf(service);
    if (tenant === undefined) return { status: 'open' };
    return isServedBy(service, tenant) ? { status: 'chosen', tenant } : notServed;
  };
};

/** The tenant that this browser chose on the selection page, if the service serves it; nothing else is checked. */
export const tenantOfCookie = (
  headers: IncomingHttpHeaders,
  service: ServiceDefinition,
): string | undefined => {
  const tenant = readChosenTenant(headers);
  return tenant !== undefined && isServedBy(service, tenant) ? tenant : undefined;
};
