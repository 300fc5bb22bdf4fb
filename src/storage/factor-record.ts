// What is kept of the second factors of an account.

interface NamedFactor {
  /** Unique within the account. */
  readonly id: string;
  /** The name that the person gave it. */
  readonly name: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly lastUsedAt?: number;
}

/** An authenticator app (RFC 6238). */
export interface TotpFactor extends NamedFactor {
  readonly type: 'totp';
  /** Encrypted; see crypto/sealed-box. */
  readonly sealedSecret: string;
  /** The last time step whose code was accepted. It and earlier ones are refused (RFC 6238 section 5.2). */
  readonly lastStep: number;
}

/** Codes for a person who has lost the other factors. Each is good once. */
export interface RecoveryCodes {
  readonly type: 'recovery_codes';
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Of those that are not used yet; keyed. */
  readonly hashes: readonly string[];
}

export type FactorRecord = TotpFactor | RecoveryCodes;

/** Wrong answers to the question for a factor, in all places where it is asked. */
export interface FactorGuesses {
  readonly count: number;
  /** Epoch milliseconds when counting starts anew. */
  readonly endsAt: number;
}
