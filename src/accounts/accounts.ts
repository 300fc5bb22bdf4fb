// The people of a tenant: the one door for passwords, local users, claims, and who may hold tokens.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Connector, Identity } from '../connectors/connector.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { Log } from '../log.ts';
import type { AccountRecord, TenantStorage } from '../storage/storage.ts';
import { isAdmittedTo } from './admission.ts';
import { createAdoption } from './adoption.ts';
import { createFederation } from './federation.ts';
import { createPasswordChange } from './password-change.ts';
import { createPasswordGate } from './password-gate.ts';
import { createPasswordLink } from './password-link.ts';
import { createRecheck } from './recheck.ts';
import { createResolver } from './resolve.ts';
import { createSecretGate, type SecretVerdict, type ShownSecret } from './secret-gate.ts';
import { createSeeding } from './seeding.ts';
import { createSignIn } from './sign-in.ts';
import { chooseSources } from './source-choice.ts';
import { createThrottle } from './throttle.ts';
import { createToldName } from './told-name.ts';
import { createVouching } from './vouching.ts';

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

export interface SignedIn {
  readonly ok: true;
  readonly account: AccountRecord;
  /**
   * Epoch seconds, for the session and its tokens: when the account was read. A password change since then
   * ends the session, as it does all earlier ones.
   */
  readonly signedInAt: number;
  /** RFC 8176. */
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Id of the source that proved it. */
  readonly source: string;
}

