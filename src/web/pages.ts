import type { Branding, Locale, LocalText } from '../config/tenant/tenant-definition.ts';
import type { AccountPageModels, ScopeLine } from './account-page-models.ts';
import type { ErrorHint } from './error-hint.ts';
import type { FactorPageModels, PasskeyForm } from './factor-page-models.ts';
import type { MailPageModels } from './mail-page-models.ts';
import type { LoginProblem, PasswordProblem, ServiceProblem, SignInOver } from './page-problems.ts';

/** How a page looks and speaks. */
export interface Look {
  readonly locale: Locale;
  /** Absent on pages of the server itself, such as the tenant selection. */
  readonly tenant?: { readonly id: string; readonly displayName: string; readonly branding: Branding };
  /** The same page in the other languages, for the language switch. */
  readonly languageUrls?: Readonly<Partial<Record<Locale, string>>>;
  /** Path in front of `/assets/`, on hosts that are not Drawbridge's own. */
  readonly assetsBelow?: string;
}

/** A registered address of an app or service, at which its users start. */
export interface StartAgain {
  readonly name: LocalText;
  readonly url: string;
}

export interface AccountSource {
  readonly displayName: string;
  /** Epoch milliseconds; absent while the person is not connected. */
  readonly connectedAt?: number;
  readonly disconnectAction?: string;
  /** A form without fields that leads to the source. */
  readonly connectAction?: string;
  /** A page that asks for the password at the source. */
  readonly connectUrl?: string;
}

export interface AccountDevice {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly lastSeenAt: number;
  readonly signOutAction: string;
}

