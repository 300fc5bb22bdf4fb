import type { SourceDefinition, UpstreamSource } from './source-definition.ts';

/** A warning for each upstream whose people cannot be looked up again, so that `recheck` means nothing for them. */
export const withoutRecheck = (sources: readonly SourceDefinition[]): readonly string[] =>
  sources
    .filter((source): source is UpstreamSource => source.type === 'oidc' || source.type === 'oauth2')
    .filter((source) => signsIn(source) && !hasDetails(source) && !asksForRefreshTokens(source))
    .map(
      ({ id }) =>
        `recheck cannot work for the source ${id}: people who are disabled there keep their sessions here; add offline_access to its scopes (Google: authorizationParameters: { access_type: offline }), or details`,
    );

/** A source that only accepts tokens begins no sessions. */
const signsIn = ({ clientId, discovery, userAuthorizationUri, passwordSignIn }: UpstreamSource): boolean =>
  clientId !== undefined && (discovery || userAuthorizationUri !== undefined || passwordSignIn);

const hasDetails = ({ details, type }: UpstreamSource): boolean =>
  details !== undefined && (details.uri.includes('{subject}') || type === 'oauth2');

/** Keycloak and GitLab give refresh tokens without being asked, and GitLab refuses the scope. */
const givesRefreshTokens = /^https?:\/\/[^/]*\bgitlab\b|\/realms\/[^/]+$/;

const asksForRefreshTokens = ({ scopes, authorizationParameters, issuer = '' }: UpstreamSource): boolean =>
  scopes.includes('offline_access') ||
  authorizationParameters.access_type === 'offline' ||
  givesRefreshTokens.test(issuer);
