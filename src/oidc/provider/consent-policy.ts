import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { accountClientId, findClient } from './clients.ts';
import { readProvenBy, setProvenBy } from './proven-by.ts';

/**
 * RFC 8252 section 8.6: any app can claim a private-use scheme, so a native or public client with such a redirect
 * cannot be recognised and the person is asked each time. https and loopback redirects are bound to the app.
 */
export const isRedirectBound = (redirectUri: string | undefined): boolean => {
  if (redirectUri === undefined) return true; // the device flow has none
  const { protocol, hostname } = new URL(redirectUri);
  return (
    protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
  );
};

/** Must this person be asked even though the grant has everything? */
export const mustAskAgain = (ctx: KoaContextWithOIDC): boolean => {
  const { client, params, result } = ctx.oidc;
  if (client === undefined || result?.consent !== undefined) return false;
  // its redirect is our own page, on any of our hosts
  if (client.clientId === accountClientId) return false;
  const isUnknowable = client.applicationType === 'native' || client.clientAuthMethod === 'none';
  return isUnknowable && !isRedirectBound(params?.redirect_uri as string | undefined);
};

/** First-party clients need no consent, unless they ask for it or cannot be distinguished from an impostor. */
export const isConsentSkipped = (definition: TenantDefinition, ctx: KoaContextWithOIDC): boolean => {
  const clientId = ctx.oidc.client?.clientId;
  const isFirstParty = clientId === accountClientId || findClient(definition, clientId)?.firstParty === true;
  return isFirstParty && !ctx.oidc.promptPending('consent') && !mustAskAgain(ctx);
};

/**
 * The grant of this session and client. For a first-party client it is created, or extended by the requested scopes:
 * one grant for each session and client, so that revoking it ends everything.
 */
export const loadGrant = async (
  definition: TenantDefinition,
  ctx: KoaContextWithOIDC,
  grantTtlSeconds: number,
): Promise<Grant | undefined> => {
  const { provider, client, account, session, result } = ctx.oidc;
  if (client === undefined || account === undefined || session === undefined) return undefined;
  const grantId = result?.consent?.grantId ?? session.grantIdFor(client.clientId);
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const existing =
    found !== undefined && found.accountId === account.accountId && !isPastHalfLife(found, grantTtlSeconds)
      ? found
      : undefined;
  const isSkipped = isConsentSkipped(definition, ctx);
  if (existing === undefined && !isSkipped) return undefined;
  const grant = existing ?? new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  const isProofNew = setProvenBy(grant, readProvenBy(session));
  if ((isSkipped && addWhatIsMissing(ctx, grant)) || isProofNew) await grant.save();
  return grant;
};

/** A grant must live longer than the refresh tokens that will belong to it. */
const isPastHalfLife = (grant: Grant, grantTtlSeconds: number): boolean =>
  (grant.exp ?? 0) - Date.now() / 1000 < grantTtlSeconds / 2;

const addWhatIsMissing = (ctx: KoaContextWithOIDC, grant: Grant): boolean => {
  const missing = (wanted: Iterable<string>, have: string): string[] => {
    const known = new Set(have.split(' '));
    return [...wanted].filter((scope) => !known.has(scope));
  };
  const oidcScopes = missing(ctx.oidc.requestParamOIDCScopes, grant.getOIDCScopeEncountered());
  if (oidcScopes.length > 0) grant.addOIDCScope(oidcScopes.join(' '));
  let isChanged = oidcScopes.length > 0 || grant.jti === undefined;
  for (const [indicator, server] of Object.entries(ctx.oidc.resourceServers ?? {})) {
    const wanted = [...ctx.oidc.requestParamScopes].filter((scope) => server.scopes.has(scope));
    const scopes = missing(wanted, grant.getResourceScopeEncountered(indicator));
    if (scopes.length > 0) {
      grant.addResourceScope(indicator, scopes.join(' '));
      isChanged = true;
    }
  }
  return isChanged;
};
