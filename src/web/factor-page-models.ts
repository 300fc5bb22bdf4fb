import type { FactorProblem } from './page-problems.ts';

/** The pages of second factors; see `PageModels`. */
export interface FactorPageModels {
  'second-factor': {
    readonly action: string;
    readonly csrf: string;
    readonly username: string;
    /** The URL at which another sign-in begins. */
    readonly otherUrl: string;
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
    readonly problem?: FactorProblem;
  };
  'account-factors': {
    readonly csrf: string;
    readonly accountUrl: string;
    readonly setUpUrl: string;
    readonly factors: readonly {
      readonly name: string;
      /** Epoch milliseconds. */
      readonly createdAt: number;
      readonly lastUsedAt?: number;
      readonly removeAction: string;
    }[];
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
