import type { Provider } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { findClient, mayHaveScope } from './clients.ts';

/**
 * The scopes `account` and `admin` are left out of the requests of clients that may not have them, like a scope that is not
 * known (RFC 6749 section 3.3): people are not asked about it, and the answer does not name it. Held by
 * flows/account-scope.test.ts and flows/admin-access.test.ts.
 */
export const leaveRightsToFirstParties = (provider: Provider, definition: TenantDefinition): void => {
  const prototype = provider.OIDCContext.prototype as RequestedScopes; // public, but typed without its getters
  const known = Object.getOwnPropertyDescriptor(prototype, 'requestParamOIDCScopes')?.get;
  if (known === undefined) throw new Error('the provider has lost a getter that we build on');
  Object.defineProperty(prototype, 'requestParamOIDCScopes', {
    configurable: true,
    get(this: RequestedScopes): ReadonlySet<string> {
      const scopes = known.call(this) as Set<string>; // a new one for each call
      const client = findClient(definition, this.client?.clientId);
      for (const scope of scopes) if (!mayHaveScope(client, scope)) scopes.delete(scope);
      return scopes;
    },
  });
};

interface RequestedScopes {
  readonly client?: { readonly clientId: string };
}
