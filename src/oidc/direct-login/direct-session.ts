import { errors, type Grant, type KoaContextWithOIDC, type Provider, type Session } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { clientScopes, findClient } from '../provider/clients.ts';
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

export interface DirectSession {
  readonly session: Session;
  readonly grantId: string;
  /** Granted: of userinfo and of the resources. */
  readonly scope: string;
}

/**
 * A session that no browser has: nobody gets its cookie. Otherwise it is like those of browsers: its person finds it in
 * the list of sessions, and with it end the tokens of the app.
 * @throws errors.InvalidTarget
 */
export const beginDirectSession = async (
  { provider, definition }: { readonly provider: Provider; readonly definition: TenantDefinition },
  ctx: KoaContextWithOIDC,
  {
    proof,
    resources,
    lifeSeconds,
  }: { readonly proof: DirectProof; readonly resources: readonly string[]; readonly lifeSeconds: number },
): Promise<DirectSession> => {
  const { client } = ctx.oidc;
  if (client === undefined) throw new errors.InvalidClient('the client is not known');
  const { clientId } = client;
  const { sub, signedInAt, amr, acr, source } = proof;

  const grant = new provider.Grant({ accountId: sub, clientId });
  setProvenBy(grant, [source]);
  const scopes = [
    ...addIdentityScopes(definition, ctx, grant),
    ...resources.flatMap((resource) => addResourceScopes(definition, ctx, { grant, resource, clientId })),
  ];
  ctx.oidc.entity('Grant', grant);
  const grantId = await grant.save();

  const session = new provider.Session();
  session.loginAccount({ accountId: sub, loginTs: signedInAt, amr: [...amr], acr });
  setProvenBy(session, [source]);
  session.ensureClientContainer(clientId);
  session.grantIdFor(clientId, grantId);
  await session.save(lifeSeconds);
  return { session, grantId, scope: [...new Set(scopes)].join(' ') };
};

/** A first-party client gets what it asks for and may have. */
const addIdentityScopes = (
  definition: TenantDefinition,
  { oidc }: KoaContextWithOIDC,
  grant: Grant,
): readonly string[] => {
  const allowed = clientScopes(findClient(definition, oidc.client?.clientId));
  const scopes = [...oidc.requestParamOIDCScopes].filter((scope) => allowed?.has(scope) !== false);
  if (scopes.length > 0) grant.addOIDCScope(scopes.join(' '));
  return scopes;
};

const addResourceScopes = (
  definition: TenantDefinition,
  { oidc }: KoaContextWithOIDC,
  {
    grant,
    resource,
    clientId,
  }: { readonly grant: Grant; readonly resource: string; readonly clientId: string },
): readonly string[] => {
  const known = new Set(resourceServerFor(definition, resource, clientId).scope.split(' '));
  const scopes = [...oidc.requestParamScopes].filter((scope) => known.has(scope));
  if (scopes.length > 0) grant.addResourceScope(resource, scopes.join(' '));
  return scopes;
};
