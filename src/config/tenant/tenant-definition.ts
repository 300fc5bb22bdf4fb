import type { CertificateName } from '../../protocol/certificate-name.ts';
import type { SignatureAlgorithm } from '../../protocol/signature-algorithms.ts';
import type { TenantGateway } from '../gateway/gateway-definition.ts';
import type { SourceDefinition } from '../source/source-definition.ts';
import type { TenantAdministration } from './administration-definition.ts';
import type { GroupChoice } from './group-choice.ts';

/** The content of a tenant's file, parsed, with defaults and resolved secrets. Deeply frozen. */
export interface TenantDefinition {
  /** The file's name without `.yaml`; `checkTenantId` accepts it. */
  readonly id: string;
  /** Changes whenever the file or a secret it refers to changes (SHA-256). */
  readonly version: string;
  readonly displayName: string;
  /** Served only while the server is bound to, and public at, a loopback address. */
  readonly demo: boolean;
  /** False hides the tenant from the selection page. */
  readonly listed: boolean;
  /** Origin of the tenant's own host, instead of the server's. */
  readonly publicUrl?: string;
  readonly branding: Branding;
  readonly locale: Locale;
  /** Absent: a forgotten password is an operator's to replace. */
  readonly recovery?: { readonly password: 'mail' };
  /** Absent: an operator adds people. */
  readonly registration?: RegistrationRules;
  readonly accounts: AccountRules;
  /** Who may administer the tenant, beside the operators of the server. */
  readonly administration: TenantAdministration;
  readonly apiKeys: ApiKeyRules;
  readonly audit: AuditRules;
  /** Absent: new passwords are judged by the rules alone. */
  readonly breachedPasswords?: BreachedPasswordList;
  /** Absent members: as the server has them. */
  readonly mail?: { readonly from?: string; readonly replyTo?: string };
  readonly lifetimes: Lifetimes;
  readonly grants: { readonly password: boolean };
  /** client_ids of confidential clients that may omit PKCE. */
  readonly pkceExemptions: readonly string[];
  readonly resources: readonly ResourceDefinition[];
  readonly defaultResource?: string;
  readonly clients: readonly ClientDefinition[];
  /** Seeds, in demo tenants only. */
  readonly users: readonly UserSeed[];
  readonly throttle: TenantThrottle;
  /** The sources of people, in the order in which they are asked; the local list when the file names none. */
  readonly sources: readonly SourceDefinition[];
  readonly secondFactor: SecondFactorRules;
  /** Absent: no certificate of a client is trusted because of its issuer. */
  readonly certificates?: CertificateRules;
  readonly gateway: TenantGateway;
}

/** Certificates of clients and machines. */
export interface CertificateRules {
  /** PEM: the authorities, each of which issues certificates of clients itself. */
  readonly ca: string;
  /** The first that fits decides. */
  readonly machines: readonly MachineCertificate[];
}

/** A certificate that stands for a system user at the gateway. */
export interface MachineCertificate {
  readonly name: CertificateName;
  /** User name. */
  readonly user: string;
}

/** A list of passwords that have become public, as the range API of Pwned Passwords answers. */
export interface BreachedPasswordList {
  /** Without `/range/…`. */
  readonly url: string;
  /** The longest that a new password waits for it. */
  readonly timeoutMs: number;
}

export type Locale = 'en' | 'de';

/** Who may make an account of their own. Invitations work in each mode. */
export interface RegistrationRules {
  readonly mode: 'invited' | 'domains' | 'open';
  /** E-mail domains, canonical; of the mode `domains`. */
  readonly domains: readonly string[];
  /** Of new people. */
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Asked before a mail is sent; its requests are signed with the key. */
  readonly check?: { readonly url: string; readonly key: string };
}

/** One for all languages, or at least one of them. */
export type LocalText = string | { readonly [L in Locale]?: string | undefined };

export interface Branding {
  /** `#rrggbb` */
  readonly color: string;
  /** `data:image/...` URI or an https URL. */
  readonly logo?: string;
  /** Web addresses, shown at the foot of every page. */
  readonly links?: { readonly [L in FooterLink]?: LocalText };
  /** An e-mail address, a telephone number or a web address. */
  readonly support?: string;
  /** False: without the name of the software. */
  readonly footer?: false;
}

export type FooterLink = 'imprint' | 'privacy' | 'terms' | 'help';

/** What people may do with their own account. */
export interface AccountRules {
  readonly usernameChange: boolean;
  readonly deletion: DeletionRules;
}

/** The audit record. */
export interface AuditRules {
  /** Absent: records are never removed. */
  readonly retentionSeconds?: number;
  /** Systems that get all records. */
  readonly stream?: {
    readonly webhook?: { readonly url: string; readonly secret: string };
    /** An absolute path. */
    readonly file?: string;
  };
}

/** Keys of system users and people. */
export interface ApiKeyRules {
  readonly maximumAgeSeconds: number;
  readonly allowNonExpiring: boolean;
  readonly onePerSystemUser: boolean;
  /** How long the old secret is accepted after a rotation. */
  readonly overlapSeconds: number;
  /** Services that people may make keys for themselves for, by name; empty: nobody has keys of their own. */
  readonly ownServices: readonly string[];
  /** Keys that people make for themselves are good once a code is presented that is sent by e-mail. */
  readonly verification?: 'mail';
  /** For mails that a key of a system user without an address expires. */
  readonly contact?: string;
}

