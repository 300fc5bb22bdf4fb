import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { isLoopbackHost } from '../protocol/loopback.ts';

/**
 * Demo tenants have published passwords and secrets. They are served only by a server that no other machine can reach.
 * @param exposure the address the server binds to, and its public URL
 * @returns the reason why the tenant is not served, for the operator
 */
export const demoRefusal = (
  definition: Pick<TenantDefinition, 'id' | 'demo' | 'publicUrl'>,
  exposure: { readonly host: string; readonly publicUrl: string },
): string | undefined => {
  if (!definition.demo) return undefined;
  const publicUrl = definition.publicUrl ?? exposure.publicUrl;
  const isPublic = !isLoopbackHost(new URL(publicUrl).hostname);
  if (!isPublic && isLoopbackHost(exposure.host)) return undefined;
  const seen = isPublic ? `the public URL is ${publicUrl}` : `the server listens on ${exposure.host}`;
  return (
    `The tenant ${definition.id} is a demo: its passwords and secrets are public, and ${seen}. ` +
    'Remove tenants/' +
    `${definition.id}.yaml, or make a real tenant with \`npx --no drawbridge init\`.`
  );
};
