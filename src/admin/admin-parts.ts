import type { Middleware } from 'koa';
import type { Clock } from '../clock.ts';
import type { ServiceDefinition } from '../config/gateway/gateway-definition.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import type { Log } from '../log.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';

/** The parts of the server that the administration API works with. */
export interface AdminParts {
  readonly tenants: Pick<TenantRegistry<Tenant>, 'find'>;
  readonly administration: ServerSettings['administration'];
  /** All services behind the gateway. */
  readonly services: readonly ServiceDefinition[];
  /** Origin of the server. */
  readonly publicUrl: string;
  /** Of Drawbridge. */
  readonly version: string;
  readonly parseJson: Middleware;
  readonly clock: Clock;
  readonly log: Log;
}
