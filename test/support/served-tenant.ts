import type { Tenant } from '../../src/tenants/tenant.ts';
import type { TestServer } from './test-server.ts';

/**
 * A tenant as one instance holds it.
 * @throws Error unless it is served
 */
export const servedTenant = async (server: TestServer, id: string, instance = 0): Promise<Tenant> => {
  const found = await server.instances[instance]?.tenants.find(id);
  if (found?.status !== 'served') throw new Error(`${id} is not served by instance ${instance}`);
  return found.tenant;
};
