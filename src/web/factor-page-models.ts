import type { FactorProblem } from './page-problems.ts';

/** A form that a script fills with what an authenticator answers. */
export interface PasskeyForm {
  readonly action: string;
  /** JSON for `navigator.credentials`. */
  readonly options: string;
}

/** The pages of second factors; see `PageModels`. */
export interface FactorPageModels {
  'second-factor': {
    readonly action: string;
    readonly csrf: string;
    readonly username: string;
    /** The URL at which another sign-in begins. */
    readonly otherUrl: string;
    /** For how long the browser is not asked again, if the person so chooses. */
    readonly rememberSeconds?: number;
    readonly passkey?: PasskeyForm;
    /** Codes of an app, and recovery codes. */
    readonly isCodeAsked: boolean;
    readonly problem?: FactorProblem;
    readonly retryAfterSeconds?: number;
  };
  'email-code': {
    readonly action: string;
    readonly csrf: string;
    readonly username: string;
    /** With most of its letters left out. */
    readonly address: string;
    /** A mail is on its way. */
    readonly isMailed: boolean;
    /** A form without fields: sends a mail, or another one. */
    readonly mailAction: string;
    readonly otherUrl: string;
    /** Where a demo tenant shows its mails. */
    readonly demoMailUrl?: string;
    readonly problem?: FactorProblem;
    readonly retryAfterSeconds?: number;
  };
  'set-up-totp': {
    readonly action: string;
    readonly csrf: string;
    /** Base32. */
    readonly secret: string;
    /** `data:` URL of the QR code. */
    readonly picture: string;
    /** Sent along with the first code. */
    readonly sealed: string;
    /** The tenant demands a second factor of this person. */
    readonly isDemanded: boolean;
    readonly cancelUrl: string;
    /** A form without fields: the person may still sign in without it. */
    readonly laterAction?: string;
    /** In place of the app. */
    readonly passkey?: PasskeyForm;
    readonly problem?: FactorProblem;
  };
  'set-up-passkey': {
    readonly csrf: string;
    readonly passkey: PasskeyForm;
    /** The tenant or the app demands it of this person. */
    readonly isDemanded: boolean;
    readonly cancelUrl: string;
    /** A form without fields: the person may still sign in without it. */
    readonly laterAction?: string;
    readonly problem?: FactorProblem;
  };
  'account-factors': {
    readonly csrf: string;
    readonly accountUrl: string;
    /** Absent: not offered. */
    readonly setUpTotpUrl?: string;
    readonly setUpPasskeyUrl?: string;
    readonly factors: readonly {
      readonly type: 'totp' | 'passkey';
      readonly name: string;
      /** Epoch milliseconds. */
      readonly createdAt: number;
      readonly lastUsedAt?: number;
      readonly removeAction: string;
    }[];
    /** With most of its letters left out: codes by e-mail are what the person has. */
    readonly mailedTo?: string;
    readonly recoveryCodes?: { readonly left: number; readonly renewAction: string };
    readonly outcome?: 'added' | 'removed';
  };
  /** Shown once. */
  'recovery-codes': {
    readonly codes: readonly string[];
    readonly csrf: string;
    /** A form without fields. */
    readonly nextAction?: string;
    readonly nextUrl?: string;
  };
}
