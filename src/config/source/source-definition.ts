/**
 * A source of a tenant's people, from its file: parsed, defaults filled in, presets applied, secrets and certificates
 * read. The id of a source is part of the key of its people: after renaming a source, its people get new accounts.
 */
export type SourceDefinition = LocalSource | LdapSource | UpstreamSource | HttpSource;

interface SourceBase {
  /** `^[a-z0-9][a-z0-9-]{0,30}$`, unique in the tenant. */
  readonly id: string;
  readonly displayName: string;
  /** `data:image/...` URI or an https URL, for its button. */
  readonly logo?: string;
  /** The preset that the file names; its own picture is on the button if there is no `logo`. */
  readonly preset?: string;
  /** Lower-case e-mail domains whose people sign in here (home-realm discovery). */
  readonly domains: readonly string[];
  /** client_ids whose people may sign in here; absent: all clients. */
  readonly clients?: readonly string[];
  /** Lower-case e-mail domains for which a verified e-mail of this source links accounts. */
  readonly trustedEmailDomains: readonly string[];
  /** In order, after the built-in mapping of the kind. */
  readonly mapping: readonly MappingStep[];
  /**
   * `keep`: the hash of a password that the source accepted is kept, to be used once the source is removed from the
   * file; `takeover`: from then on that hash decides, and the source is no longer asked.
   */
  readonly adopt: 'off' | 'keep' | 'takeover';
  /** People with live sessions are looked up again after so long. */
  readonly recheckSeconds: number;
  /** While the source cannot be reached, its last answer stays valid for so long after a re-check was due. */
  readonly degradedSeconds: number;
  /** The login page says that an account is locked, even if the password was wrong. */
  readonly revealLock: boolean;
  /** The login page says to a person with the right password that the account is disabled; others always say so. */
  readonly revealDisabled?: true;
  /** Roles and groups that it says itself count as they stand; without it roles need a mapping step. */
  readonly trustRoles?: boolean;
}

/** The members that only one kind of source has. */
export type OwnOf<T extends SourceBase> = Omit<T, keyof SourceBase>;

/** The people in Drawbridge's own store. */
export interface LocalSource extends SourceBase {
  readonly type: 'local';
}

export interface TlsMaterial {
  /** PEM of the certificate authorities that may sign the peer's; absent: those of the system. */
  readonly ca?: string;
  /** PEM of the client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
  /** Name in the peer's certificate, when it is not the host of the URL. */
  readonly serverName?: string;
}

export interface LdapSource extends SourceBase {
  readonly type: 'ldap';
  readonly kind: 'openldap' | 'active-directory';
  /** In order of preference: `ldaps://host:636`, `ldap://host:389`. */
  readonly urls: readonly string[];
  /** Upgrade `ldap://` before anything is sent. */
  readonly startTls: boolean;
  /** `ldap://` without StartTLS was allowed explicitly. */
  readonly insecure: boolean;
  readonly tls: TlsMaterial;
  readonly bind:
    | { readonly as: 'service'; readonly dn: string; readonly password: string }
    | { readonly as: 'anonymous' }
    /** The person binds at once; `{username}` is escaped per RFC 4514. The entry is then read as the person. */
    | { readonly as: 'person'; readonly dnTemplate: string };
  readonly search: {
    readonly base: string;
    readonly scope: 'sub' | 'one' | 'base';
    /** With `{username}`, which is escaped per RFC 4515. */
    readonly filter: string;
    /** A name with `@` that the filter does not find may be the e-mail address. */
    readonly isMailTried?: boolean;
  };
  /** Attribute of the stable subject: `entryUUID`, `objectGUID` … */
  readonly subjectAttribute: string;
  readonly usernameAttribute: string;
  /** Active Directory: the domain in `DOMAIN\name`; absent: the directory is asked. */
  readonly netbiosName?: string;
  /** Read for the mapping on top of the built-in ones. */
  readonly attributes: readonly string[];
  readonly groups: LdapGroups;
  readonly connectTimeoutMs: number;
  readonly operationTimeoutMs: number;
  /** Connections kept open to the server in use; 0 opens one for each operation. */
  readonly poolSize: number;
  /** How people change their password, if they may: `modify` (AD: unicodePwd) or RFC 3062. */
  readonly passwordChange: 'off' | 'modify' | 'rfc3062';
}

export interface LdapGroups {
  /** `memberOf` is read from the person's entry; the others are searched for in groups. */
  readonly from: 'off' | 'memberOf' | 'member' | 'uniqueMember' | 'memberUid';
  readonly base: string;
  /** Narrows the search for groups, e.g. `(objectClass=groupOfNames)`. */
  readonly filter: string;
  /** Attribute that names a group, e.g. `cn`. */
  readonly nameAttribute: string;
  readonly nested: 'off' | 'in-chain' | 'expand';
  /** Levels above the groups that a person is in directly; `expand` only. */
  readonly depth: number;
}

