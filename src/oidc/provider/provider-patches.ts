// Adjustments of oidc-provider's public classes and answers that its options do not offer. A new version of the
// library is checked against this list; each function names the test below test/ that fails without it.
//
//   pinToIssuer                request, OIDCContext.urlFor         every URL follows the issuer
//   keepSecretsHashed          Client.compareClientSecret          client secrets are kept as hashes
//   alwaysIncludeSid           Client.includeSid                   `sid` in every ID token
//   noteLogouts                Client.backchannelLogout            logout tokens are sent from the outbox
//   acceptOnlyIdTokensAsHints  IdToken.validate                    an `id_token_hint` is an ID token
//   deriveSuccessors           RefreshToken.generateTokenId        one successor of a refresh token
//   nameTenantInDeviceCodes    DeviceCode.generateTokenId          device codes name their tenant
//   announcePollInterval       event device_authorization.success  `interval` in the answer
//   leaveOutUndefinedScopes    ClientCredentials.save              no scopes that mean nothing
//   storeFirstSessions         Session.persist                     forms without a session
//   keepProvenBy               Session and Grant.IN_PAYLOAD, Session.loginAccount  sources of a sign-in
//   keepRoleLimit              Grant.IN_PAYLOAD                    roles of an exchanged key
//   keepOrigin                 Session.IN_PAYLOAD, .loginAccount   browser and address of a sign-in
//   markTokensOfCodes          AccessToken and RefreshToken.IN_PAYLOAD, .save     which code gave a token
//   refuseGrantTypes           Client.grantTypeAllowed             `unauthorized_client`
//   noticeReplays              ReplayDetection.unique              the insert decides
//   giveAllClaims              IdToken.issue                       `idTokenClaims: all`, `idTokenGroups`
//   leaveRightsToFirstParties  OIDCContext.requestParamOIDCScopes  the scopes `account` and `admin`
//
// Elsewhere only the policy of prompts is changed (prompt-policy.ts), by the library's own
// means, and members of single objects that are public but untyped are read or set, beside their use.
import type { EventEmitter } from 'node:events';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { AppLogout } from '../../accounts/revocations.ts';
import type { GroupChoice } from '../../config/tenant/group-choice.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId, isEqualConstantTime } from '../../crypto/ids.ts';
import { deviceCodeGrant } from '../../protocol/grant-types.ts';
import { matchingNames } from '../../protocol/name-pattern.ts';
import { UsedAlready } from '../adapter/token-adapters.ts';
import { anonymousSessionTtl, sessionCookieOptions } from '../cookies.ts';
import { pollIntervalSeconds } from '../grants/device-codes.ts';
import type { RefreshRotation } from '../tokens/refresh-rotation.ts';
import { findClient } from './clients.ts';
import { leaveRightsToFirstParties } from './first-party-scopes.ts';
import { keepOrigin, keepProvenBy, keepRoleLimit, markTokensOfCodes } from './kept-members.ts';

export interface ProviderPatchesParts {
  readonly definition: TenantDefinition;
  readonly issuer: string;
  readonly rotation: Pick<RefreshRotation, 'successorOf'>;
  /** In place of a logout token that the library would send. */
  readonly noteLogout: (logout: AppLogout) => void;
  readonly addressOf: (ctx: KoaContextWithOIDC) => string;
  /** The library's context of the request in progress. */
  readonly current: () => KoaContextWithOIDC | undefined;
}

export const patchProvider = (provider: Provider, parts: ProviderPatchesParts): void => {
  pinToIssuer(provider, parts.issuer);
  keepSecretsHashed(provider);
  alwaysIncludeSid(provider);
  noteLogouts(provider, parts.noteLogout);
  acceptOnlyIdTokensAsHints(provider);
  deriveSuccessors(provider, parts);
  nameTenantInDeviceCodes(provider, parts.definition.id);
  announcePollInterval(provider);
  leaveOutUndefinedScopes(provider);
  storeFirstSessions(provider, parts);
  keepProvenBy(provider, parts.current);
  keepRoleLimit(provider);
  keepOrigin(provider, parts.current, parts.addressOf);
  markTokensOfCodes(provider, parts.current);
  refuseGrantTypes(provider, parts);
  noticeReplays(provider);
  giveAllClaims(provider, parts.definition);
  leaveRightsToFirstParties(provider, parts.definition);
};

/**
 * Every URL, and whether a cookie is secure, follows the issuer: the library would take host and protocol of the
 * request, which a proxy may have changed. Held by flows/request-checks.test.ts.
 */
