import type { SourceDefinition, UpstreamSource } from './source-definition.ts';

/** A warning for each upstream whose people cannot be looked up again, so that `recheck` means nothing for them. */
export const withoutRecheck = (sources: readonly SourceDefinition[]): readonly string[] =>
  sources
    .filter((source): source is UpstreamSource => source.type === 'oidc' || source.type === 'oauth2')
    .filter((source) => signsIn(source) && !hasDetails(source) && !isAskedByTokens(source))
    .map(
      (source) =>
        `recheck cannot work for the source ${source.id}: people who are disabled there keep their sessions here; add ${remedyFor(source)}`,
    );

const remedyFor = (source: UpstreamSource): string =>
  redirects(source)
    ? 'offline_access to its scopes (Google: authorizationParameters: { access_type: offline }), or details'
    : 'details, because it takes passwords only';

/** Refresh tokens are kept of sources that browsers are sent to. */
const isAskedByTokens = (source: UpstreamSource): boolean =>
  redirects(source) && asksForRefreshTokens(source);

const redirects = ({ discovery, userAuthorizationUri }: UpstreamSource): boolean =>
  discovery || userAuthorizationUri !== undefined;

/** A source that only accepts tokens begins no sessions. */
const signsIn = (source: UpstreamSource): boolean =>
  source.clientId !== undefined && (redirects(source) || source.passwordSignIn);

const hasDetails = ({ details, type }: UpstreamSource): boolean =>
  details !== undefined && (details.uri.includes('{subject}') || type === 'oauth2');

/** Keycloak and GitLab give refresh tokens without being asked, and GitLab refuses the scope. */
const givesRefreshTokens = /^https?:\/\/[^/]*\bgitlab\b|\/realms\/[^/]+$/;

const asksForRefreshTokens = ({ scopes, authorizationParameters, issuer = '' }: UpstreamSource): boolean =>
  scopes.includes('offline_access') ||
  authorizationParameters.access_type === 'offline' ||
  givesRefreshTokens.test(issuer);
