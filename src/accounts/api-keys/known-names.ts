// The names that limits of a key may have: a misspelt one would open nothing, or something else than was meant.
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { builtInScopes } from '../../protocol/scopes.ts';
import type { KeyLimits } from './key-limits.ts';

export type KnownNames = Readonly<Record<'services' | 'resources' | 'scopes', readonly string[]>>;

/** @param services all of the gateway */
export const namesForKeys = (
  { id, resources, gateway }: Pick<TenantDefinition, 'id' | 'resources' | 'gateway'>,
  services: readonly Pick<ServiceDefinition, 'name' | 'tenants' | 'rules'>[],
): KnownNames => {
  const own = services.filter(
    ({ name, tenants }) =>
      (tenants === 'all' || tenants.includes(id)) && gateway.services[name]?.enabled !== false,
  );
  // a rule may have a scope that no resource has, so that only keys satisfy it
  const ruled = own
    .flatMap(({ name, rules }) => [...rules, ...(gateway.services[name]?.rules ?? [])])
    .flatMap(({ scopes = [] }) => scopes);
  const ofResources = resources.flatMap(({ scopes }) => Object.keys(scopes));
  return {
    services: own.map(({ name }) => name),
    resources: resources.map(({ identifier }) => identifier),
    scopes: [...new Set([...builtInScopes, ...ofResources, ...ruled])],
  };
};

const singular = { services: 'service', resources: 'resource', scopes: 'scope' } as const;
const places = {
  services: 'behind the gateway for this tenant',
  resources: 'of this tenant',
  scopes: 'of this tenant',
} as const;

/** What is wrong with the names, for whoever asks for the key; undefined: nothing. */
export const faultOfNames = (limits: KeyLimits, known: KnownNames): string | undefined => {
  for (const kind of ['services', 'resources', 'scopes'] as const) {
    const unknown = limits[kind]?.find((name) => !known[kind].includes(name));
    if (unknown !== undefined)
      return `There is no ${singular[kind]} ${unknown} ${places[kind]}. There are: ${known[kind].join(', ') || 'none'}.`;
  }
  return undefined;
};