/** One entry a page: what its template needs. Every string is untrusted and escaped by the template. */
export interface PageModels extends AccountPageModels, FactorPageModels, MailPageModels {
  'select-tenant': {
    readonly tenants: readonly {
      readonly id: string;
      readonly displayName: string;
      readonly url: string;
      readonly color: string;
    }[];
    readonly query: string;
    readonly showSearch: boolean;
    /** There are too many: only what was searched for is listed. */
    readonly isSearchOnly?: boolean;
    /** The person types an id or an e-mail domain; only what fits exactly is listed. */
    readonly isAsking?: boolean;
    /** There are more that fit. */
    readonly isCut?: boolean;
    /** This page without a search. */
    readonly allUrl: string;
    /** Parameters that say what the choice is for; sent along with the search. */
    readonly state?: string;
    readonly remembered?: string;
  };
  login: {
    /**
     * `name`: the name alone is asked, because its domain decides where to go on; `password`: name and password;
     * `choice`: other sources only.
     */
    readonly step: 'name' | 'password' | 'choice';
    readonly action: string;
    readonly csrf: string;
    readonly cancelAction?: string;
    /** Where another tenant can be chosen. */
    readonly switchTenantUrl?: string;
    /** For a forgotten password. */
    readonly recoverUrl?: string;
    /** Where people make an account of their own. */
    readonly registerUrl?: string;
    readonly login: string;
    /** Back to the step that asks the name. */
    readonly otherNameUrl?: string;
    readonly clientName?: LocalText;
    /** Sources that sign people in on pages of their own. */
    readonly upstreams: readonly {
      readonly displayName: string;
      readonly action: string;
      readonly logo?: string;
      /** Its picture is shown if there is no logo. */
      readonly preset?: string;
    }[];
    /** A passkey alone is enough. */
    readonly passkey?: PasskeyForm;
    /** Sealed; sent along with the password. */
    readonly proven?: string;
    readonly problem?: LoginProblem;
    /** For the administrator, in English: which limit or right of which server; for `source_settings`. */
    readonly reason?: string;
    readonly retryAfterSeconds?: number;
    /** Shown in demo tenants only: names and passwords to try. */
    readonly demoUsers?: readonly { readonly username: string; readonly password: string }[];
  };
  'select-account': {
    readonly action: string;
    readonly csrf: string;
    readonly clientName: LocalText;
    readonly username: string;
    readonly name?: string;
    /** The URL at which another person signs in. */
    readonly otherUrl: string;
    readonly cancelAction: string;
  };
  'change-password': {
    readonly action: string;
    readonly csrf: string;
    readonly login: string;
    readonly cancelUrl: string;
    readonly problem?: PasswordProblem;
    /** As for `login`. */
    readonly reason?: string;
    /** The rules for passwords, in the words of the source. */
    readonly rule?: string;
    readonly retryAfterSeconds?: number;
  };
  'password-changed': { readonly signInUrl: string };
  consent: {
    readonly action: string;
    readonly csrf: string;
    readonly clientName: LocalText;
    readonly clientId: string;
    readonly clientLogo?: string;
    readonly clientUri?: string;
    readonly policyUri?: string;
    readonly tosUri?: string;
    readonly redirectHost: string;
    readonly username: string;
    readonly scopes: readonly ScopeLine[];
    readonly resources: readonly { readonly name: string; readonly scopes: readonly ScopeLine[] }[];
    readonly offlineAccess: boolean;
  };
  'device-code': {
    readonly action: string;
    readonly xsrf: string;
    readonly userCode: string;
    readonly problem?:
      | 'missing'
      | 'unknown'
      | 'expired'
      | 'used'
      | 'aborted'
      | 'throttled'
      | 'form'
      | 'other';
    readonly retryAfterSeconds?: number;
  };
  'device-confirm': {
    readonly action: string;
    readonly xsrf: string;
    readonly userCode: string;
    readonly clientName: LocalText;
    /** Epoch milliseconds. */
    readonly requestedAt: number;
    readonly address: string;
    readonly userAgent: string;
    /** The description that the device gave of itself. */
    readonly name?: string;
    readonly model?: string;
    readonly serial?: string;
  };
  'device-done': { readonly clientName: LocalText; readonly outcome: 'approved' | 'refused' };
  /** A form that the browser sends on at once. */
  'form-post': {
    readonly action: string;
    readonly fields: readonly { readonly name: string; readonly value: string }[];
  };
  logout: {
    readonly action: string;
    /** The page that a person returns to who does not sign out. */
    readonly stayUrl: string;
    readonly xsrf: string;
    readonly clientName?: LocalText;
    readonly username?: string;
  };
  'signed-out': { readonly clientName?: LocalText; readonly signInUrl: string };
  account: {
    readonly name: string;
    readonly username: string;
    readonly email?: string;
    readonly signOutUrl: string;
    readonly changePasswordUrl?: string;
    readonly factorsUrl?: string;
    readonly keysUrl?: string;
    /** Absent where a source gives the profile. */
    readonly profileUrl?: string;
    readonly usernameUrl?: string;
    readonly emailUrl?: string;
    /** Epoch milliseconds. */
    readonly signedInAt: number;
    readonly csrf: string;
    /** The sources that the person is connected to, and those that can be connected. */
    readonly sources: readonly AccountSource[];
    readonly accountUrl: string;
    readonly exportAction: string;
    readonly deleteUrl?: string;
    /** Of the uploaded picture. */
    readonly pictureUrl?: string;
    /** Absent where a source gives the profile. With `/remove`, it removes the picture. */
    readonly pictureAction?: string;
    /** What is changed at sources, with their names. */
    readonly managed?: { readonly profile?: readonly string[]; readonly password?: readonly string[] };
    /** Those that the person has approved. */
    readonly devices?: readonly AccountDevice[];
    readonly outcome?:
      | 'connected'
      | 'disconnected'
      | 'device_signed_out'
      | 'email_changed'
      | 'profile_changed'
      | 'username_changed'
      | 'picture_changed'
      | 'picture_removed';
    readonly problem?:
      | 'cancelled'
      | 'invalid'
      | 'last'
      | 'not_found'
      | 'picture_missing'
      | 'picture_too_large'
      | 'picture_unreadable'
      | 'taken'
      | 'unavailable';
  };
  'connect-source': {
    readonly action: string;
    readonly csrf: string;
    readonly sourceName: string;
    readonly login: string;
    readonly cancelUrl: string;
    readonly problem?:
      | 'account_disabled'
      | 'account_locked'
      | 'credentials'
      | 'hours_restricted'
      | 'missing'
      | 'password_change_required'
      | 'password_expired'
      | 'source_settings'
      | 'taken'
      | 'throttled'
      | 'unavailable'
      | 'workstation_restricted';
    /** As for `login`. */
    readonly reason?: string;
    readonly retryAfterSeconds?: number;
  };
  'service-sign-out': { readonly action: string; readonly host: string };
  'service-problem': {
    readonly problem: ServiceProblem;
    readonly code: string;
    readonly errorId: string;
    /** Begins again at what the person asked for. */
    readonly retryUrl?: string;
    /** Where a sign-in with another account begins. */
    readonly homeUrl?: string;
  };
  'sign-in-over': {
    readonly reason: SignInOver;
    readonly code: string;
    readonly errorId: string;
    /** Where it starts again; absent where that is not known. */
    readonly app?: StartAgain;
    /** Shows the form anew. */
    readonly formUrl?: string;
    /** The account of the person at this tenant, after a sign-in if need be. */
    readonly accountUrl: string;
  };
  error: {
    readonly status: number;
    /** Protocol error code or one of ours, e.g. `invalid_redirect_uri`, `not_found`, `misdirected_request`. */
    readonly code: string;
    readonly description?: string;
    readonly errorId: string;
    readonly retryAfterSeconds?: number;
    readonly homeUrl?: string;
    readonly hint?: ErrorHint;
  };
}

export type PageName = keyof PageModels;

export interface Pages {
  /** The HTML of `views/<name>.eta`. */
  render<N extends PageName>(name: N, model: PageModels[N], look: Look): string;
}
