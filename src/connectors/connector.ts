// The connector port: the operations of a source of people, the same for every kind of source.
// `test/contract/connector.contract.ts` has its rules, and every kind of source must pass them.
import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';

/** Named values as the source gave them: LDAP attributes (lists of text), claims or user-info members (JSON). */
export type Attributes = Readonly<Record<string, unknown>>;

/** A person as a source knows them, before the tenant's mapping. */
export interface SourcePerson {
  /** OpenID Connect sources: `iss`, part of the person's key. */
  readonly issuer?: string;
  /** Stable at the source and never reassigned: entryUUID, objectGUID, `sub`, the extracted name. Never a DN. */
  readonly subject: string;
  readonly attributes: Attributes;
  /** Names of groups; absent when the source was not asked for them, never because a look-up failed. */
  readonly groups: readonly string[];
  /** How the person was proven (RFC 8176); `acr` is already in our words. */
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Epoch seconds of the proof, when the source says so. */
  readonly authTime?: number;
}

/** The data that an account is filled from. */
export interface Profile {
  readonly username: string;
  readonly email?: string;
  /** A missing `email_verified` is false, and so is anything but the boolean. */
  readonly emailVerified: boolean;
  /** Further OpenID Connect standard claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
}

/** A person of a source, proven now, after the tenant's mapping. */
export interface Identity extends Omit<SourcePerson, 'attributes' | 'groups'> {
  /** Id of the source in the tenant's file. */
  readonly source: string;
  readonly profile: Profile;
  /** Local source only: the account itself, so that no caller looks it up again. */
  readonly account?: AccountRecord;
}

/**
 * The reason why a source refuses a sign-in. All but `unknown` and `credentials` are given only when the source has
 * accepted the password, except the last three: directories may answer these without checking the password.
 */
export type SourceRefusal =
  | 'unknown'
  | 'credentials'
  | 'password_change_required'
  | 'password_expired'
  | 'account_disabled'
  | 'account_locked'
  | 'hours_restricted'
  | 'workstation_restricted';

export type PasswordVerdict<Person = Identity> =
  | {
      readonly ok: true;
      readonly person: Person;
      /** What the password began at an upstream. The caller keeps or revokes it. */
      readonly grant?: UpstreamGrant;
    }
  | {
      readonly ok: false;
      readonly reason: SourceRefusal;
      /** For the audit record only: what the source said where `reason` conceals it. */
      readonly detail?: string;
      /** A directory only: the person whom it found by the name. Never shown to anybody. */
      readonly subject?: string;
      /** Local source only: the account that was named, for the audit record. */
      readonly sub?: string;
    }
  /** The source itself limits attempts. */
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

export interface Credentials {
  /** As it was typed. */
  readonly login: string;
  readonly password: string;
}

/**
 * Checks passwords. Never called with an empty one. Every operation ends within the source's time limits.
 */
export interface PasswordSource<Person = Identity> {
  /** @throws AppError `unavailable` when the source gives no verdict */
  verify(credentials: Credentials): Promise<PasswordVerdict<Person>>;
  /** The name of the account as attempts are counted, where the source takes several names for it. */
  nameFor?(login: string): string;
  /** Takes as long as `verify` does for an unknown person, and has no result. Never rejects. */
  decoy?(): Promise<void>;
  /**
   * Can `change` help a person whose password has expired? Absent: yes.
   * @throws AppError `unavailable`
   */
  isExpiredChangeable?(login: string): Promise<boolean>;
  /** @throws AppError `unavailable` */
  change?(change: Credentials & { readonly newPassword: string }): Promise<PasswordChangeVerdict>;
}

export type PasswordChangeVerdict =
  | { readonly ok: true }
  /** `message` comes from the source and may be shown to the person; for `policy`. */
  | { readonly ok: false; readonly reason: 'credentials' | 'policy'; readonly message?: string };

/** Looks people up without their password: for re-checks, and to explain a mapping. */
export interface PersonLookup<Person = Identity> {
  /** @throws AppError `unavailable`: a failed look-up proves nothing about the person */
  find(who: { readonly subject: string } | { readonly login: string }): Promise<LookupVerdict<Person>>;
}

export type LookupVerdict<Person = Identity> =
  | {
      readonly status: 'present';
      readonly person: Person;
      /**
       * The source was asked for less than at a sign-in: the person lacks name and e-mail address, and has groups and
       * roles only if the answer contains them.
       */
      readonly partly?: { readonly hasGroups: boolean };
    }
  | {
      readonly status: 'absent';
      /** Several entries have the name, so none of them can sign in with it. */
      readonly isAmbiguous?: boolean;
      /**
       * For the audit record. `grant_refused`: the upstream refreshes the tokens of the person's sign-in no more;
       * `other_person`: the refreshed tokens are about somebody else.
       */
      readonly reason?: 'grant_refused' | 'other_person';
    }
  | { readonly status: 'refused'; readonly reason: 'account_disabled' | 'account_locked' };

/** The parameters of an app's request that are passed on. */
export interface UpstreamRequest {
  /** Ours, exact; one for each source. */
  readonly redirectUri: string;
  readonly state: string;
  readonly loginHint?: string;
  readonly uiLocales?: string;
  readonly prompt?: 'none' | 'login' | 'select_account';
  /** Seconds. */
  readonly maxAge?: number;
  /** Ours, space-separated; translated by the source's `acr` table. */
  readonly acrValues?: string;
}

/** The state that must be kept until the browser returns. Secret; JSON. */
export interface UpstreamMemory {
  readonly redirectUri: string;
  readonly state: string;
  readonly codeVerifier?: string;
  readonly nonce?: string;
  readonly maxAge?: number;
}

/** Secret; JSON. Kept sealed, if at all. */
export interface UpstreamTokens {
  readonly accessToken: string;
  /** Epoch seconds. */
  readonly expiresAt?: number;
  readonly refreshToken?: string;
  readonly idToken?: string;
  readonly scope?: string;
}

export interface UpstreamGrant {
  readonly tokens: UpstreamTokens;
  /** The upstream's session (`sid` of its ID token), and the issuer of that token. */
  readonly sid?: string;
  readonly issuer?: string;
}

export type UpstreamOutcome<Person = Identity> =
  | {
      readonly ok: true;
      readonly person: Person;
      readonly tokens: UpstreamTokens;
      /** The upstream's session (`sid` of its ID token), for its logout. */
      readonly sid?: string;
    }
  /**
   * `cancelled`: the person or the upstream refused; `invalid`: the answer breaks the protocol. `detail` is for the
   * log.
   */
  | { readonly ok: false; readonly reason: 'cancelled' | 'invalid'; readonly detail: string };

/** Signs people in by redirects: the browser goes to the source and returns. */
export interface RedirectSource<Person = Identity> {
  /** @throws AppError `unavailable` */
  begin(request: UpstreamRequest): Promise<{ readonly url: string; readonly memory: UpstreamMemory }>;
  /**
   * @param answer the URL at which the browser returned, with its query
   * @throws AppError `unavailable`
   */
  finish(answer: URL, memory: UpstreamMemory): Promise<UpstreamOutcome<Person>>;
  /** The URL that ends the session at the source too; undefined when the source has none. */
  endSessionUrl(logout: {
    readonly idToken?: string;
    readonly postLogoutRedirectUri: string;
    readonly state: string;
  }): Promise<string | undefined>;
  /**
   * OpenID Connect Back-Channel Logout 1.0 section 2.6; undefined when the token is not valid. The caller must refuse
   * a replay (`jti`).
   * @throws AppError `unavailable`
   */
  verifyLogoutToken(token: string): Promise<UpstreamLogout | undefined>;
  /**
   * Exchanges a refresh token for new tokens; undefined when the upstream refuses.
   * @throws AppError `unavailable`
   */
  refresh(refreshToken: string): Promise<UpstreamTokens | undefined>;
  /**
   * The person of tokens that the upstream has refreshed just now; `absent` when that is somebody else.
   * @throws AppError `unavailable`
   */
  readAgain(
    tokens: Pick<UpstreamTokens, 'accessToken' | 'idToken'>,
    who: { readonly issuer?: string; readonly subject: string },
  ): Promise<LookupVerdict<Person>>;
}

export interface UpstreamLogout {
  readonly issuer: string;
  readonly subject?: string;
  readonly sid?: string;
  readonly jti: string;
  /** Epoch seconds until which `jti` must be remembered. */
  readonly expiresAt: number;
}

/** Accepts the upstream's own access tokens. */
export interface TokenSource<Person = Identity> {
  /**
   * Undefined when the token is not valid, or not for us.
   * @param noteRefusal is called with the reason, a sentence for the operator that names the claim
   * @throws AppError `unavailable`
   */
  verify(
    accessToken: string,
    noteRefusal?: (reason: string) => void,
  ): Promise<VerifiedToken<Person> | undefined>;
}

export interface VerifiedToken<Person> {
  readonly person: Person;
  /** Epoch seconds. */
  readonly expiresAt?: number;
  /** Milliseconds for which the answer may be kept, where only the upstream knows whether the token is still valid. */
  readonly freshForMs?: number;
}

/** The addresses that an upstream should have registered for us. */
export interface ExaminedAddresses {
  readonly redirectUri: string;
  /** The URL to which a browser returns from a sign-out. */
  readonly signedOutUri: string;
}

/** One finding of `doctor` about real connections; the message of anything but `ok` says what to do. */
export interface SourceFinding {
  readonly verdict: 'ok' | 'warning' | 'problem';
  readonly about: string;
  readonly message: string;
}

export interface Connector<Person = Identity> {
  readonly definition: SourceDefinition;
  readonly passwords?: PasswordSource<Person>;
  /** For the passwords of Basic authentication at services alone; never beside `passwords`. */
  readonly relayed?: PasswordSource<Person>;
  readonly lookup?: PersonLookup<Person>;
  readonly redirect?: RedirectSource<Person>;
  readonly tokens?: TokenSource<Person>;
  /**
   * Ends what a sign-in left at the upstream (RFC 7009), as well as it can. Never rejects; false when the upstream
   * offers nothing for it. `logLevel`: of a failure; default `debug`.
   */
  revoke?(
    tokens: Partial<Pick<UpstreamTokens, 'accessToken' | 'refreshToken'>> & {
      readonly logLevel?: 'debug' | 'warn';
    },
  ): Promise<boolean>;
  /** Examines the real server: DNS, TLS, bind, search, discovery … Never rejects; findings contain no secret. */
  examine(context: ExaminedAddresses): Promise<readonly SourceFinding[]>;
}
