import type { Client, Provider, Session } from 'oidc-provider';
import type { SessionOrigin } from '../../accounts/session-origin.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { clientScopes, findClient, mayHaveScope } from '../provider/clients.ts';
import { setProvenBy } from '../provider/proven-by.ts';
import { resourceServerFor } from '../provider/resources.ts';

/** How the person of a new session has signed in. */
export interface DirectProof {
  readonly sub: string;
  /** Epoch seconds. */
  readonly signedInAt: number;
  readonly amr: readonly string[];
  readonly acr?: string | undefined;
  /** Id of the source. */
  readonly source: string;
}

export interface BeginDirectSession {
  readonly client: Client;
  readonly proof: DirectProof;
  /** Built-in scopes, among those that are asked for. */
  readonly identityScopes: Iterable<string>;
  readonly scopes: Iterable<string>;
  readonly resources: readonly string[];
  readonly lifeSeconds: number;
  /** Default: that of the request to the provider. */
  readonly origin?: SessionOrigin;
}

export interface DirectSession {
  readonly session: Session;
  readonly grantId: string;
  /** Granted: of userinfo and of the resources. */
  readonly scope: string;
}

/**
 * A session that no browser has: nobody gets its cookie. Otherwise it is like those of browsers: its person finds it in
 * the list of sessions, and with it end the tokens of the app. A first-party client gets the scopes that it asks for and
 * may have.
 * @throws errors.InvalidTarget
 */
export const beginDirectSession = async (
  { provider, definition }: { readonly provider: Provider; readonly definition: TenantDefinition },
  { client: { clientId }, proof, resources, lifeSeconds, origin, ...asked }: BeginDirectSession,
): Promise<DirectSession> => {
  const { sub, signedInAt, amr, acr, source } = proof;
  const grant = new provider.Grant({ accountId: sub, clientId });
  setProvenBy(grant, [source]);
  const known = findClient(definition, clientId);
  const allowed = clientScopes(known);
  const identityScopes = [...asked.identityScopes].filter(
    (scope) => allowed?.has(scope) !== false && mayHaveScope(known, scope),
  );
  if (identityScopes.length > 0) grant.addOIDCScope(identityScopes.join(' '));
  const resourceScopes = resources.flatMap((resource) => {
    const offered = new Set(resourceServerFor(definition, resource, clientId).scope.split(' '));
    const scopes = [...asked.scopes].filter((scope) => offered.has(scope));
    if (scopes.length > 0) grant.addResourceScope(resource, scopes.join(' '));
    return scopes;
  });
  const grantId = await grant.save();

  const session = new provider.Session();
  session.loginAccount({ accountId: sub, loginTs: signedInAt, amr: [...amr], acr });
  Object.assign(session, { directClientId: clientId, ...definedOnly({ origin }) }); // see `keepOrigin`
  setProvenBy(session, [source]);
  session.ensureClientContainer(clientId);
  session.grantIdFor(clientId, grantId);
  await session.save(lifeSeconds);
  return { session, grantId, scope: [...new Set([...identityScopes, ...resourceScopes])].join(' ') };
};
