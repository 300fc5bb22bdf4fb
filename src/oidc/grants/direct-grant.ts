import type { X509Certificate } from 'node:crypto';
import { type Account, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { clientScopes, findClient } from '../provider/clients.ts';
import { type CertificatesOfRequests, certificateOf } from '../provider/mutual-tls.ts';
import { setProvenBy } from '../provider/proven-by.ts';
import { defaultResourceFor, resourceServerFor } from '../provider/resources.ts';
import { setRoleLimit } from '../provider/role-limit.ts';
import type { TokenSignIn } from '../tokens/sign-in-claims.ts';

export interface DirectGrantParts {
  readonly provider: Provider;
  readonly definition: TenantDefinition;
  readonly certificates: CertificatesOfRequests;
  readonly findAccount: (ctx: KoaContextWithOIDC, sub: string) => Promise<Account | undefined>;
}

export interface DirectGrantOptions {
  readonly ctx: KoaContextWithOIDC;
  readonly sub: string;
  /** Name of the grant type, for the tokens. */
  readonly gty: string;
  /** The access token lives no longer than this. */
  readonly atMostSeconds?: number;
  /** The only roles that the token has; default: all of the person. */
  readonly atMostRoles?: readonly string[];
  /** Id of the source at which the person has just signed in; absent: nobody has. */
  readonly source?: string;
  /** Of the scopes that the client asks for; default: all. */
  readonly mayHave?: (scope: string) => boolean;
  /** How the person signed in, where that is known. */
  readonly signIn?: TokenSignIn;
}

/** A grant without a page, with its access token. */
export interface DirectGrant {
  readonly account: Account;
  readonly grantId: string;
  readonly resource?: string;
  readonly oidcScopes: readonly string[];
  /** Of userinfo and of the resource. */
  readonly scope: string;
  /** RFC 6749 section 5.1. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/**
 * Scopes and resource as for the other grants: those that the client asks for and may have.
 * @throws errors.InvalidTarget, or errors.InvalidGrant when the person may hold no tokens
 */
export const grantDirectly = async (
  { provider, definition, findAccount, ...parts }: DirectGrantParts,
  { ctx, sub, gty, source, mayHave = () => true, atMostSeconds, atMostRoles, signIn }: DirectGrantOptions,
): Promise<DirectGrant> => {
  const { client, requestParamScopes: wanted } = ctx.oidc;
  if (client === undefined) throw new errors.InvalidClient('the client is not known');
  const certificate = certificateToBind(parts, ctx);
  const account = await findAccount(ctx, sub);
  if (account === undefined) throw new errors.InvalidGrant('account not found');
  ctx.oidc.entity('Account', account);
  const limit = atMostSeconds === undefined ? {} : { expiresIn: atMostSeconds };

  const grant = new provider.Grant({ accountId: sub, clientId: client.clientId, ...limit });
  setProvenBy(grant, source === undefined ? undefined : [source]);
  setRoleLimit(grant, atMostRoles);
  const allowed = clientScopes(findClient(definition, client.clientId));
  const oidcScopes = [...ctx.oidc.requestParamOIDCScopes].filter(
    (scope) => allowed?.has(scope) !== false && mayHave(scope),
  );
  if (oidcScopes.length > 0) grant.addOIDCScope(oidcScopes.join(' '));

  const resource = requestedResource(definition, ctx);
  const server =
    resource === undefined
      ? undefined
      : new provider.ResourceServer(resource, resourceServerFor(definition, resource, client.clientId));
  const resourceScopes =
    server === undefined ? [] : [...wanted].filter((scope) => server.scopes.has(scope) && mayHave(scope));
  if (resource !== undefined && resourceScopes.length > 0)
    grant.addResourceScope(resource, resourceScopes.join(' '));
  ctx.oidc.entity('Grant', grant);
  const grantId = await grant.save();

  const accessToken = new provider.AccessToken({
    accountId: sub,
    client,
    grantId,
    gty,
    scope: (server === undefined ? oidcScopes : resourceScopes).join(' '),
    ...definedOnly({ resourceServer: server }),
  });
  if (atMostSeconds !== undefined)
    Object.assign(accessToken, { expiresIn: Math.min(accessToken.expiration, atMostSeconds) });
  Object.assign(accessToken, signIn); // for `signInClaims`
  if (certificate !== undefined) accessToken.setThumbprint('x5t', certificate);
  ctx.oidc.entity('AccessToken', accessToken);
  const value = await accessToken.save();
  return {
    account,
    grantId,
    oidcScopes,
    scope: [...new Set([...oidcScopes, ...resourceScopes])].join(' '),
    ...definedOnly({ resource }),
    answer: {
      access_token: value,
      token_type: accessToken.tokenType,
      expires_in: accessToken.expiration,
      ...(accessToken.scope === '' ? {} : { scope: accessToken.scope }),
    },
  };
};

/**
 * Of a client whose tokens are bound (RFC 8705 section 3), as for the grants of the library.
 * @throws errors.InvalidGrant when there is none
 */
export const certificateToBind = (
  { certificates }: Pick<DirectGrantParts, 'certificates'>,
  ctx: KoaContextWithOIDC,
): X509Certificate | undefined => {
  if (ctx.oidc.client?.tlsClientCertificateBoundAccessTokens !== true) return undefined;
  const certificate = certificateOf(certificates, ctx);
  if (certificate === undefined) throw new errors.InvalidGrant('mutual TLS client certificate not provided');
  return certificate;
};

const requestedResource = (definition: TenantDefinition, ctx: KoaContextWithOIDC): string | undefined => {
  const asked = ctx.oidc.params?.resource;
  if (Array.isArray(asked))
    throw new errors.InvalidTarget('only one resource may be asked for with this grant');
  if (typeof asked === 'string') return asked;
  return defaultResourceFor(definition, ctx.oidc.client?.clientId ?? '', ctx.oidc.requestParamScopes);
};
