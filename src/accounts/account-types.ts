// The operations on the people of a tenant that other code uses: sign-in, look-ups and their outcomes.
import type { Identity, UpstreamGrant } from '../connectors/connector.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { NoteAttack } from './attack-record.ts';
import type { Factors } from './factors/factors.ts';
import type { ShownPasskey } from './factors/passkeys.ts';
import type { FindMachine } from './machine-certificates.ts';
import type { SecretVerdict, ShownSecret } from './secret-gate.ts';
import type { Recheck } from './standing.ts';

/** A sign-in with a password, from any page or protocol. */
export interface PasswordAttempt {
  readonly login: string;
  readonly password: string;
  /** Address of the person, for the throttle and the audit line. */
  readonly address: string;
  readonly via: 'page' | 'password_grant' | 'basic' | 'direct_login';
  /** The cookie of `rememberBrowser`, as the browser sent it. */
  readonly browser?: string;
  readonly clientId?: string;
  readonly requestId?: string;
}

export interface SignedIn {
  readonly ok: true;
  readonly account: AccountRecord;
  /**
   * Epoch seconds, for the session and its tokens: the time when the account was read. A password change after that
   * ends the session, as it ends all earlier ones.
   */
  readonly signedInAt: number;
  /** RFC 8176. */
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Id of the source that proved it. */
  readonly source: string;
  /** What the password began at an upstream; the caller keeps or revokes it. */
  readonly grant?: UpstreamGrant;
}

/** What a sign-in goes on with that may need a second factor. */
export type FirstFactor = Pick<SignedIn, 'account' | 'amr' | 'acr' | 'source' | 'signedInAt'>;

