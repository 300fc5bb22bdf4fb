// What the templates of the account need, beside the overview in `pages.ts`. Each page has a navigation to the others.
import type { Locale } from '../config/tenant/tenant-definition.ts';
import type { KeyCodeProblem, KeyProblem, ProfileProblem } from './page-problems.ts';

export interface ScopeLine {
  readonly name: string;
  /** Plain words. Built-in scopes are worded by the view from `name`; this is for scopes of resources. */
  readonly description?: string;
}

interface AccountPage {
  /** Of the overview; those of the other pages begin with it. */
  readonly accountUrl: string;
}

interface AccountForms extends AccountPage {
  readonly csrf: string;
}

export interface AccountSignIn {
  /** As in the API. */
  readonly kind: 'session' | 'gateway_session' | 'refresh_token' | 'device' | 'api_key';
  readonly isCurrent: boolean;
  /** Of a device or key; of a refresh token the app. */
  readonly name?: string;
  /** The name of the app on whose own page it began. */
  readonly pageOf?: string;
  readonly browser?: string;
  readonly system?: string;
  /** IP address. */
  readonly address?: string;
  /** Epoch milliseconds. */
  readonly signedInAt?: number;
  readonly lastUsedAt?: number;
  /** Names of apps. */
  readonly apps: readonly string[];
  /** Hosts of services behind the gateway. */
  readonly services: readonly string[];
  /** Absent for the present session, which the sign-out ends, and for keys. */
  readonly endAction?: string;
  /** Where a key is revoked. */
  readonly manageUrl?: string;
}

export interface AccountApp {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly grantedAt: number;
  readonly scopes: readonly ScopeLine[];
  readonly resources: readonly { readonly name: string; readonly scopes: readonly ScopeLine[] }[];
  readonly withdrawAction: string;
}

export interface AccountKey {
  readonly name: string;
  /** Names of services; absent: all of them. */
  readonly services?: readonly string[];
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly lastUsedAt?: number;
  /** Absent for keys that an operator made. */
  readonly rotateAction?: string;
  readonly revokeAction: string;
}

export interface AccountActivity {
  /** Epoch milliseconds. */
  readonly at: number;
  /** As in the audit record. */
  readonly action: string;
  readonly isFailure: boolean;
  readonly by: 'person' | 'administrator' | 'source' | 'unknown';
  readonly address?: string;
  readonly app?: string;
}

export interface AccountPageModels {
  'account-profile': AccountForms & {
    readonly action: string;
    /** Absent: a source gives it. */
    readonly name?: string;
    /** Empty: that of the browser, or of the source. */
    readonly language: Locale | '';
    readonly problem?: ProfileProblem;
  };
  'account-username': AccountForms & {
    readonly action: string;
    readonly username: string;
    readonly problem?: ProfileProblem;
    readonly retryAfterSeconds?: number;
  };
  'account-delete': AccountForms & {
    readonly username: string;
    readonly exportAction: string;
    /** Names of the sources at which the person keeps an account of their own. */
    readonly sources: readonly string[];
    /** Absent with a `refusal`. */
    readonly action?: string;
    /** Epoch milliseconds: when the account would be deleted. */
    readonly deleteAt?: number;
    /** Why this person cannot delete the account. */
    readonly refusal?: 'file' | 'tenant';
    /** What was typed is not the user name. */
    readonly problem?: 'other_username';
  };
  /** Epoch milliseconds. */
  'account-deleted': { readonly deleteAt: number; readonly signInUrl: string };
  'account-kept': { readonly username: string; readonly deleteAt: number; readonly nextUrl: string };
  'account-sessions': AccountForms & {
    readonly signIns: readonly AccountSignIn[];
    readonly isFirst: boolean;
    /** Of the next page, if there may be one. */
    readonly moreUrl?: string;
    readonly endOthersAction: string;
    readonly outcome?: 'ended' | 'others_ended';
    readonly problem?: 'not_found';
  };
  'account-apps': AccountForms & {
    readonly apps: readonly AccountApp[];
    readonly outcome?: 'withdrawn';
    readonly problem?: 'not_found';
  };
  'account-keys': AccountForms & {
    readonly keys: readonly AccountKey[];
    /** Absent where nobody may make keys. */
    readonly newKeyUrl?: string;
    readonly outcome?: 'revoked' | 'verified';
    readonly problem?: 'not_found' | 'changed';
  };
  'account-key-new': {
    readonly action: string;
    readonly csrf: string;
    readonly note: string;
    /** Names of services behind the gateway. */
    readonly services: readonly string[];
    /** Seconds. */
    readonly lifetimes: readonly number[];
    readonly cancelUrl: string;
    readonly problem?: KeyProblem;
  };
  'account-key-made': { readonly secret: string; readonly username: string; readonly nextUrl: string };
  'account-key-code': {
    readonly action: string;
    /** Sends another code. */
    readonly againAction: string;
    readonly csrf: string;
    readonly username: string;
    /** Where the code was sent, with most letters left out. */
    readonly address: string;
    /** The key itself, until the code is right or the page was left. */
    readonly secret?: string;
    readonly outcome?: 'sent';
    readonly problem?: KeyCodeProblem;
    readonly retryAfterSeconds?: number;
    /** Of a demo tenant. */
    readonly demoMailUrl?: string;
    readonly cancelUrl: string;
  };
  'account-activity': AccountPage & {
    readonly entries: readonly AccountActivity[];
    readonly olderUrl?: string;
    readonly isNewest: boolean;
  };
}