/** Seconds. */
export interface Lifetimes {
  readonly session: number;
  readonly interaction: number;
  readonly authorizationCode: number;
  /** Opaque access tokens. */
  readonly accessToken: number;
  readonly idToken: number;
  /** Sliding: each rotation starts it anew. */
  readonly refreshToken: number;
  /** From the first one of a grant; no rotation goes past it. */
  readonly refreshTokenAbsolute: number;
  /** How long a rotated refresh token still answers with its successor, 0 to 60. */
  readonly refreshTokenGrace: number;
  /** How long a repeated redemption of a code is refused without revoking what the code gave, 0 to 60. */
  readonly codeGrace: number;
  /** Access tokens of the login API, with their sessions. */
  readonly directLogin: number;
  /** `authentication.oauth2.deviceCodeExpiration` in the file. */
  readonly deviceCode: number;
}

/** The lifetimes that a client may set for itself: all but those of the browser's session and interaction. */
export type ClientLifetimes = Partial<Omit<Lifetimes, 'session' | 'interaction'>>;

export interface ResourceDefinition {
  /** Absolute URI without fragment (RFC 8707). */
  readonly identifier: string;
  readonly name?: LocalText;
  /** Scope name to the words shown at consent. */
  readonly scopes: Readonly<Record<string, LocalText>>;
  readonly format: 'jwt' | 'opaque';
  /** Of its JWTs. */
  readonly signingAlgorithm: SignatureAlgorithm;
  /** `typ` of its JWTs. */
  readonly typ: 'at+jwt' | 'JWT';
  /** Seconds. */
  readonly lifetime: number;
  /** Groups in its JWTs; absent: all. */
  readonly groups?: GroupChoice;
  /** client_ids that may introspect tokens for this resource. */
  readonly introspectedBy: readonly string[];
  /** client_ids that may ask for it; absent: all clients of the tenant. */
  readonly clients?: readonly string[];
}

/** RFC 7591 metadata by its own names, and Drawbridge's own members in camelCase. */
export interface ClientDefinition {
  readonly metadata: ClientMetadata;
  /** On the pages; `metadata.client_name` is the text in the tenant's own language. */
  readonly name?: LocalText;
  /** Valid beside `metadata.client_secret`, while the client changes from one to the other. */
  readonly secondSecret?: string;
  /** Consent is skipped, except for native or public clients whose redirect is neither https nor loopback. */
  readonly firstParty: boolean;
  /** May people sign in on its own page? */
  readonly directLogin: boolean;
  /** Also by a code that is sent by e-mail? */
  readonly emailCode: boolean;
  /** `all`: claims of `profile` and `email` are in its ID tokens too. */
  readonly idTokenClaims: 'standard' | 'all';
  /** Groups in its ID tokens, or patterns of them; absent: all. Userinfo has all. */
  readonly idTokenGroups?: GroupChoice;
  /** What its assertions may have as `aud` beside the issuer. */
  readonly assertionAudience?: 'issuer' | 'token_endpoint';
  /** Exact origins that may call token and userinfo from a browser. */
  readonly allowedOrigins: readonly string[];
  readonly defaultResource?: string;
  readonly lifetimes: ClientLifetimes;
  /** `sunset`: epoch milliseconds; from then on the password grant is refused. */
  readonly passwordGrant: { readonly sunset?: number };
}

/** RFC 7591 and its relatives; `client_secret` is resolved. */
export interface ClientMetadata {
  readonly client_id: string;
  readonly client_name?: string;
  readonly client_secret?: string;
  readonly application_type: 'web' | 'native';
  readonly token_endpoint_auth_method:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'tls_client_auth'
    | 'self_signed_tls_client_auth'
    | 'none';
  readonly grant_types: readonly string[];
  readonly response_types: readonly string[];
  readonly redirect_uris: readonly string[];
  readonly post_logout_redirect_uris: readonly string[];
  /** Space-separated; absent: every scope of the tenant. */
  readonly scope?: string;
  readonly id_token_signed_response_alg: SignatureAlgorithm;
  readonly [name: string]: unknown;
}

export interface UserSeed {
  readonly username: string;
  readonly password: string;
  readonly email?: string;
  readonly emailVerified: boolean;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
}

/** Limits for failed password sign-ins and entries of user codes: `points` in `seconds`. */
export interface TenantThrottle {
  readonly account: Allowance;
  readonly address: Allowance;
  /** What browsers without a session begin from one address. */
  readonly startAddress: Allowance;
  readonly userCodeSession: Allowance;
  readonly userCodeAddress: Allowance;
  readonly userCodeTenant: Allowance;
}

/** The deletion of accounts by the people whose accounts they are. */
export interface DeletionRules {
  /** `local`: people who are kept here alone. */
  readonly allowed: 'local' | 'everyone' | 'nobody';
  readonly graceSeconds: number;
}

/** `email`: a mailed code, of people who have none of the others; nothing is set up for it. */
export type FactorMethod = 'totp' | 'passkey' | 'email';

export interface SecondFactorRules {
  /** Those that users may set up; empty: there are no second factors. */
  readonly methods: readonly FactorMethod[];
  /** Is a passkey with user verification enough to sign in? */
  readonly passwordless: boolean;
  /** Who must have one. */
  readonly required: {
    readonly everyone: boolean;
    readonly roles: readonly string[];
    readonly groups: readonly string[];
    readonly clients: readonly string[];
  };
  /** Seconds in which a browser is not asked again; absent: it is asked at each sign-in. */
  readonly rememberBrowser?: number;
  /** Epoch milliseconds until which a sign-in without one is accepted. */
  readonly deadline?: number;
}

export interface Allowance {
  readonly points: number;
  readonly windowSeconds: number;
}
