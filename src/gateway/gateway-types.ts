// The types of the gateway: the request, its caller, the decision. One core decides for every proxy.
//   gateway-dispatch.ts     which requests are for services, and which for Drawbridge itself
//   decision/               whether the request is allowed: the service, its tenant, the rules
//   callers/                the caller: session cookie, name and password, access token, API key, API gateway in front
//   answer/                 `/api/authz/…` for other proxies, and every answer to a decision
//   proxy/                  the built-in reverse proxy
//   sign-in/                from a service to the sign-in page and back, sessions at services, sign-out
//   cookies.ts              all cookies of the gateway
//   authentication-off.ts   `AUTH_ENABLED=false`
import type { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Accounts } from '../accounts/account-types.ts';
import type { FindKey } from '../accounts/api-keys/find-key.ts';
import type { ServiceDefinition } from '../config/gateway/gateway-definition.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Connector } from '../connectors/connector.ts';
import type { TenantProvider } from '../oidc/provider/tenant-provider.ts';
import type { AccessTokens } from '../oidc/tokens/access-tokens.ts';
import type { AddressBlocks } from '../protocol/address-blocks.ts';
import type { IdentityTokens } from './answer/identity-tokens.ts';
import type { GatewaySessions } from './sign-in/gateway-sessions.ts';

/** A request to a service, as its client made it, independent of the proxy that received it. */
export interface GatewayRequest {
  readonly method: string;
  /** Of the service, small letters, port only if it is not the scheme's own. */
  readonly host: string;
  /** As it was sent, undecoded. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly search: string;
  /** The client's own; never identity headers that were believed. Two `Authorization` headers are one with a comma. */
  readonly headers: IncomingHttpHeaders;
  /** Of the client. */
  readonly address: string;
  readonly requestId: string;
  /** Named by the operator, in the path of the authz endpoint. */
  readonly tenant?: string;
  /** A client certificate that a trusted proxy has verified: SHA-256 of its DER form, hexadecimal. */
  readonly certificateFingerprint?: string;
  /** The certificate of the client; `unreadable`: a trusted proxy sent something else. */
  readonly certificate?: X509Certificate | 'unreadable';
  /** Can `/.drawbridge/` of this host and cookies be set by us? False behind a proxy that only asks. */
  readonly isOwnProxy: boolean;
}

/** The parts of a tenant that the gateway needs. */
export interface GatewayTenant {
  readonly definition: TenantDefinition;
  readonly provider: Pick<TenantProvider, 'issuer' | 'host' | 'isSecure'>;
  readonly accounts: Pick<
    Accounts,
    | 'signInAtOnce'
    | 'choose'
    | 'admitToken'
    | 'factors'
    | 'findBySub'
    | 'findAsserted'
    | 'findMachine'
    | 'judgeSecret'
    | 'noteAttack'
    | 'displayUsername'
    | 'displayEmail'
  >;
  readonly connectors: readonly Connector[];
  readonly accessTokens: AccessTokens;
  readonly findKey: FindKey;
  readonly gatewaySessions: GatewaySessions;
  readonly identityTokens: IdentityTokens;
}

/** Undefined: there is no such tenant, or it is not served. Throws AppError `unavailable` when its file is broken. */
export type FindGatewayTenant = (id: string) => Promise<GatewayTenant | undefined>;

