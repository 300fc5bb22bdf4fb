import type { IdentityHeaderName } from '../../protocol/identity-headers.ts';
import type { SignatureAlgorithm } from '../../protocol/signature-algorithms.ts';
import type { TlsMaterial } from '../source/source-definition.ts';

/** The content of `gateway:` in the server's file. */
export interface GatewaySettings {
  /** False allows every request as that of an anonymous user: `AUTH_ENABLED=false`, for a first try on loopback. */
  readonly enabled: boolean;
  /** A parent domain of Drawbridge's host and of all service hosts; its cookies then serve all of them. */
  readonly cookieDomain?: string;
  /** Seconds. A session that is not used for so long is over. */
  readonly sessionIdle: number;
  /** Seconds. No session at the gateway lives longer, however often it is used. */
  readonly sessionAbsolute: number;
  /** Seconds for which an accepted name and password is remembered; 0: not at all. */
  readonly basicCache: number;
  /** Proves the proxy that asks, in `X-Drawbridge-Proxy-Secret`, for proxies whose address is not fixed. */
  readonly proxySecret?: string;
  readonly services: readonly ServiceDefinition[];
}

/** An application behind the gateway. */
export interface ServiceDefinition {
  readonly name: string;
  /** As `URL.host` gives it; absent: the host of the server's public URL. */
  readonly host?: string;
  /** `/orders`: the service has this path and what is below it; absent: the whole host. */
  readonly prefix?: string;
  /** The service itself does not see the prefix. */
  readonly stripPrefix: boolean;
  /** Absent: a proxy in front forwards the requests, and only asks Drawbridge whether they are allowed. */
  readonly target?: ServiceTarget;
  /** Ids of the only tenants whose people may use the service. */
  readonly tenants: readonly string[] | 'all';
  /** `aud` of the token that the service gets; by default its URL. */
  readonly audience: string;
  /** Of that token. */
  readonly signingAlgorithm: SignatureAlgorithm;
  /** Resource identifiers: tokens that are for a resource must be for one of these. */
  readonly resources: readonly string[];
  /** The content of the headers about the caller; absent: all of it, within the default size. */
  readonly identity?: IdentityLimits;
  /** Accepts name and password, and asks for them (`WWW-Authenticate: Basic`). */
  readonly basic: boolean;
  /** Lets CORS preflights through without an identity (Fetch standard, section 3.2.2). */
  readonly corsPreflight: boolean;
  /** The service takes `/Admin` and `/admin` for one path. At most one of the two is true; neither: not known. */
  readonly ignoreCase: boolean;
  /** The service takes `/Admin` and `/admin` for different paths. */
  readonly caseSensitive: boolean;
  /** In order; the first that matches decides. An empty list allows all people of its tenants. */
  readonly rules: readonly AccessRule[];
}

export interface IdentityLimits {
  /** Absent: all. */
  readonly headers?: readonly IdentityHeaderName[];
  /** Patterns of the groups that the service gets, with `*`; absent: all. */
  readonly groups?: readonly string[];
  /** Of all headers about the caller. */
  readonly maxBytes: number;
}

export interface ServiceTarget {
  /** Origin, and a path that goes in front, without a slash at the end. */
  readonly url: string;
  /** Milliseconds within which a connection must be established. */
  readonly connectTimeoutMs: number;
  /** Milliseconds without a byte from the service until its answer begins. */
  readonly timeoutMs: number;
  /** Milliseconds without a byte on a streaming connection, an upgraded one too, after which it is closed. */
  readonly idleTimeoutMs: number;
  /** `public`: the service sees the host that the browser asked for; `target`: its own. */
  readonly hostHeader: 'public' | 'target';
  readonly tls?: TlsMaterial;
  /** What the service gets as `Authorization`: nothing, the signed token about the caller, or a fixed bearer. */
  readonly authorization: 'none' | 'token' | { readonly bearer: string };
  /** Asked every `intervalMs`; a service that does not answer 2xx or 3xx there gets no requests. */
  readonly health?: { readonly path: string; readonly intervalMs: number };
}

/** A rule matches when all its conditions hold; it then decides. */
export interface AccessRule {
  /** `/exact`, `/one/*`, `/below/**`; absent: every path. Below the prefix where that is stripped. */
  readonly paths?: readonly string[];
  /** Capital letters. */
  readonly methods?: readonly string[];
  readonly tenants?: readonly string[];
  /** One of them. */
  readonly roles?: readonly string[];
  /** One of them. */
  readonly groups?: readonly string[];
  /** All of them; only tokens have any. */
  readonly scopes?: readonly string[];
  /** One of them is the audience of the caller's token. */
  readonly audiences?: readonly string[];
  /** One of them is the client of the caller's token. */
  readonly clients?: readonly string[];
  /** `allow` needs an identity, `anyone` does not. */
  readonly access: 'allow' | 'anyone' | 'deny';
  /** The properties that a sign-in must have, else the person is asked to sign in again (RFC 9470). */
  readonly acr?: readonly string[];
  /** All of them (RFC 8176). */
  readonly amr?: readonly string[];
  /** Seconds since the sign-in. */
  readonly maxAge?: number;
}

/** The content of `gateway:` in a tenant's file: it may only narrow what the server's file allows. */
export interface TenantGateway {
  /** client_id for `/tenant/<tenant>/loginDevice`. */
  readonly deviceClient?: string;
  /** By the service's name. */
  readonly services: Readonly<Record<string, TenantServiceLimits>>;
  /** API gateways that are trusted to name the user. */
  readonly trustedGateways: readonly TrustedGateway[];
}

export interface TenantServiceLimits {
  /** False: no person of this tenant may use the service. */
  readonly enabled: boolean;
  /** Asked after the server's own rules; both must allow. An empty list is no further limit. */
  readonly rules: readonly AccessRule[];
}

/** An external API gateway that stands in for the identity provider; see docs/gateway/external-gateways.md. */
export interface TrustedGateway {
  readonly id: string;
  readonly proof:
    | { readonly type: 'secret'; readonly header: string; readonly secret: string }
    /** SHA-256 of the DER certificate, hexadecimal in small letters; as a trusted proxy sends it (RFC 9440). */
    | { readonly type: 'certificate'; readonly fingerprints: readonly string[] }
    | {
        readonly type: 'assertion';
        readonly header: string;
        readonly issuer: string;
        readonly audience: string;
        /** JWK Set, public keys. */
        readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
      };
  /** How the gateway names the user. */
  readonly user:
    | { readonly type: 'header'; readonly header: string }
    /** SHA-256 of the key in base64url, to the user name. */
    | {
        readonly type: 'subscription';
        readonly header: string;
        readonly keys: Readonly<Record<string, string>>;
      }
    /** A claim of the assertion. */
    | { readonly type: 'claim'; readonly claim: string };
}