export type SignInOutcome =
  | SignedIn
  /** Unknown user, wrong password, disabled and locked have the same outcome. */
  | { readonly ok: false; readonly reason: 'credentials' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  /** The source has accepted the password and names another obstacle; or it reveals locks. Stable codes. */
  | { readonly ok: false; readonly reason: DisclosedRefusal; readonly source: string };

/** A sign-in with a passkey alone. */
export interface PasskeyAttempt extends ShownPasskey {
  readonly address: string;
  readonly clientId?: string;
  readonly requestId?: string;
}

export type PasskeySignIn =
  | Omit<SignedIn, 'source' | 'grant'>
  /** Not known here, not right, or not enough; and whoever may not sign in. */
  | { readonly ok: false; readonly reason: 'passkey' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

/** A sign-in by a program. */
export interface CompleteAttempt extends PasswordAttempt {
  readonly via: 'password_grant' | 'basic' | 'direct_login';
  /** The values that the request asks for, one of which is to be met. */
  readonly acrValues?: readonly string[];
  /** A code of an authenticator app, or a recovery code. One of a mail comes in a second step. */
  readonly otp?: string;
}

/** The password is right, and is not enough. */
export interface FactorMissing {
  readonly ok: false;
  /**
   * `mfa_required`: no code was presented, or one of a mail is needed; `invalid_otp`: a wrong one; `mfa_enrolment_required`: the person has to set up
   * a second factor first, in a browser.
   */
  readonly reason: 'mfa_required' | 'invalid_otp' | 'mfa_enrolment_required';
  readonly firstFactor: SignedIn;
}

export type CompleteOutcome = SignInOutcome | FactorMissing;

export type SignInAtOnce = (attempt: CompleteAttempt) => Promise<CompleteOutcome>;

export type DisclosedRefusal =
  | 'password_change_required'
  | 'password_expired'
  | 'account_disabled'
  | 'account_locked'
  | 'hours_restricted'
  | 'workstation_restricted';

/** The origin of a sign-in without a password of ours, for the audit record. */
export interface ProofOrigin {
  readonly address: string;
  readonly via: 'upstream' | 'upstream_token' | 'link';
  readonly clientId?: string;
  readonly requestId?: string;
}

/** A sign-in with all its factors, and where it came from. */
export interface CompletedSignIn {
  /** As it was read at any time of the sign-in. */
  readonly account: AccountRecord;
  /** Epoch seconds; from `SignedIn`. */
  readonly signedInAt: number;
  readonly address: string;
  readonly clientId?: string;
  readonly requestId?: string;
}

/**
 * A complete sign-in calls off the deletion that the person has asked for, if it began after that. Nothing is read or written
 * for other accounts.
 * @returns the account as it may be used; undefined when its time has come, or when it may not be used for another reason
 * @throws AppError `unavailable`
 */
export type CallOffDeletion = (signIn: CompletedSignIn) => Promise<AccountRecord | undefined>;

/** Which sources may check or redirect somebody? */
export interface SourceQuestion {
  readonly clientId?: string;
  readonly login?: string;
  readonly via?: PasswordAttempt['via'];
}

/** The sources of a tenant that are possible for a client and a name. */
export interface SourceChoice {
  /** Does one of them accept a password here? */
  readonly passwords: boolean;
  /** The redirect sources among them, in order. */
  readonly redirects: readonly { readonly id: string; readonly displayName: string }[];
  /** The redirect source to which the e-mail domain of `login` belongs; says nothing about accounts. */
  readonly home?: string;
  /** Does the domain of a name decide at all, so that the name should be asked for first? */
  readonly asksNameFirst: boolean;
}

export type LinkOutcome =
  | { readonly ok: true; readonly account: AccountRecord }
  /**
   * `taken`: the identity belongs to another account already. `last`: without it the person could no longer sign in.
   */
  | { readonly ok: false; readonly reason: 'taken' | 'last' | 'not_found' };

export type PasswordLinkOutcome = LinkOutcome | Exclude<SignInOutcome, SignedIn>;

/** The people of one tenant. */
export interface Accounts {
  /**
   * Every password is checked here, of every page and protocol. It is the first factor alone: pages go on with
   * `completeSignIn` of the login.
   * @throws AppError `unavailable` when the store or the hashing queue cannot serve it.
   */
  signIn(attempt: PasswordAttempt): Promise<SignInOutcome>;
  /** The same for programs, with the second factor of people who need one. */
  readonly signInAtOnce: SignInAtOnce;
  /**
   * By a passkey with user verification, which names its person. No password is checked, and no second factor is needed.
   * @throws AppError `unavailable`, also when the person's source cannot be asked for too long
   */
  signInWithPasskey(attempt: PasskeyAttempt): Promise<PasskeySignIn>;
  /**
   * The value of the cookie by which this browser is known, after a sign-in with a password: strangers who try the
   * person's name do not keep the person out there.
   */
  rememberBrowser(signedIn: SignedIn, place: Pick<PasswordAttempt, 'login' | 'browser'>): string;
  /**
   * The account of a person that a redirect or token source has proven: found, linked or created, and updated.
   * @throws AppError `unavailable`; `forbidden` when the source is not in the file, or not for this client
   */
  admit(
    identity: Identity,
    origin: ProofOrigin & { readonly via: 'upstream' | 'upstream_token' },
  ): Promise<SignedIn | { readonly ok: false; readonly reason: 'account_disabled' }>;
  /**
   * The same for a token of a source. Nobody can be asked for a second factor that it lacks: `mfa_required`.
   * @throws AppError `unavailable`; `forbidden`
   */
  admitToken(
    identity: Identity,
    origin: Omit<ProofOrigin, 'via'>,
  ): Promise<SignedIn | { readonly ok: false; readonly reason: 'account_disabled' | 'mfa_required' }>;
  /** Adds a proven identity to the account of the person who is signed in. */
  link(sub: string, identity: Identity, origin: ProofOrigin): Promise<LinkOutcome>;
  /**
   * The same with a source that accepts passwords; throttled like a sign-in.
   * @throws AppError `unavailable`
   */
  linkByPassword(
    sub: string,
    attempt: PasswordAttempt & { readonly source: string },
  ): Promise<PasswordLinkOutcome>;
  unlink(sub: string, source: string, origin: ProofOrigin): Promise<LinkOutcome>;
  /** Pure: looks at the definition only. */
  choose(asked: SourceQuestion): SourceChoice;
  /**
   * The account as its sources have it now: looked up again when that is due (`always`: in any case), updated, and
   * locked when the person is gone or disabled there. While a source cannot be reached, the account as it was known
   * last, until the degraded time is over.
   * @throws AppError `unavailable` after that
   */
  readonly recheck: Recheck;
  /**
   * The person changes a password at the source that holds it, proving the old one; throttled like a sign-in.
   * @throws AppError `unavailable`
   */
  changePassword(change: PasswordChangeAttempt): Promise<PasswordChangeOutcome>;
  findBySub(sub: string): Promise<AccountRecord | undefined>;
  /**
   * The account of a person whom a trusted party names, if it may hold tokens here and, where a re-check is due, still
   * may at its source. A person of a directory who has no account yet gets one.
   * @throws AppError `unavailable`
   */
  findAsserted(login: string): Promise<AccountRecord | undefined>;
  readonly findMachine: FindMachine;
  /**
   * The user name that services get for this person: no other person of the tenant has it.
   * @throws AppError `unavailable`
   */
  displayUsername(account: AccountRecord): Promise<string>;
  /**
   * The address that services get for this person: verified, and believed of its source. Undefined: none.
   * @throws AppError `unavailable`
   */
  displayEmail(account: AccountRecord): Promise<string | undefined>;
  /** Every sign-in with all its factors, of a page or a program, asks it before it gives a session or token. */
  readonly callOffDeletion: CallOffDeletion;
  readonly factors: Factors;
  /** An attack that was noticed and refused, for the audit record. */
  readonly noteAttack: NoteAttack;
  /**
   * Counts a wrong secret of a machine. From an address with too many wrong secrets it refuses all, right ones too.
   * @throws AppError `unavailable`
   */
  judgeSecret(shown: ShownSecret): Promise<SecretVerdict>;
  /**
   * Stores the users of the tenant's file; demo tenants only. All look-ups of names wait for it, so no caller has to
   * call it; calling it early, in the background, makes the first sign-in quick.
   */
  seed(): Promise<void>;
}

export interface PasswordChangeAttempt extends PasswordAttempt {
  readonly newPassword: string;
  /** Of the person who is signed in: no good password of anybody else is changed. One that has expired does not say whose it is. */
  readonly sub?: string;
  /** In a sign-in, before the second factor: only a password that its source no longer accepts is changed. */
  readonly isDemanded?: true;
}

export type PasswordChangeOutcome =
  | SignedIn
  | { readonly ok: false; readonly reason: 'credentials' | 'not_offered' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  /** `message` is for the person. */
  | { readonly ok: false; readonly reason: 'policy'; readonly message?: string };
