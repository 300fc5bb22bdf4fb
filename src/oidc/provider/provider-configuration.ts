import type { JWK } from 'jose';
import type { Adapter, Configuration } from 'oidc-provider';
import { furtherClaims } from '../../accounts/claims.ts';
import { mfaAcr, phrAcr } from '../../accounts/factors/factor-demand.ts';
import { isRegistrationOpen } from '../../accounts/registration-rules.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { builtInScopes } from '../../protocol/scopes.ts';
import { dpopAlgorithms } from '../../protocol/signature-algorithms.ts';
import { anonymousSessionTtl, providerCookies } from '../cookies.ts';
import { challengePath } from '../direct-login/challenge-endpoint.ts';
import { deviceParameters } from '../grants/device-description.ts';
import { privateClaims } from '../tokens/access-token-jwt.ts';
import { type RefreshRotation, refreshTokenTtl } from '../tokens/refresh-rotation.ts';
import { createAssertionCheck } from './client-assertions.ts';
import { lifetimesOf, toProviderClients } from './clients.ts';
import { loadGrant } from './consent-policy.ts';
import type { CrossOrigin } from './cross-origin.ts';
import { accountPrompt, registrationPrompt } from './interactions.ts';
import { type CertificatesOfRequests, endpointAliases, mutualTls } from './mutual-tls.ts';
import { offeredBy } from './offered.ts';
import { createPromptPolicy } from './prompt-policy.ts';
import type { ProviderPages } from './provider-pages.ts';
import { defaultResourceFor, jwtHeaderFor, mayIntrospect, resourceServerFor } from './resources.ts';
import type { TenantAccounts } from './tenant-accounts.ts';

export interface ConfigurationParts {
  readonly definition: TenantDefinition;
  readonly issuer: string;
  readonly jwks: readonly JWK[];
  readonly cookieKeys: readonly string[];
  readonly dpopNonceSecret: Buffer;
  readonly adapter: (kind: string) => Adapter;
  readonly accounts: TenantAccounts;
  readonly rotation: RefreshRotation;
  readonly pages: ProviderPages;
  readonly crossOrigin: Pick<CrossOrigin, 'isAllowed'>;
  readonly certificates: CertificatesOfRequests;
  readonly clock: Clock;
}

