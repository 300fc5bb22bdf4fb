import type { Provider } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { accountScope } from '../../protocol/scopes.ts';
import { findClient } from './clients.ts';

/**
 * The scope `account` is left out of the requests of third-party clients, like a scope that is not known (RFC 6749
 * section 3.3): they are not asked about it, and the answer does not name it. Held by flows/account-scope.test.ts.
 */
export const leaveAccountToFirstParties = (provider: Provider, definition: TenantDefinition): void => {
  const prototype = provider.OIDCContext.prototype as RequestedScopes; // public, but typed without its getters
  const known = Object.getOwnPropertyDescriptor(prototype, 'requestParamOIDCScopes')?.get;
  if (known === undefined) throw new Error('the provider has lost a getter that we build on');
  Object.defineProperty(prototype, 'requestParamOIDCScopes', {
    configurable: true,
    get(this: RequestedScopes): ReadonlySet<string> {
      const scopes = known.call(this) as Set<string>; // a new one for each call
      if (findClient(definition, this.client?.clientId)?.firstParty !== true) scopes.delete(accountScope);
      return scopes;
    },
  });
};

interface RequestedScopes {
  readonly client?: { readonly clientId: string };
}
