import type { ServerSettings } from '../config/server/server-settings.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { demoRefusal } from '../tenants/loopback-only.ts';

export interface RefusedTenant {
  readonly id: string;
  /** The reason, for the operator. */
  readonly reason: string;
}

/** Tenants without faults in their files that a server with these settings does not serve. */
export const findRefused = (
  definitions: readonly Pick<TenantDefinition, 'id' | 'demo' | 'publicUrl'>[],
  server: Pick<ServerSettings['server'], 'host' | 'publicUrl'>,
): readonly RefusedTenant[] =>
  definitions.flatMap((definition) => {
    const reason = demoRefusal(definition, server);
    return reason === undefined ? [] : [{ id: definition.id, reason }];
  });