/** Seconds. */
const clockTolerance = 15;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Every option that matters is set here on purpose, also where it equals the default. */
export const providerConfiguration = (parts: ConfigurationParts): Configuration => {
  const { definition, issuer, pages } = parts;
  const offered = offeredBy(definition);
  const checkAssertion = createAssertionCheck({ definition, issuer, clockTolerance, nowSeconds });
  const { pathname } = new URL(issuer);
  const grantTtl = Math.max(
    definition.lifetimes.session,
    ...definition.clients.map(
      ({ metadata }) => lifetimesOf(definition, metadata.client_id).refreshTokenAbsolute,
    ),
    definition.lifetimes.refreshTokenAbsolute,
  );

  return {
    adapter: parts.adapter,
    clients: toProviderClients(definition, issuer),
    jwks: { keys: [...parts.jwks] as never }, // jose's JWK and the provider's differ in the spelling of optional members
    findAccount: (ctx, sub, token) => parts.accounts.find(ctx, sub, token),

    scopes: builtInScopes.filter((scope) => offered.hasScope(scope)),
    // groups and roles belong to openid too, so that ID tokens carry them when their scope was granted; every ID token
    // says how and when the person signed in
    claims: {
      acr: null,
      iss: null,
      sid: null,
      openid: ['sub', 'groups', 'roles', 'acr', 'amr', 'auth_time'],
      email: ['email', 'email_verified'],
      profile: [
        'birthdate',
        'family_name',
        'gender',
        'given_name',
        'locale',
        'middle_name',
        'name',
        'nickname',
        'picture',
        'preferred_username',
        'profile',
        'updated_at',
        'website',
        'zoneinfo',
        ...furtherClaims(definition.sources),
      ],
    },
    acrValues: acrValuesOf(definition),
    subjectTypes: ['public'],
    responseTypes: ['code'],
    conformIdTokenClaims: true,
    clockTolerance,
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    enableHttpPostMethods: false,
    clientAuthMethods: offered.clientAuthMethods,
    clientDefaults: {
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: 'RS256',
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    clientBasedCORS: (ctx, origin, client) => parts.crossOrigin.isAllowed(ctx, origin, client.clientId),
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims, header, client) =>
      checkAssertion(claims, header, client),
    enabledJWA: {
      clientAuthSigningAlgValues: offered.assertionAlgorithms,
      idTokenSigningAlgValues: offered.idTokenAlgorithms,
      dPoPSigningAlgValues: [...dpopAlgorithms],
    },
    // the first names the source of people, without a choice by the person; `login` knows the sources
    extraParams: ['idp_hint', ...deviceParameters],
    pkce: { required: (_ctx, client) => !definition.pkceExemptions.includes(client.clientId) },

    cookies: providerCookies(issuer, parts.cookieKeys),
    discovery: {
      claims_parameter_supported: false,
      // section 8 of draft-ietf-oauth-first-party-apps-04
      ...(offered.hasDirectLogin ? { authorization_challenge_endpoint: `${issuer}${challengePath}` } : {}),
      ...endpointAliases(issuer, { ...parts, offered }),
      service_documentation: undefined,
      prompt_values_supported: [
        ...['none', 'login', 'consent', accountPrompt],
        ...(isRegistrationOpen(definition) ? [registrationPrompt] : []),
      ],
      ui_locales_supported: ['en', 'de'],
    },
    routes: {
      authorization: '/auth',
      code_verification: '/device',
      device_authorization: '/device/auth',
      end_session: '/session/end',
      introspection: '/token/introspection',
      jwks: '/jwks',
      pushed_authorization_request: '/request',
      revocation: '/token/revocation',
      token: '/token',
      userinfo: '/me',
    },

    ttl: {
      AccessToken: (_ctx, token, client) =>
        token.resourceServer?.accessTokenTTL ?? lifetimesOf(definition, client.clientId).accessToken,
      AuthorizationCode: (_ctx, _code, client) => lifetimesOf(definition, client.clientId).authorizationCode,
      ClientCredentials: (_ctx, token, client) =>
        token.resourceServer?.accessTokenTTL ?? lifetimesOf(definition, client.clientId).accessToken,
      DeviceCode: (_ctx, _code, client) => lifetimesOf(definition, client.clientId).deviceCode,
      Grant: grantTtl,
      IdToken: (_ctx, _token, client) => lifetimesOf(definition, client.clientId).idToken,
      Interaction: definition.lifetimes.interaction,
      RefreshToken: (_ctx, token, client) =>
        refreshTokenTtl(lifetimesOf(definition, client.clientId), token.iiat ?? nowSeconds(), nowSeconds()),
      // a session without a sign-in only carries the guard of a form
      Session: (_ctx, session) =>
        session.accountId === undefined ? anonymousSessionTtl : definition.lifetimes.session,
    },
    // this option makes discovery list the grant
    ...(offered.hasRefreshTokens
      ? { issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token') }
      : {}),
    rotateRefreshToken: parts.rotation.shouldRotate,
    expiresWithSession: (_ctx, source) => !source.scopes.has('offline_access'),
    revokeGrantPolicy: (ctx) =>
      ctx.oidc.route !== 'revocation' || ctx.oidc.entities.RefreshToken !== undefined,
    loadExistingGrant: (ctx) => loadGrant(definition, ctx, grantTtl),
    extraTokenClaims: (ctx, token) => parts.accounts.tokenClaims(ctx, token),
    formats: {
      bitsOfOpaqueRandomness: 256,
      customizers: {
        jwt: (_ctx, token, parts_) => {
          Object.assign(parts_.payload, privateClaims(token));
          parts_.header = jwtHeaderFor(definition, parts_.payload.aud);
        },
      },
    },

    interactions: {
      url: (_ctx, interaction) => `${pathname}/interaction/${interaction.uid}`,
      policy: createPromptPolicy(definition, parts.accounts),
    },
    renderError: (ctx, out, error) => pages.error(ctx, out, error),

    features: {
      // logout tokens are sent from the outbox; see `request-endings.ts`
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      clientCredentials: { enabled: offered.grants.has('client_credentials') },
      claimsParameter: { enabled: false },
      dPoP: { enabled: true, nonceSecret: parts.dpopNonceSecret, requireNonce: () => false },
      deviceFlow: {
        enabled: offered.hasDeviceFlow,
        charset: 'base-20',
        mask: '****-****',
        deviceInfo: (ctx) => pages.deviceInfo(ctx),
        userCodeInputSource: (ctx, _form, out, error) => pages.userCodeInput(ctx, out, error),
        userCodeConfirmSource: (ctx, _form, client, info, userCode) =>
          pages.userCodeConfirm(ctx, { client, info, userCode }),
        successSource: (ctx) => pages.deviceDone(ctx),
      },
      introspection: {
        enabled: true,
        allowedPolicy: async (ctx, client, token) => {
          if (client.clientAuthMethod === 'none') return false;
          if (!mayIntrospect(definition, client.clientId, token)) return false;
          const { accountId } = token as { accountId?: string }; // client credentials have none
          return accountId === undefined || (await parts.accounts.find(ctx, accountId, token)) !== undefined;
        },
      },
      mTLS: mutualTls({ ...parts, offered }),
      pushedAuthorizationRequests: { enabled: true },
      registration: { enabled: false },
      requestObjects: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, identifier, client) =>
          resourceServerFor(definition, identifier, client.clientId),
        defaultResource: (ctx, client, oneOf) =>
          oneOf !== undefined && oneOf.length === 1
            ? (oneOf[0] as string) // length was checked
            : (defaultResourceFor(definition, client.clientId, ctx.oidc.requestParamScopes) ?? []),
        useGrantedResource: (_ctx, source) => Promise.resolve(isSingleResource(source)),
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx) => pages.logout(ctx),
        postLogoutSuccessSource: (ctx) => pages.signedOut(ctx),
      },
      userinfo: { enabled: true },
      jwtUserinfo: { enabled: false }, // no client can ask for it
    },
  };
};

/** The `acr` values that second factors and the tenant's sources can give to a sign-in. */
const acrValuesOf = ({ sources, secondFactor }: TenantDefinition): string[] => [
  ...new Set([
    ...(secondFactor.methods.length === 0 ? [] : [mfaAcr]),
    ...(secondFactor.methods.includes('passkey') ? [phrAcr] : []),
    ...sources.flatMap((source) => ('acr' in source ? Object.values(source.acr) : [])),
  ]),
];

/** A grant for one resource and no userinfo needs no `resource` at the token endpoint. */
const isSingleResource = (source: {
  readonly resource?: unknown;
  readonly scopes?: ReadonlySet<string>;
}): boolean => typeof source.resource === 'string' && source.scopes?.has('openid') !== true;
