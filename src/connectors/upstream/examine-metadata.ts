import type { ServerMetadata } from 'openid-client';
import type { UpstreamSource } from '../../config/source/source-definition.ts';
import type { Note } from './examination.ts';

/** Compares the metadata of the upstream with the settings of the source. */
export const examineMetadata = (source: UpstreamSource, metadata: ServerMetadata, note: Note): void => {
  const lacks = (offered: readonly string[] | undefined, wanted: string): boolean =>
    offered !== undefined && !offered.includes(wanted);
  const { clientAuthMethod, clientId } = source;
  const methods = metadata.token_endpoint_auth_methods_supported;
  // providers do not announce that public clients authenticate by nothing, although they take them
  if (clientId !== undefined && clientAuthMethod !== 'none' && lacks(methods, clientAuthMethod))
    note(
      'warning',
      'client authentication',
      `The provider does not announce ${clientAuthMethod}. Set "clientAuthMethod" to one of ${methods?.join(', ')}.`,
    );
  if (source.pkce && clientId !== undefined && lacks(metadata.code_challenge_methods_supported, 'S256'))
    note(
      'warning',
      'PKCE',
      'The provider does not announce S256. If it refuses sign-ins, set "pkce: false".',
    );
  if (source.passwordSignIn && lacks(metadata.grant_types_supported, 'password'))
    note(
      'warning',
      'passwords',
      'The provider does not announce the password grant. Allow it there, or take out "passwordSignIn".',
    );
  if (
    source.type === 'oauth2' &&
    clientId !== undefined &&
    isOpenIdUserInfo(source) &&
    !source.scopes.includes('openid')
  )
    note(
      'warning',
      'scopes',
      'This user-info belongs to an OpenID provider, which refuses tokens without the scope openid (403). Write "scopes: openid profile email".',
    );
  if (source.acceptUpstreamTokens)
    note('ok', 'access tokens', `They are accepted ${acceptedTokens(source)}.`);
  const unknown = source.scopes.filter((scope) => lacks(metadata.scopes_supported, scope));
  if (unknown.length > 0)
    note('warning', 'scopes', `The provider does not announce ${unknown.join(', ')}. Check "scopes".`);
};

/** Keycloak, Authentik and others name the resource so (OpenID Connect Core section 5.3). */
const isOpenIdUserInfo = ({ userInfoUri }: UpstreamSource): boolean =>
  userInfoUri !== undefined && /\/userinfo\/?$/i.test(new URL(userInfoUri).pathname);

const acceptedTokens = ({ type, tokenAudience, clientId }: UpstreamSource): string => {
  const audience = tokenAudience ?? (type === 'oidc' ? clientId : undefined);
  return audience === undefined
    ? 'whatever their audience is; set "tokenAudience" to limit them'
    : `if their claim "aud" contains ${audience}. Keycloak needs an audience mapper for it`;
};