/** An authenticated caller. */
export interface Caller {
  readonly tenant: string;
  readonly issuer: string;
  /** The sub of an account, or the client_id of a client that acts for itself. */
  readonly sub: string;
  /** A system user is known like a person. */
  readonly kind: 'person' | 'client';
  /** `none`: authentication is off. */
  readonly method: 'session' | 'basic' | 'bearer' | 'apikey' | 'certificate' | 'gateway' | 'none';
  /** Unique in the tenant: see `Accounts.displayUsername`. Empty for a client. */
  readonly username: string;
  readonly name?: string;
  readonly email?: string;
  readonly emailVerified: boolean;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  /** Of a token; a session or a password has none. */
  readonly scopes?: readonly string[];
  /** Of a token that is for a resource. */
  readonly audiences?: readonly string[];
  readonly clientId?: string;
  /** The client of the token is not first-party: the token counts only where `isForService` allows it. */
  readonly isThirdParty?: boolean;
  readonly acr?: string;
  readonly amr: readonly string[];
  /** Of a name and password: id of the source that proved them. */
  readonly provenBy?: readonly string[];
  /** Epoch seconds. */
  readonly authTime?: number;
  /** Of a token that is bound to a certificate, and valid only together with it. */
  readonly certificateThumbprint?: string;
  /** Of an API key: where it may be used. */
  readonly keyLimits?: {
    readonly services?: readonly string[];
    readonly isFromNetworks?: AddressBlocks;
  };
  /** Epoch seconds until which this proof is valid. */
  readonly expiresAt?: number;
  /** Ids of the artifacts whose end ends this: of the Session, the GatewaySession, the Grant. */
  readonly revocationIds: readonly string[];
}

/** The result of verifying the credential of a request. */
export type Identification =
  | { readonly status: 'known'; readonly caller: Caller; readonly tenant: GatewayTenant }
  /** No credential was presented that could be verified; a cookie without a live session counts as none. */
  | { readonly status: 'nothing' }
  /** A credential was presented and is bad: final, even if others were sent. `description` may be shown. */
  | {
      readonly status: 'bad';
      readonly scheme: 'Basic' | 'Bearer';
      readonly error: 'invalid_token' | 'invalid_request' | 'credentials';
      readonly description: string;
    }
  | { readonly status: 'throttled'; readonly retryAfterSeconds: number }
  /** The account is locked, disabled or must change its password; the source answered that after the right password. */
  | { readonly status: 'refused'; readonly reason: string }
  /** Known, but not allowed here: `reason` is for the log. */
  | { readonly status: 'forbidden'; readonly reason: string };

export interface Demand {
  readonly acrValues?: readonly string[];
  readonly amr?: readonly string[];
  /** Seconds. */
  readonly maxAge?: number;
}

/** The decision about a request. `answerTo` makes an answer of it, in the dialect of the proxy that asked. */
export type Decision =
  | {
      readonly outcome: 'allowed';
      readonly service: ServiceDefinition;
      /** Absent when the rule allows any caller, or for a preflight. */
      readonly caller?: Caller;
      /** Of the caller; without one, where the person would have signed in. */
      readonly tenant?: GatewayTenant;
      /** Path as it was judged and as the service is to see it, undecoded, with the search. */
      readonly forwardPath: string;
    }
  /** No credential was presented. */
  | {
      readonly outcome: 'sign_in';
      readonly service: ServiceDefinition;
      /** The tenant of the sign-in; undefined when the person has to choose. */
      readonly tenant?: GatewayTenant;
    }
  | {
      readonly outcome: 'bad_credential';
      readonly service: ServiceDefinition;
      readonly tenant?: GatewayTenant;
      readonly scheme: 'Basic' | 'Bearer';
      readonly error: 'invalid_token' | 'invalid_request' | 'credentials';
      readonly description: string;
    }
  /** RFC 9470. */
  | {
      readonly outcome: 'step_up';
      readonly service: ServiceDefinition;
      readonly tenant: GatewayTenant;
      readonly demand: Demand;
      readonly caller: Caller;
    }
  | { readonly outcome: 'forbidden'; readonly reason: string }
  /** Locked, disabled, password to be changed: sent as `X-Auth-Reason`. */
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'throttled'; readonly retryAfterSeconds: number }
  | {
      readonly outcome: 'unavailable';
      readonly retryAfterSeconds: number;
      /** What is missing; may be shown. */
      readonly description?: string;
      readonly cause: unknown;
    }
  /** The request itself, or the description of a proxy, is malformed. */
  | { readonly outcome: 'invalid'; readonly description: string };

/** Redirects a browser to a sign-in. */
export type SignInDemand = Extract<Decision, { readonly outcome: 'sign_in' | 'step_up' }>;
