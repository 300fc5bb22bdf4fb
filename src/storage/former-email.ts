import type { FactorRecord } from './factor-record.ts';
import type { LinkedIdentity } from './linked-identity.ts';

/** A verified address of before, which the person can put back; an account has the oldest first. */
export interface FormerEmail {
  /** What puts it back names it so. */
  readonly id: string;
  readonly email: string;
  readonly username: string;
  /** Epoch milliseconds. */
  readonly until: number;
  readonly kept: KeptSignIn;
}

/** With what a person signed in at one time; its hashes and secrets are those of an account. */
export interface KeptSignIn {
  readonly passwordHash?: string;
  readonly adoptedFrom?: string;
  readonly adoptedAt?: number;
  readonly factors?: readonly FactorRecord[];
  readonly identities?: readonly LinkedIdentity[];
}
