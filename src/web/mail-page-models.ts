import type { EmailProblem, RegistrationProblem } from './page-problems.ts';

/** The pages that a mail leads to, or that show one. */
export interface MailPageModels {
  /** A forgotten password. */
  recover: {
    readonly step: 'name' | 'code' | 'password';
    readonly action: string;
    readonly login?: string;
    readonly problem?:
      | 'code'
      | 'different'
      | 'link'
      | 'missing'
      | 'missing_code'
      | 'missing_name'
      | 'policy'
      | 'throttled';
    readonly rule?: string;
    readonly retryAfterSeconds?: number;
    /** Where a demo tenant shows the mail. */
    readonly demoMailUrl?: string;
    readonly startUrl: string;
    readonly signInUrl: string;
  };
  /** Somebody makes an account of their own. */
  register: {
    readonly step: 'address' | 'code' | 'account';
    readonly action: string;
    readonly email?: string;
    readonly name?: string;
    readonly username?: string;
    readonly mayChooseUsername?: boolean;
    readonly problem?: RegistrationProblem;
    /** Where people of this domain sign in; of `elsewhere`. */
    readonly source?: string;
    readonly rule?: string;
    readonly retryAfterSeconds?: number;
    /** Where a demo tenant shows the mail. */
    readonly demoMailUrl?: string;
    /** The first step; absent where only an invitation leads to an account. */
    readonly startUrl?: string;
    readonly signInUrl: string;
  };
  /**
   * Another e-mail address of the person who is signed in. `confirm`: the link of the mail was opened; `sign_in`: by somebody
   * who is not signed in as that person; `gone`: it is good for nothing.
   */
  'account-email': {
    readonly step: 'address' | 'code' | 'confirm' | 'sign_in' | 'gone';
    readonly action?: string;
    readonly csrf?: string;
    /** The address that the account has. */
    readonly current?: string;
    /** The one that it is to have. */
    readonly email?: string;
    readonly username?: string;
    readonly problem?: EmailProblem;
    /** Where people of this domain sign in; of `elsewhere`. */
    readonly source?: string;
    readonly retryAfterSeconds?: number;
    /** Where a demo tenant shows the mail. */
    readonly demoMailUrl?: string;
    readonly accountUrl: string;
    /** The first step. */
    readonly emailUrl: string;
  };
  /** The address that an account had before is put back. */
  'email-undo': {
    /** `already`: by this link, some time ago. */
    readonly step: 'ask' | 'done' | 'already' | 'gone';
    readonly action?: string;
    readonly email?: string;
    readonly username?: string;
    readonly problem?: 'email_taken' | 'link';
    readonly signInUrl: string;
    /** For a new password. */
    readonly recoverUrl?: string;
  };
  /** A lost second factor: a button, then a recovery code. */
  'recover-factor': {
    readonly username?: string;
    readonly action?: string;
    readonly code?: string;
    /** Where the person signs in and sets up a new factor. */
    readonly nextUrl?: string;
    /** The link was used, is too old, or the account has changed since. */
    readonly problem?: 'link';
  };
  /** Mails of a demo tenant, which are not sent. */
  'demo-mail': {
    readonly mails: readonly {
      readonly to: string;
      readonly subject: string;
      readonly text: string;
      readonly link?: string;
      /** Epoch milliseconds. */
      readonly writtenAt: number;
    }[];
  };
}
