import { hint } from '../parsing/name-references.ts';
import type { TenantDefinition } from '../tenant/tenant-definition.ts';
import type { ServiceDefinition } from './gateway-definition.ts';

// Checks between the server's file and those of tenants. They change at different times, so these are
// warnings.

/** Limits of a tenant that limit nothing, each with what to write instead. */
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

/** Tenants for whom services are, and who have no file. */
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