const pinToIssuer = (provider: Provider, issuer: string): void => {
  const { host, hostname, protocol, origin } = new URL(issuer);
  const constant = (value: unknown): PropertyDescriptor => ({ get: () => value, configurable: true });
  Object.defineProperties(provider.request, {
    host: constant(host),
    hostname: constant(hostname),
    protocol: constant(protocol.slice(0, -1)),
    origin: constant(origin),
    secure: constant(protocol === 'https:'),
  });
  provider.OIDCContext.prototype.urlFor = (name: string, options?: object): string =>
    (provider as unknown as { urlFor(name: string, options?: object): string }).urlFor(name, options); // public, but untyped
};

/**
 * The provider holds hashes of client secrets, where the library expects the secrets; a presented one is hashed and
 * compared in constant time. Held by flows/client-authentication.test.ts.
 */
const keepSecretsHashed = (provider: Provider): void => {
  provider.Client.prototype.compareClientSecret = function compareClientSecret(actual: string): boolean {
    const presented = hashId(actual);
    // each is compared, so that the time does not say which of two it was
    const matches = (this.clientSecret ?? '')
      .split(' ')
      .filter((hash) => isEqualConstantTime(presented, hash));
    return matches.length > 0;
  };
};

/**
 * `sid` in every ID token and JWT, so that an app can find out which session a logout means; the library adds it only
 * for clients with `backchannel_logout_session_required`. Held by flows/backchannel-logout.test.ts.
 */
const alwaysIncludeSid = (provider: Provider): void => {
  provider.Client.prototype.includeSid = () => true;
};

/**
 * The library would send logout tokens itself and make the person wait for the apps; so the apps are noted for the
 * outbox. Held by flows/backchannel-logout.test.ts.
 */
const noteLogouts = (provider: Provider, note: (logout: AppLogout) => void): void => {
  provider.Client.prototype.backchannelLogout = function noteLogout(sub: string, sid: string): Promise<void> {
    note({ clientId: this.clientId, sub, sid });
    return Promise.resolve();
  };
};

/**
 * An `id_token_hint` is an ID token, which has no type or the plain one. The library accepts any JWT that this tenant
 * signed for the client: logout tokens, or the gateway's token for a service of the same name (RFC 8725 section 3.11).
 * Held by flows/gateway-tokens.test.ts.
 */
const acceptOnlyIdTokensAsHints = (provider: Provider): void => {
  const { IdToken } = provider;
  const { validate } = IdToken;
  IdToken.validate = async (token, client) => {
    const validated = await validate.call(IdToken, token, client);
    if (![undefined, 'JWT'].includes(validated.header.typ as string | undefined))
      throw new Error('this is not an ID token');
    return validated;
  };
};

/**
 * The successor of a rotated refresh token has an id that follows from the token's, where the library draws a random
 * one: two answers to the same token, on any two instances, carry the same successor (RFC 9700 section 4.14.2).
 * Held by flows/refresh.test.ts.
 */
const deriveSuccessors = (
  provider: Provider,
  { current, rotation }: Pick<ProviderPatchesParts, 'current' | 'rotation'>,
): void => {
  const prototype = provider.RefreshToken.prototype as unknown as { generateTokenId(): string }; // public, but untyped
  const random = prototype.generateTokenId;
  prototype.generateTokenId = function generateTokenId(): string {
    const rotated = current()?.oidc.entities.RotatedRefreshToken;
    return rotated === undefined ? random.call(this) : rotation.successorOf(rotated.jti);
  };
};

/**
 * Device codes name their tenant, for an endpoint that all tenants share (`login/device-login.ts`):
 * `<tenant>.<random>`. Held by flows/device-compatibility.test.ts.
 */
const nameTenantInDeviceCodes = (provider: Provider, tenant: string): void => {
  const prototype = provider.DeviceCode.prototype as unknown as { generateTokenId(): string }; // public, but untyped
  const random = prototype.generateTokenId;
  prototype.generateTokenId = function generateTokenId(): string {
    return `${tenant}.${random.call(this)}`;
  };
};

/**
 * `interval` (RFC 8628 section 3.2), which `DeviceCodes.poll` enforces; the library does not send one.
 * Held by flows/device.test.ts.
 */
const announcePollInterval = (provider: Provider): void => {
  const emitter: EventEmitter = provider; // the body of this event is typed without members
  emitter.on('device_authorization.success', (_ctx: KoaContextWithOIDC, body: Record<string, unknown>) => {
    body.interval = pollIntervalSeconds;
  });
};

/**
 * A client's own token for no resource has no scopes, though the library would give it the requested ones. No scope is
 * defined for such a token, and a service that gets it must not read a name that the client chose as a permission.
 * Held by flows/access-tokens.test.ts.
 */
