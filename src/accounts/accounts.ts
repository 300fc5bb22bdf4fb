// The people of a tenant: the one door for passwords, local users, claims, and who may hold tokens.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant-definition.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { Log } from '../log.ts';
import type { AccountRecord, TenantStorage } from '../storage/storage.ts';
import { createSeeding } from './seeding.ts';
import { createSignIn } from './sign-in.ts';
import { createThrottle } from './throttle.ts';

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
  | {
      readonly ok: true;
      readonly account: AccountRecord;
      /**
       * Epoch seconds, for the session and its tokens: when the account was read. A password change since then
       * ends the session, as it does all earlier ones.
       */
      readonly signedInAt: number;
    }
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
  /**
   * Brings the users of the tenant's file into the store; demo tenants only. `signIn` waits for it, so nobody
   * has to call it; calling it early, in the background, makes the first sign-in quick.
   */
  seed(): Promise<void>;
}

export interface AccountsParts {
  readonly definition: Pick<TenantDefinition, 'id' | 'demo' | 'users' | 'throttle'>;
  readonly storage: Pick<TenantStorage, 'accounts' | 'counters'>;
  readonly hasher: PasswordHasher;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
}

/** Demo passwords are public: once a tenant is no demo any more, its demo users are nobody. */
export const createAccounts = ({ definition, storage, ...shared }: AccountsParts): Accounts => {
  const tenant = definition.id;
  const records = storage.accounts;
  const isAdmitted = (account: AccountRecord): boolean => definition.demo || account.origin !== 'demo';
  const seed = createSeeding({ ...shared, tenant, records, seeds: definition.demo ? definition.users : [] });
  const signIn = createSignIn({
    ...shared,
    tenant,
    records,
    throttle: createThrottle(storage.counters, shared.clock),
    limits: definition.throttle,
    isAdmitted,
  });

  return {
    seed,
    signIn: async (attempt) => {
      await seed();
      return signIn(attempt);
    },
    findBySub: async (sub) => {
      const account = await records.findBySub(sub);
      return account !== undefined && isAdmitted(account) ? account : undefined;
    },
  };
};
