import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { clientAuthMethods } from '../../protocol/client-auth-methods.ts';
import { deviceCodeGrant } from '../../protocol/grant-types.ts';
import { adminScope, type builtInScopes } from '../../protocol/scopes.ts';
import { type SignatureAlgorithm, signingAlgorithms } from '../../protocol/signature-algorithms.ts';
import { isDirectLogin, mayHaveScope } from './clients.ts';

/**
 * The features that at least one client of a tenant may use. Discovery lists only these, and only these are enabled.
 */
export interface Offered {
  readonly grants: ReadonlySet<string>;
  readonly hasDeviceFlow: boolean;
  readonly hasRefreshTokens: boolean;
  /** Is it of use to one of the clients? */
  readonly hasScope: (scope: (typeof builtInScopes)[number]) => boolean;
  /** May people sign in on the page of one of the clients? */
  readonly hasDirectLogin: boolean;
  readonly hasCertificateBoundTokens: boolean;
  /** Are there clients with certificates, for authentication or for their tokens (RFC 8705)? */
  readonly usesCertificates: boolean;
  readonly clientAuthMethods: (typeof clientAuthMethods)[number][];
  /** Algorithms of client assertions. */
  readonly assertionAlgorithms: SignatureAlgorithm[];
  readonly idTokenAlgorithms: SignatureAlgorithm[];
}

export const offeredBy = ({ clients }: Pick<TenantDefinition, 'clients'>): Offered => {
  const metadata = clients.map((client) => client.metadata);
  const grants = new Set(metadata.flatMap(({ grant_types }) => grant_types));
  // our own client is public and has RS256
  const used = new Set<string>(['none', ...metadata.map((one) => one.token_endpoint_auth_method)]);
  const signers = metadata.filter((one) => one.token_endpoint_auth_method === 'private_key_jwt');
  const named = signers.map((one) => one.token_endpoint_auth_signing_alg);
  const ofIdTokens = new Set(['RS256', ...metadata.map((one) => one.id_token_signed_response_alg)]);
  const hasCertificateBoundTokens = metadata.some(
    (one) => one.tls_client_certificate_bound_access_tokens === true,
  );
  const hasRefreshTokens = grants.has('refresh_token');
  return {
    hasCertificateBoundTokens,
    usesCertificates: hasCertificateBoundTokens || [...used].some((one) => one.endsWith('tls_client_auth')),
    grants,
    hasRefreshTokens,
    hasDeviceFlow: grants.has(deviceCodeGrant),
    hasDirectLogin: clients.some(isDirectLogin),
    hasScope: (scope) => {
      if (scope === adminScope) return clients.some((client) => mayHaveScope(client, scope));
      return scope !== 'offline_access' || hasRefreshTokens;
    },
    clientAuthMethods: clientAuthMethods.filter((method) => used.has(method)),
    assertionAlgorithms: signingAlgorithms.filter((one) => named.includes(undefined) || named.includes(one)),
    idTokenAlgorithms: signingAlgorithms.filter((one) => ofIdTokens.has(one)),
  };
};