const leaveOutUndefinedScopes = (provider: Provider): void => {
  const { prototype } = provider.ClientCredentials;
  const { save } = prototype;
  prototype.save = function saveWithDefinedScopes(): Promise<string> {
    if (this.aud === undefined) delete this.scope;
    return save.call(this);
  };
};

/**
 * A form that comes without a session, because that has expired, is shown again with a guard in a new session. The
 * library does not store that one and throws; so it is stored here, with its cookie, and the form can be sent.
 * Held by flows/device.test.ts.
 */
const storeFirstSessions = (
  provider: Provider,
  { current, issuer }: Pick<ProviderPatchesParts, 'current' | 'issuer'>,
): void => {
  const prototype = provider.Session.prototype as unknown as StorableSession; // public, but untyped
  const { persist } = prototype;
  prototype.persist = function persistOrStore(): Promise<unknown> {
    if (this.exp !== undefined) return persist.call(this);
    current()?.oidc.cookies.set(provider.cookieName('session'), this.id, sessionCookieOptions(issuer));
    return this.save(anonymousSessionTtl);
  };
};

/**
 * A grant type that the client may not use is `unauthorized_client` (RFC 6749 section 5.2); the library answers
 * `invalid_request`. Held by flows/authorization-requests.test.ts.
 */
const refuseGrantTypes = (provider: Provider, { current }: Pick<ProviderPatchesParts, 'current'>): void => {
  const { prototype } = provider.Client;
  const { grantTypeAllowed } = prototype;
  prototype.grantTypeAllowed = function allowOrRefuse(type: string): boolean {
    if (grantTypeAllowed.call(this, type)) return true;
    const { route, params } = current()?.oidc ?? {};
    const isAsked =
      route === 'device_authorization'
        ? type === deviceCodeGrant
        : route === 'token' && params?.grant_type === type;
    if (isAsked) throw new errors.UnauthorizedClient('requested grant type is not allowed for this client');
    return false;
  };
};

/** The insert detects a second use (`ReplayDetectionAdapter`). Held by flows/client-authentication.test.ts. */
const noticeReplays = (provider: Provider): void => {
  const { ReplayDetection } = provider;
  const { unique } = ReplayDetection;
  ReplayDetection.unique = async (iss, jti, exp) => {
    try {
      return await unique.call(ReplayDetection, iss, jti, exp);
    } catch (error) {
      if (error instanceof UsedAlready) return false;
      throw error;
    }
  };
};

/**
 * The groups that a client wants in its ID tokens; and all claims of the granted scopes for a client that wants them
 * there, which the library leaves to userinfo where there is a token for it (OpenID Connect Core section 5.4). Held by flows/id-token-claims.test.ts.
 */
const giveAllClaims = (provider: Provider, definition: TenantDefinition): void => {
  const prototype = provider.IdToken.prototype as unknown as IssuedIdToken; // public, but untyped
  const { issue } = prototype;
  prototype.issue = function issueWithClaims(options) {
    const { idTokenClaims, idTokenGroups } = findClient(definition, this.client.clientId) ?? {};
    if (options.use === 'idtoken') {
      if (idTokenClaims === 'all' && this.ctx !== undefined) this.scope = grantedScope(this.ctx);
      if (idTokenGroups !== undefined) this.available = withGroups(this.available, idTokenGroups);
    }
    return issue.call(this, options);
  };
};

const withGroups = (
  { groups, ...others }: Readonly<Record<string, unknown>>,
  choice: GroupChoice,
): Readonly<Record<string, unknown>> =>
  choice === 'none' || !Array.isArray(groups) ? others : { ...others, groups: matchingNames(groups, choice) };

/** The identity scopes of this request: of its parameter, else of the code or refresh token. */
const grantedScope = ({ oidc }: KoaContextWithOIDC): string => {
  const { AuthorizationCode, DeviceCode, RefreshToken } = oidc.entities;
  const source =
    oidc.params?.scope === undefined ? (AuthorizationCode ?? DeviceCode ?? RefreshToken) : undefined;
  return oidc.grant?.getOIDCScopeFiltered(new Set(source?.scopes ?? oidc.requestParamScopes)) ?? 'openid';
};

interface IssuedIdToken {
  available: Readonly<Record<string, unknown>>;
  scope?: string;
  readonly client: { readonly clientId: string };
  readonly ctx?: KoaContextWithOIDC;
  issue(options: { readonly use: string }): Promise<string>;
}

interface StorableSession {
  readonly id: string;
  readonly exp?: number;
  persist(): Promise<unknown>;
  save(ttlSeconds: number): Promise<unknown>;
}
