import { errors, type ResourceServer } from 'oidc-provider';
import type { ResourceDefinition, TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { clientScopes, findClient } from './clients.ts';

/**
 * RFC 8707: the settings of a client's token for a resource of the tenant.
 * @throws errors.InvalidTarget when the tenant has no such resource, or not for this client
 */
export const resourceServerFor = (
  definition: TenantDefinition,
  identifier: string,
  clientId: string,
): ResourceServer => {
  const resource = definition.resources.find((candidate) => candidate.identifier === identifier);
  if (resource === undefined || resource.clients?.includes(clientId) === false)
    throw new errors.InvalidTarget();
  const allowed = clientScopes(findClient(definition, clientId));
  const scopes = Object.keys(resource.scopes).filter((scope) => allowed?.has(scope) !== false);
  return {
    scope: scopes.join(' '),
    audience: resource.identifier,
    accessTokenTTL: resource.lifetime,
    accessTokenFormat: resource.format,
    ...(resource.format === 'jwt' ? { jwt: { sign: { alg: resource.signingAlgorithm } } } : {}),
  };
};

/** Header members of a JWT for this resource. Spring's decoder accepts only `JWT` as `typ`. */
export const jwtHeaderFor = (definition: TenantDefinition, audience: unknown): { readonly typ: string } => ({
  typ: definition.resources.find(({ identifier }) => identifier === audience)?.typ ?? 'at+jwt',
});

/**
 * The resource meant when a request names none. With `openid` there is none: that token is for userinfo, and an
 * app that wants the default resource too names it.
 */
export const defaultResourceFor = (
  definition: TenantDefinition,
  clientId: string,
  requestedScopes: ReadonlySet<string>,
): string | undefined =>
  requestedScopes.has('openid')
    ? undefined
    : (findClient(definition, clientId)?.defaultResource ?? definition.defaultResource);

/** RFC 7662 section 4: a client sees tokens issued to it, and those for a resource that it may introspect. */
export const mayIntrospect = (
  definition: TenantDefinition,
  clientId: string,
  token: { readonly clientId?: string | undefined; readonly aud?: string | readonly string[] | undefined },
): boolean => {
  if (token.clientId === clientId) return true;
  const audiences = token.aud === undefined ? [] : [token.aud].flat();
  return definition.resources.some(
    (resource: ResourceDefinition) =>
      audiences.includes(resource.identifier) && resource.introspectedBy.includes(clientId),
  );
};