/** An OpenID provider, or an OAuth 2.0 server with a user-info resource. */
export interface UpstreamSource extends SourceBase {
  readonly type: 'oidc' | 'oauth2';
  /** `oidc`: exact `iss`; part of the key of its people. `{tenantid}` stands for any Entra tenant. */
  readonly issuer?: string;
  /** False when only the endpoints below are used. */
  readonly discovery: boolean;
  readonly userAuthorizationUri?: string;
  readonly accessTokenUri?: string;
  readonly userInfoUri?: string;
  readonly jwksUri?: string;
  readonly endSessionUri?: string;
  readonly pushedAuthorizationRequestUri?: string;
  /** `auto`: pushed where the upstream announces it, without where it then takes none. */
  readonly usePar: 'auto' | 'always' | 'never';
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly clientAuthMethod:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'client_secret_jwt'
    | 'private_key_jwt'
    | 'tls_client_auth'
    | 'self_signed_tls_client_auth'
    | 'none';
  /** private_key_jwt: PEM (PKCS #8) of the key, with its algorithm and optional key id. */
  readonly privateKey?: { readonly pem: string; readonly alg: string; readonly kid?: string };
  readonly tls: TlsMaterial;
  readonly scopes: readonly string[];
  /** Further fixed parameters of the authorization request, such as `hd` or `domain_hint`. */
  readonly authorizationParameters: Readonly<Record<string, string>>;
  readonly pkce: boolean;
  /** Where the name is in the user-info answer. */
  readonly userNameExtractionPattern?: NamePattern;
  /** JSON pointer to the stable subject in the user-info answer; absent: `sub`, or the extracted name. */
  readonly subjectPointer?: string;
  /** Passwords are sent on to `accessTokenUri` (RFC 6749 section 4.3). */
  readonly passwordSignIn: boolean;
  /** Passwords of Basic authentication at services are sent there, without `passwordSignIn`. */
  readonly relaysBasic?: boolean;
  readonly acceptUpstreamTokens: boolean;
  /** Audience that a JWT access token of the upstream must name; absent: `clientId`. */
  readonly tokenAudience?: string;
  /** So long the upstream is not asked again about a token that only it can check. */
  readonly tokenCacheSeconds: number;
  /** client_ids that may get the upstream's tokens by token exchange; absent: tokens are not kept. */
  readonly tokensFor?: readonly string[];
  /**
   * JSON about the person, read with a token of our own (client credentials). `{subject}` and `{username}` are filled
   * in.
   */
  readonly details?: { readonly uri: string; readonly scope?: string };
  /** Further JSON read with the person's own token at sign-in, such as GitHub's `/user/emails`: name to URI. */
  readonly extraInfo: Readonly<Record<string, string>>;
  /** The upstream's `acr` value to ours. */
  readonly acr: Readonly<Record<string, string>>;
  /**
   * Says that e-mails of this source are verified although it sends no `email_verified` (GitHub's primary one,
   * Entra's with a verified domain).
   */
  readonly emailVerifiedPointer?: string;
  readonly requestTimeoutMs: number;
}

export type NamePattern =
  /** RFC 6901. */
  | { readonly kind: 'pointer'; readonly pointer: string }
  /** RE2 syntax, run on the raw text; group 1 is the name. */
  | { readonly kind: 'regex'; readonly pattern: string };

/** A legacy system's own check of a password, asked over HTTP. */
export interface HttpSource extends SourceBase {
  readonly type: 'http';
  readonly url: string;
  /** Sent as a bearer token. */
  readonly secret?: string;
  readonly tls: TlsMaterial;
  readonly requestTimeoutMs: number;
}

/**
 * One step of a mapping, on a set of named lists of values: claims by their OpenID Connect names, besides
 * `username`, `groups` and `roles`. Patterns are RE2.
 */
export type MappingStep =
  /** Moves an attribute; a JSON pointer (`/address/country`) reads inside of one. */
  | { readonly step: 'rename'; readonly from: string; readonly to: string }
  | { readonly step: 'prefix'; readonly of: string; readonly prefix: string }
  /** Rewrites the values that match, `$1` standing for a group; others stay as they are. */
  | { readonly step: 'regex'; readonly of: string; readonly pattern: string; readonly replace: string }
  /** Drops the attribute, or those of its values that match. */
  | { readonly step: 'drop'; readonly of: string; readonly pattern?: string }
  /** Gives the role to people with a value (by default of `groups`) that is equal, or matches. */
  | {
      readonly step: 'role';
      readonly role: string;
      readonly of: string;
      readonly equals?: string;
      readonly pattern?: string;
    }
  | { readonly step: 'default'; readonly of: string; readonly value: unknown };
