// The headers and the token that name the caller to a service.
import { gatewayHeadersOf } from '../callers/external-gateway.ts';
import type { Decision } from '../gateway-types.ts';
import { identityHeaders } from './identity-headers.ts';
import type { ServiceTokens } from './service-token.ts';

export interface Introduction {
  /** The whole set of identity headers. */
  readonly identity: Readonly<Record<string, string>>;
  /** Headers that are for Drawbridge alone, in small letters. */
  readonly withheld: readonly string[];
}

/** @throws AppError `unavailable` when the token about the caller cannot be signed */
export const introduce = async (
  { caller, tenant, service }: Extract<Decision, { readonly outcome: 'allowed' }>,
  { serviceTokens, requestId }: { readonly serviceTokens: ServiceTokens; readonly requestId: string },
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
