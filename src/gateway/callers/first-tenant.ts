import { isAppError } from '../../errors.ts';
import type { FindGatewayTenant, GatewayTenant, Identification } from '../gateway-types.ts';

/** Number of tenants at which a credential is looked up when the request names none. */
export const tenantsTried = 5;

type Unknown = Extract<Identification, { readonly status: 'bad' | 'nothing' }>;

interface Search {
  readonly findTenant: FindGatewayTenant;
  readonly identifyAt: (tenant: GatewayTenant) => Promise<Identification>;
  /** The answer of a tenant that does not know the credential, and of all of them together unless one says more. */
  readonly unknown: Unknown;
  /** Is this the answer, whatever other tenants would say? Default: it is another one than `unknown`. */
  readonly isFinal?: (answer: Identification) => boolean;
}

/** The first tenant that knows the credential. A tenant that cannot be served matters only if no other knows it. */
export const identifyAtFirst = async (
  ids: readonly string[],
  { findTenant, identifyAt, unknown, isFinal = (answer) => !isSame(answer, unknown) }: Search,
): Promise<Identification> => {
  let answer: Identification = unknown;
  let outage: unknown;
  for (const id of ids) {
    try {
      const tenant = await findTenant(id);
      const found = tenant === undefined ? unknown : await identifyAt(tenant);
      if (isFinal(found)) return found;
      if (isSame(answer, unknown)) answer = found;
    } catch (error) {
      if (!isAppError(error, 'unavailable')) throw error;
      outage ??= error;
    }
  }
  if (outage !== undefined) throw outage;
  return answer;
};

const isSame = (answer: Identification, unknown: Unknown): boolean =>
  answer.status === 'bad' && unknown.status === 'bad'
    ? answer.description === unknown.description
    : answer.status === unknown.status;
