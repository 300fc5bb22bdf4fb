// The part of the storage port for accounts.
import type { FactorGuesses, FactorRecord } from './factor-record.ts';
import type { FormerEmail } from './former-email.ts';
import type { LinkedIdentity } from './linked-identity.ts';

export interface AccountRecord {
  /** Stable, opaque, never reassigned. */
  readonly sub: string;
  /** Names this person may sign in with (user name, e-mail): NFKC, case-folded; unique within the tenant. */
  readonly logins: readonly string[];
  readonly username: string;
  /** PHC string; absent for people without a local password. */
  readonly passwordHash?: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  /** Further OpenID Connect standard claims (name, given_name, picture, locale …). */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly formerEmails?: readonly FormerEmail[];
  /** The id of the picture that the person has uploaded; see `pictures`. */
  readonly pictureId?: string;
  /** The language that a person of a source has chosen here, in place of the claim `locale`, which the source writes. */
  readonly chosenLocale?: string;
  /** Epoch milliseconds; present while disabled or locked by an operator or by a directory. */
  readonly disabledAt?: number;
  readonly lockedAt?: number;
  /** Epoch milliseconds; present while the person has asked for the deletion of the account: it is deleted then. */
  readonly deleteAt?: number;
  /** Epoch seconds: sessions older than this are over (password change, forced logout). */
  readonly notBefore?: number;
  /**
   * `demo`: seeded from the tenant's file; `source`: made at the first sign-in through a source of people; `system`: a program,
   * which has API keys and never signs in.
   */
  readonly origin: 'local' | 'demo' | 'source' | 'system';
  /** Who this person is at the sources; absent for people who are local only. */
  readonly identities?: readonly LinkedIdentity[];
  /**
   * Unique within the tenant: one for each identity, and one for a verified e-mail address by which accounts may be
   * linked. Hashes.
   */
  readonly identityKeys?: readonly string[];
  /** The source that set `lockedAt`, and alone may lift it; absent when an operator did. */
  readonly lockedBy?: string;
  /** The source whose accepted password `passwordHash` was made from, and when (epoch milliseconds). */
  readonly adoptedFrom?: string;
  readonly adoptedAt?: number;
  /** `demo` only: fingerprint of the seed it was last written from. */
  readonly seed?: string;
  /** Second factors. Changed under an `expectedVersion` alone, so that a code is accepted once. */
  readonly factors?: readonly FactorRecord[];
  readonly factorGuesses?: FactorGuesses;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Grows by one with each update. */
  readonly version: number;
}

export type AccountPatch = Partial<Omit<AccountRecord, 'sub' | 'createdAt' | 'version'>>;

export interface AccountRecords {
  findBySub(sub: string): Promise<AccountRecord | undefined>;
  /** `login` must be canonical already. */
  findByLogin(login: string): Promise<AccountRecord | undefined>;
  findByIdentity(identityKey: string): Promise<AccountRecord | undefined>;
  /** False when the sub, one of the logins or one of the identity keys is taken; nothing is written then. */
  insert(account: AccountRecord): Promise<boolean>;
  /**
   * Applies the patch if the stored version is `expectedVersion` (always, when omitted); `undefined` values
   * remove a field. False when absent, changed meanwhile, or a login or identity key is taken.
   */
  update(
    sub: string,
    patch: { readonly [K in keyof AccountPatch]: AccountPatch[K] | undefined },
    expectedVersion?: number,
  ): Promise<boolean>;
  /** By sub, ascending, after `afterSub`; all, or those of this origin. */
  list(page: {
    readonly afterSub?: string;
    readonly origin?: 'system';
    readonly limit: number;
  }): Promise<readonly AccountRecord[]>;
  count(): Promise<number>;
  /** Those whose `deleteAt` is `nowMs` or before, the oldest first. */
  dueForDeletion(due: { readonly nowMs: number; readonly limit: number }): Promise<readonly AccountRecord[]>;
  /** Those whose oldest former address ended at `nowMs` or before, the oldest first. */
  withEndedEmails(due: { readonly nowMs: number; readonly limit: number }): Promise<readonly AccountRecord[]>;
}
