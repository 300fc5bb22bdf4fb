import type { AccountRecord } from '../storage/storage.ts';

/** A sign-in with a password, wherever it comes from. */
export interface PasswordAttempt {
  readonly login: string;
  readonly password: string;
  /** Address of the person, for the throttle and the audit line. */
  readonly address: string;
  readonly via: 'page' | 'password_grant' | 'basic';
  readonly clientId?: string;
  readonly requestId?: string;
}

export type SignInOutcome =
  | { readonly ok: true; readonly account: AccountRecord }
  /** Unknown user, wrong password, disabled and locked look alike. */
  | { readonly ok: false; readonly reason: 'credentials' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

/** The people of one tenant. */
export interface Accounts {
  /**
   * The one door for every password of the house.
   * @throws AppError `unavailable` when the store or the hashing queue cannot serve it.
   */
  signIn(attempt: PasswordAttempt): Promise<SignInOutcome>;
  findBySub(sub: string): Promise<AccountRecord | undefined>;
}
