// The headers and the token that name the caller to a service.

import { definedOnly } from '../../defined-only.ts';
import { defaultIdentityBytes } from '../../protocol/identity-headers.ts';
import { gatewayHeadersOf } from '../callers/external-gateway.ts';
import type { Decision } from '../gateway-types.ts';
import { identityHeaders } from './identity-headers.ts';
import { type IdentityCut, presentCaller } from './presented-caller.ts';
import { type ServiceTokens, tokenBytes } from './service-token.ts';

export interface Introduction {
  /** The whole set of identity headers. */
  readonly identity: Readonly<Record<string, string>>;
  /** Signed; undefined where the service gets none. */
  readonly token?: string;
  /** What did not fit into the headers, for the log. */
  readonly cut?: IdentityCut;
  /** Headers that are for Drawbridge alone, in small letters. */
  readonly withheld: readonly string[];
}

/** @throws AppError `unavailable` when the token about the caller cannot be signed */
export const introduce = async (
  { caller, tenant, service }: Extract<Decision, { readonly outcome: 'allowed' }>,
  { serviceTokens, requestId }: { readonly serviceTokens: ServiceTokens; readonly requestId: string },
): Promise<Introduction> => {
  const names = service.identity?.headers;
  const isBearer = service.target?.authorization === 'token';
  const wantsToken = tenant !== undefined && (names?.includes('X-Auth-Token') !== false || isBearer);
  const { presented, cut } = presentCaller(caller, {
    groups: service.identity?.groups,
    maxBytes: service.identity?.maxBytes ?? defaultIdentityBytes,
    sizeOf: (candidate) => {
      const size = wantsToken ? tokenBytes(candidate, service) : 0;
      const headers = identityHeaders({ caller: candidate, token: ' '.repeat(size), requestId, names });
      return headerBytes(headers) + (isBearer ? size + bearerBytes : 0);
    },
  });
  const token =
    presented === undefined || !wantsToken
      ? undefined
      : await serviceTokens.tokenFor(tenant, presented, service);
  return {
    identity: identityHeaders({ caller: presented, token, requestId, names }),
    withheld: tenant === undefined ? [] : gatewayHeadersOf(tenant.definition.gateway),
    ...definedOnly({ token, cut }),
  };
};

const bearerBytes = 'Authorization: Bearer \r\n'.length;

/** RFC 9112 section 5: with colon, space and line end. All values are ASCII. */
const headerBytes = (headers: Readonly<Record<string, string>>): number =>
  Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
