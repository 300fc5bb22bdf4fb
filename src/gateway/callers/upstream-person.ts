import type { Identity, VerifiedToken } from '../../connectors/connector.ts';
import { definedOnly } from '../../defined-only.ts';
import { isAppError } from '../../errors.ts';
import type { GatewayRequest, GatewayTenant } from '../gateway-types.ts';
import type { Finding } from './caller-cache.ts';
import { personOf } from './person.ts';

interface AskedUpstream {
  readonly token: string;
  readonly request: Pick<GatewayRequest, 'address' | 'requestId'>;
}

/** People of a source with `clients` use its apps only, however they are known. */
export const notForServices = { status: 'forbidden', reason: 'source_not_for_services' } as const;

/** Milliseconds, and never longer than the answer of the upstream may be kept. */
const keptMs = 5000;

/**
 * The person of an upstream's own access token (`acceptUpstreamTokens`), at the first source that knows it.
 * @throws AppError `unavailable` when no source knows it and one of them could not be asked
 */
export const findUpstreamPerson = async (
  tenant: GatewayTenant,
  { token, request }: AskedUpstream,
): Promise<Finding | undefined> => {
  let outage: unknown;
  for (const { tokens } of tenant.connectors) {
    if (tokens === undefined) continue;
    try {
      const verdict = await tokens.verify(token);
      if (verdict !== undefined) return await admit(tenant, verdict, request);
    } catch (error) {
      if (!isAppError(error, 'unavailable')) throw error;
      outage ??= error;
    }
  }
  if (outage !== undefined) throw outage;
  return undefined;
};

const admit = async (
  tenant: GatewayTenant,
  { person, expiresAt, freshForMs = keptMs }: VerifiedToken<Identity>,
  { address, requestId }: AskedUpstream['request'],
): Promise<Finding> => {
  try {
    const outcome = await tenant.accounts.admitToken(person, { address, requestId });
    if (!outcome.ok) return { status: 'refused', reason: outcome.reason };
    const { account, amr, acr, signedInAt } = outcome;
    const caller = await personOf(tenant, account, {
      method: 'bearer',
      amr,
      authTime: person.authTime ?? signedInAt,
      revocationIds: [],
      ...definedOnly({ acr, expiresAt }),
    });
    return { caller, keptMs: Math.min(keptMs, freshForMs) };
  } catch (error) {
    if (!isAppError(error, 'forbidden')) throw error;
    return notForServices;
  }
};