export type SignInOutcome =
  | SignedIn
  /** Unknown user, wrong password, disabled and locked look alike. */
  | { readonly ok: false; readonly reason: 'credentials' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  /** The source has accepted the password and says why that is not enough; or it reveals locks. Stable codes. */
  | { readonly ok: false; readonly reason: TellableRefusal; readonly source: string };

export type TellableRefusal =
  | 'password_change_required'
  | 'password_expired'
  | 'account_disabled'
  | 'account_locked';

/** Where a sign-in without a password of ours comes from, for the audit record. */
export interface ProofOrigin {
  readonly address: string;
  readonly via: 'upstream' | 'upstream_token' | 'link';
  readonly clientId?: string;
  readonly requestId?: string;
}

/** Of the sources of a tenant, those that come into question for a client and a name. */
export interface SourceChoice {
  /** Is there any that takes a password here? */
  readonly passwords: boolean;
  /** Those that send the browser away, in order. */
  readonly redirects: readonly { readonly id: string; readonly displayName: string }[];
  /** The redirect source to which the e-mail domain of `login` belongs; says nothing about accounts. */
  readonly home?: string;
  /** Does the domain of a name decide at all, so that the name should be asked for first? */
  readonly asksNameFirst: boolean;
}

export type LinkOutcome =
  | { readonly ok: true; readonly account: AccountRecord }
  /** `taken`: that identity is another account's already. `last`: without it nobody could sign in any more. */
  | { readonly ok: false; readonly reason: 'taken' | 'last' | 'not_found' };

export type PasswordLinkOutcome = LinkOutcome | Exclude<SignInOutcome, SignedIn>;

/** The people of one tenant. */
export interface Accounts {
  /**
   * The one door for every password of the house.
   * @throws AppError `unavailable` when the store or the hashing queue cannot serve it.
   */
  signIn(attempt: PasswordAttempt): Promise<SignInOutcome>;
  /**
   * The account of a person that a redirect or token source has proven: found, linked or made, and brought up to date.
   * @throws AppError `unavailable`; `forbidden` when the source is not in the file, or not for this client
   */
  admit(
    identity: Identity,
    origin: ProofOrigin,
  ): Promise<SignedIn | { readonly ok: false; readonly reason: 'account_disabled' }>;
  /** Adds a proven identity to the account of the person who is signed in. */
  link(sub: string, identity: Identity, origin: ProofOrigin): Promise<LinkOutcome>;
  /**
   * The same with a source that takes passwords; throttled like a sign-in.
   * @throws AppError `unavailable`
   */
  linkByPassword(
    sub: string,
    attempt: PasswordAttempt & { readonly source: string },
  ): Promise<PasswordLinkOutcome>;
  unlink(sub: string, source: string, origin: ProofOrigin): Promise<LinkOutcome>;
  /** Pure: looks at the definition only. */
  choose(asked: { readonly clientId?: string; readonly login?: string }): SourceChoice;
  /**
   * The account as its sources know it now: looked up again when that is due (`always`: in any case), brought up to
   * date, locked when it is gone or disabled there. While a source cannot be reached, the account as it was known
   * last, until the degraded time is over.
   * @throws AppError `unavailable` after that
   */
  recheck(account: AccountRecord, when: 'due' | 'always'): Promise<AccountRecord>;
  /**
   * The person changes a password at the source that holds it, proving the old one; throttled like a sign-in.
   * @throws AppError `unavailable`
   */
  changePassword(change: PasswordAttempt & { readonly newPassword: string }): Promise<PasswordChangeOutcome>;
  findBySub(sub: string): Promise<AccountRecord | undefined>;
  /**
   * The account of a person whose name a trusted party says, if it is in good standing here and, where that is due,
   * still so at its source. A person of a directory who was never here gets one.
   * @throws AppError `unavailable`
   */
  findVouched(login: string): Promise<AccountRecord | undefined>;
  /**
   * The name by which services know this person: nobody else of the tenant has it.
   * @throws AppError `unavailable`
   */
  toldName(account: AccountRecord): Promise<string>;
  /**
   * Counts a secret of a machine if it is wrong; refuses all, right ones too, from an address that was wrong too often.
   * @throws AppError `unavailable`
   */
  judgeSecret(shown: ShownSecret): Promise<SecretVerdict>;
  /**
   * Brings the users of the tenant's file into the store; demo tenants only. Whatever asks for names waits for it, so nobody
   * has to call it; calling it early, in the background, makes the first sign-in quick.
   */
  seed(): Promise<void>;
}

export type PasswordChangeOutcome =
  | SignedIn
  | { readonly ok: false; readonly reason: 'credentials' | 'not_offered' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  /** `message` is for the person. */
  | { readonly ok: false; readonly reason: 'policy'; readonly message?: string };

export interface AccountsParts {
  readonly definition: Pick<TenantDefinition, 'id' | 'demo' | 'users' | 'throttle'>;
  /** The tenant's sources in the file's order, with their mapping; the local list is one of them. */
  readonly connectors: readonly Connector[];
  readonly storage: Pick<TenantStorage, 'accounts' | 'counters'>;
  readonly hasher: PasswordHasher;
  readonly audit: Audit;
  /** Ends the sessions and tokens of a person whose source knows them no more, or whose password was changed. */
  readonly onEnded: (sub: string, reason: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export const createAccounts = (parts: AccountsParts): Accounts => {
  const { definition, storage, connectors, audit, ...shared } = parts;
  const tenant = definition.id;
  const records = storage.accounts;
  const sources = connectors.map((connector) => connector.definition);
  const isAdmitted = (account: AccountRecord): boolean =>
    isAdmittedTo({ demo: definition.demo, sources }, account);
  const seed = createSeeding({ ...shared, tenant, records, seeds: definition.demo ? definition.users : [] });
  const resolver = createResolver({ ...shared, records, sources, isAdmitted, audit });
  const throttle = createThrottle(storage.counters, shared.clock);
  const signingIn = {
    ...shared,
    tenant,
    connectors,
    gate: createPasswordGate({ throttle, limits: definition.throttle, audit }),
    resolver,
    adopt: createAdoption({ ...shared, tenant, records, sources }),
    audit,
    isAdmitted,
  };
  const signIn = createSignIn(signingIn);
  const changePassword = createPasswordChange(signingIn);
  const recheck = createRecheck({ ...shared, connectors, resolver, audit });
  const findVouched = createVouching({ ...shared, connectors, records, resolver, recheck, isAdmitted });
  const findByLogin = async (login: string): Promise<AccountRecord | undefined> => {
    await seed();
    return records.findByLogin(login);
  };
  const federation = createFederation({ ...shared, connectors, records, resolver, isAdmitted, audit });

  return {
    seed,
    signIn: async (attempt) => {
      await seed();
      return signIn(attempt);
    },
    changePassword: async (change) => {
      await seed();
      return changePassword(change);
    },
    choose: (asked) => chooseSources(connectors, asked),
    recheck,
    findBySub: async (sub) => {
      const account = await records.findBySub(sub);
      return account !== undefined && isAdmitted(account) ? account : undefined;
    },
    findVouched: async (login) => {
      await seed();
      return findVouched(login);
    },
    toldName: createToldName({ findByLogin, sources }),
    judgeSecret: createSecretGate({ ...shared, throttle, limits: definition.throttle, audit }),
    linkByPassword: createPasswordLink(signingIn, federation.link),
    ...federation,
  };
};
