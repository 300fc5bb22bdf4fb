// What both doors share, `/api/authz` and the built-in proxy: they ask the core, say who calls, and log what came of it.

import { definedOnly } from '../../defined-only.ts';
import { gatewayHeadersOf } from '../callers/external-gateway.ts';
import type { Decide } from '../decision/decide.ts';
import type { Decision, GatewayRequest, SignInDemand } from '../gateway-types.ts';
import { identityHeaders } from './identity-headers.ts';
import type { ServiceTokens } from './service-token.ts';

export interface DoorParts {
  readonly decide: Decide;
  /** Absolute URL at which a browser signs in for this request. */
  readonly signInUrl: (request: GatewayRequest, decision: SignInDemand) => string;
  readonly serviceTokens: ServiceTokens;
}

/** What a service is told of an allowed request, and what it must not see. */
export interface Introduction {
  /** The whole set of headers. */
  readonly identity: Readonly<Record<string, string>>;
  /** Headers that are for Drawbridge alone, in small letters. */
  readonly withheld: readonly string[];
}

/** @throws AppError `unavailable` when the token about the caller cannot be signed */
export const introduce = async (
  { caller, tenant, service }: Extract<Decision, { readonly outcome: 'allowed' }>,
  { serviceTokens, requestId }: Pick<DoorParts, 'serviceTokens'> & { readonly requestId: string },
): Promise<Introduction> => {
  const token =
    caller === undefined || tenant === undefined
      ? undefined
      : await serviceTokens.tokenFor(tenant, caller, service);
  return {
    identity: identityHeaders({ caller, token, requestId }),
    withheld: tenant === undefined ? [] : gatewayHeadersOf(tenant.definition.gateway),
  };
};

/** Of a decision, for the log. */
export interface DecisionFacts {
  readonly outcome: Decision['outcome'];
  readonly service?: string;
  readonly tenant?: string;
  readonly reason?: string;
}

export const factsOf = (decision: Decision): DecisionFacts => {
  const tenant = 'tenant' in decision ? decision.tenant?.definition.id : undefined;
  const reason = 'reason' in decision ? decision.reason : undefined;
  return {
    outcome: decision.outcome,
    ...('service' in decision ? { service: decision.service.name } : {}),
    ...definedOnly({ tenant, reason }),
  };
};
