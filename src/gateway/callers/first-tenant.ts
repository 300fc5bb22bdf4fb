import { isAppError } from '../../errors.ts';
import type { FindGatewayTenant, GatewayTenant, Identification } from '../gateway-types.ts';

/** Number of tenants at which a credential is looked up when the request names none. */
export const tenantsTried = 5;

interface Search {
  readonly findTenant: FindGatewayTenant;
  readonly identifyAt: (tenant: GatewayTenant) => Promise<Identification>;
  /** The answer of a tenant that does not know the credential, and of all of them together. */
  readonly unknown: Extract<Identification, { readonly status: 'bad' }>;
}

/** The first tenant that knows the credential. A tenant that cannot be served matters only if no other knows it. */
export const identifyAtFirst = async (
  ids: readonly string[],
  { findTenant, identifyAt, unknown }: Search,
): Promise<Identification> => {
  let outage: unknown;
  for (const id of ids) {
    try {
      const tenant = await findTenant(id);
      const answer = tenant === undefined ? unknown : await identifyAt(tenant);
      if (answer.status !== 'bad' || answer.description !== unknown.description) return answer;
    } catch (error) {
      if (!isAppError(error, 'unavailable')) throw error;
      outage ??= error;
    }
  }
  if (outage !== undefined) throw outage;
  return unknown;
};
