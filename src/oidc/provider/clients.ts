import type { ClientMetadata as ProviderClientMetadata } from 'oidc-provider';
import type {
  ClientDefinition,
  Lifetimes,
  LocalText,
  TenantDefinition,
} from '../../config/tenant/tenant-definition.ts';
import { hashId, isEqualConstantTime } from '../../crypto/ids.ts';
import { accountScope, adminScope, builtInScopes } from '../../protocol/scopes.ts';
import { challengeGrant } from '../direct-login/challenge-endpoint.ts';

/** client_id of the built-in client behind the sign-in without parameters. */
export const accountClientId = 'drawbridge-account';

export const findClient = (
  definition: TenantDefinition,
  clientId: string | undefined,
): ClientDefinition | undefined => definition.clients.find(({ metadata }) => metadata.client_id === clientId);

/** On the pages, in each language that the file has. */
export const clientNameOf = (definition: TenantDefinition, clientId: string): LocalText =>
  clientId === accountClientId
    ? definition.displayName
    : (findClient(definition, clientId)?.name ?? clientId);

/** May people sign in on this client's own page? */
export const isDirectLogin = ({ firstParty, directLogin }: ClientDefinition): boolean =>
  firstParty && directLogin;

export const isSecretOf = ({ metadata, secondSecret }: ClientDefinition, presented: string): boolean => {
  const hash = hashId(presented);
  // each is compared, so that the time does not say which of two it was
  const matches = [metadata.client_secret, secondSecret].filter(
    (known) => known !== undefined && isEqualConstantTime(hash, hashId(known)),
  );
  return matches.length > 0;
};

/** Does this client have a `backchannel_logout_uri`? */
export const wantsLogout = (definition: TenantDefinition, clientId: string): boolean =>
  findClient(definition, clientId)?.metadata.backchannel_logout_uri !== undefined;

/** The lifetimes of the tenant, with those that the client sets for itself. */
export const lifetimesOf = (definition: TenantDefinition, clientId: string | undefined): Lifetimes => ({
  ...definition.lifetimes,
  ...findClient(definition, clientId)?.lifetimes,
});

/** Scopes a client may ask for; undefined when it is not limited. */
export const clientScopes = (client: ClientDefinition | undefined): ReadonlySet<string> | undefined =>
  client?.metadata.scope === undefined ? undefined : new Set(client.metadata.scope.split(' '));

/** May this client have the scope at all? Some are not for every client of a tenant. */
export const mayHaveScope = (client: ClientDefinition | undefined, scope: string): boolean => {
  if (scope !== accountScope && scope !== adminScope) return true;
  return client?.firstParty === true && (scope !== adminScope || clientScopes(client)?.has(scope) === true);
};

/**
 * Clients in the form that the provider expects. In place of the secrets it gets their hashes, compared in
 * `compareClientSecret`; `resources.ts` checks the scopes of resources, so the provider gets the built-in scopes only.
 */
export const toProviderClients = (definition: TenantDefinition, issuer: string): ProviderClientMetadata[] => [
  ...definition.clients.map(toProviderClient),
  {
    client_id: accountClientId,
    client_name: definition.displayName,
    token_endpoint_auth_method: 'none' as const,
    grant_types: ['authorization_code'],
    response_types: ['code' as const],
    redirect_uris: [`${issuer}/account/callback`],
    post_logout_redirect_uris: [],
    scope: 'openid',
  },
];

const toProviderClient = (client: ClientDefinition): ProviderClientMetadata => {
  const { metadata, secondSecret } = client;
  const { client_secret: secret, scope, ...rest } = metadata;
  const hashes = [secret, secondSecret].filter((one) => one !== undefined).map(hashId);
  const known = scope?.split(' ').filter((name) => (builtInScopes as readonly string[]).includes(name));
  return {
    ...rest,
    ...(isDirectLogin(client) ? { grant_types: [...metadata.grant_types, challengeGrant] } : {}),
    ...(hashes.length === 0 ? {} : { client_secret: hashes.join(' ') }),
    // for the provider an empty scope means no limit
    ...(known === undefined ? {} : { scope: known.join(' ') || 'openid' }),
  } as ProviderClientMetadata; // the definition's schema has checked the names and values
};
