import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AppLogout } from '../../accounts/revocations.ts';
import { hashId, isEqualConstantTime } from '../../crypto/ids.ts';

/** Adjustments of the library's public classes that its options do not offer. */

/** Every URL, and whether a cookie is secure, follows the issuer, never a header of the request. */
export const pinToIssuer = (provider: Provider, issuer: string): void => {
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

/** The provider holds hashes of client secrets; a presented one is hashed and compared in constant time. */
export const keepSecretsHashed = (provider: Provider): void => {
  provider.Client.prototype.compareClientSecret = function compareClientSecret(actual: string): boolean {
    return isEqualConstantTime(hashId(actual), this.clientSecret ?? '');
  };
};

/** `sid` in every ID token and JWT, so that an app can tell which session a logout meant. */
export const alwaysIncludeSid = (provider: Provider): void => {
  provider.Client.prototype.includeSid = () => true;
};

/**
 * An `id_token_hint` is an ID token, which has no type or the plain one. The library takes whatever this tenant signed
 * for the client: logout tokens, or what the gateway tells a service that is named like it (RFC 8725 section 3.11).
 */
export const acceptOnlyIdTokensAsHints = (provider: Provider): void => {
  const { IdToken } = provider;
  const { validate } = IdToken;
  IdToken.validate = async (token, client) => {
    const validated = await validate.call(IdToken, token, client);
    if (![undefined, 'JWT'].includes(validated.header.typ as string | undefined))
      throw new Error('this is not an ID token');
    return validated;
  };
};

/** The library would send logout tokens itself and have the person wait for the apps; so they are noted instead. */
export const noteLogouts = (provider: Provider, note: (logout: AppLogout) => void): void => {
  provider.Client.prototype.backchannelLogout = function noteLogout(sub: string, sid: string): Promise<void> {
    note({ clientId: this.clientId, sub, sid });
    return Promise.resolve();
  };
};

/**
 * The successor of a rotated refresh token has an id that follows from the token's: two answers to the same
 * token, on any two instances, carry the same successor (RFC 9700 section 4.14.2).
 */
export const deriveSuccessors = (
  provider: Provider,
  parts: {
    readonly rotated: () => { readonly jti: string } | undefined;
    readonly successorOf: (token: string) => string;
  },
): void => {
  const prototype = provider.RefreshToken.prototype as unknown as { generateTokenId(): string }; // public, but untyped
  const random = prototype.generateTokenId;
  prototype.generateTokenId = function generateTokenId(): string {
    const rotated = parts.rotated();
    return rotated === undefined ? random.call(this) : parts.successorOf(rotated.jti);
  };
};

/** Device codes say whose they are, for an endpoint that all tenants share: `<tenant>.<random>`. */
export const nameTenantInDeviceCodes = (provider: Provider, tenant: string): void => {
  const prototype = provider.DeviceCode.prototype as unknown as { generateTokenId(): string }; // public, but untyped
  const random = prototype.generateTokenId;
  prototype.generateTokenId = function generateTokenId(): string {
    return `${tenant}.${random.call(this)}`;
  };
};

/**
 * A client's own token for no resource has no scopes: none is defined that it could mean, and whoever is shown the
 * token must not take a name that the client chose for a permission.
 */
export const leaveOutUndefinedScopes = (provider: Provider): void => {
  const { prototype } = provider.ClientCredentials;
  const { save } = prototype;
  prototype.save = function saveWithDefinedScopes(): Promise<string> {
    if (this.aud === undefined) delete this.scope;
    return save.call(this);
  };
};

/**
 * A form that comes without a session, because that has expired, is shown again with a guard in a new session. The
 * library forgets to store that one and breaks off; so it is stored here, with its cookie, and the form can be sent.
 */
export const storeFirstSessions = (
  provider: Provider,
  parts: {
    readonly current: () => KoaContextWithOIDC | undefined;
    readonly cookie: Parameters<KoaContextWithOIDC['oidc']['cookies']['set']>[2];
    /** Seconds. */
    readonly ttl: number;
  },
): void => {
  const prototype = provider.Session.prototype as unknown as StorableSession; // public, but untyped
  const { persist } = prototype;
  prototype.persist = function persistOrStore(): Promise<unknown> {
    if (this.exp !== undefined) return persist.call(this);
    parts.current()?.oidc.cookies.set(provider.cookieName('session'), this.id, parts.cookie);
    return this.save(parts.ttl);
  };
};

interface StorableSession {
  readonly id: string;
  readonly exp?: number;
  persist(): Promise<unknown>;
  save(ttlSeconds: number): Promise<unknown>;
}
