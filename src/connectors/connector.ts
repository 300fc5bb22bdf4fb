// The connector port: what a source of people can do, whatever kind it is. `test/contract/connector.contract.ts`
// holds its rules, and every kind of source must pass them.
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

/** What an account is filled from. */
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
  /** The local source alone: the account itself, so that nobody looks it up again. */
  readonly account?: AccountRecord;
}

/**
 * Why a source does not let a person in. All but `unknown` and `credentials` are said only when the source has
 * accepted the password, except `account_locked`, which directories say instead of checking it.
 */
export type SourceRefusal =
  | 'unknown'
  | 'credentials'
  | 'password_change_required'
  | 'password_expired'
  | 'account_disabled'
  | 'account_locked';

export type PasswordVerdict<Person = Identity> =
  | { readonly ok: true; readonly person: Person }
  | {
      readonly ok: false;
      readonly reason: SourceRefusal;
      /** The local source alone: the account that was named, for the audit record. */
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
  /** Takes the time that `verify` takes for someone unknown, and settles nothing. Never rejects. */
  decoy?(): Promise<void>;
  /** @throws AppError `unavailable` */
  change?(change: Credentials & { readonly newPassword: string }): Promise<PasswordChangeVerdict>;
}

export type PasswordChangeVerdict =
  | { readonly ok: true }
  /** `message` is the source's own, fit for the person; for `policy`. */
  | { readonly ok: false; readonly reason: 'credentials' | 'policy'; readonly message?: string };

/** Looks people up without their password: for re-checks, and to explain a mapping. */
export interface PersonLookup<Person = Identity> {
  /** @throws AppError `unavailable`: a look-up that failed says nothing about the person */
  find(who: { readonly subject: string } | { readonly login: string }): Promise<LookupVerdict<Person>>;
}

export type LookupVerdict<Person = Identity> =
  | {
      readonly status: 'present';
      readonly person: Person;
      /**
       * The source was asked for less than at a sign-in: name and e-mail address are not in the person, and groups
       * and roles only if it says so.
       */
      readonly partly?: { readonly hasGroups: boolean };
    }
  | { readonly status: 'absent' }
  | { readonly status: 'refused'; readonly reason: 'account_disabled' | 'account_locked' };

/** What an app asked for, passed on. */
export interface UpstreamRequest {
  /** Ours, exact; one for each source. */
  readonly redirectUri: string;
  readonly state: string;
  readonly loginHint?: string;
  readonly uiLocales?: string;
  readonly prompt?: string;
  /** Seconds. */
  readonly maxAge?: number;
  /** Ours, space-separated; translated by the source's `acr` table. */
  readonly acrValues?: string;
}

/** What must be remembered until the person comes back. Secret; JSON. */
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

export type UpstreamOutcome<Person = Identity> =
  | {
      readonly ok: true;
      readonly person: Person;
      readonly tokens: UpstreamTokens;
      /** The upstream's session (`sid` of its ID token), for its logout. */
      readonly sid?: string;
    }
  /** `cancelled`: the person or the upstream said no; `invalid`: the answer is not what it must be. `detail` is for the log. */
  | { readonly ok: false; readonly reason: 'cancelled' | 'invalid'; readonly detail: string };

/** Signs people in by sending their browser there and back. */
export interface RedirectSource<Person = Identity> {
  /** @throws AppError `unavailable` */
  begin(request: UpstreamRequest): Promise<{ readonly url: string; readonly memory: UpstreamMemory }>;
  /**
   * @param answer the URL at which the browser came back, with its query
   * @throws AppError `unavailable`
   */
  finish(answer: URL, memory: UpstreamMemory): Promise<UpstreamOutcome<Person>>;
  /** Where to send the browser to end the session there too; undefined when the source has no such place. */
  endSessionUrl(logout: {
    readonly idToken?: string;
    readonly postLogoutRedirectUri: string;
    readonly state: string;
  }): Promise<string | undefined>;
  /**
   * OpenID Connect Back-Channel Logout 1.0 section 2.6; undefined when the token is not valid. Replay (`jti`) is the
   * caller's to refuse.
   * @throws AppError `unavailable`
   */
  verifyLogoutToken(token: string): Promise<UpstreamLogout | undefined>;
  /**
   * New tokens for old ones; undefined when the upstream will not.
   * @throws AppError `unavailable`
   */
  refresh(refreshToken: string): Promise<UpstreamTokens | undefined>;
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
   * @throws AppError `unavailable`
   */
  verify(
    accessToken: string,
  ): Promise<{ readonly person: Person /** Epoch seconds. */; readonly expiresAt?: number } | undefined>;
}

/** What an upstream should have registered for us. */
export interface ExaminedAddresses {
  readonly redirectUri: string;
  /** Where a browser comes back from a sign-out. */
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
  readonly lookup?: PersonLookup<Person>;
  readonly redirect?: RedirectSource<Person>;
  readonly tokens?: TokenSource<Person>;
  /** Looks at the real thing: DNS, TLS, bind, search, discovery … Never rejects; holds no secret. */
  examine(context: ExaminedAddresses): Promise<readonly SourceFinding[]>;
}
