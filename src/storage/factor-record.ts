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

/** A passkey or security key (WebAuthn). */
export interface PasskeyFactor extends NamedFactor {
  readonly type: 'passkey';
  /** base64url, as are the others. */
  readonly credentialId: string;
  /** COSE (RFC 9052). */
  readonly publicKey: string;
  /** Of signatures; 0 when the authenticator does not count. */
  readonly counter: number;
  readonly transports?: readonly string[];
  /** Several devices of the person may have the key: it is kept in software. */
  readonly isSynced: boolean;
  readonly isBackedUp: boolean;
  /** The relying party that it was made for: it works for no other. */
  readonly rpId: string;
  /** Challenges that were answered and have not expired. Each counts once. */
  readonly usedChallenges?: readonly UsedChallenge[];
}

export interface UsedChallenge {
  readonly hash: string;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** Codes for a person who has lost the other factors. Each is good once. */
export interface RecoveryCodes {
  readonly type: 'recovery_codes';
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Of those that are not used yet; keyed. */
  readonly hashes: readonly string[];
}

export type FactorRecord = TotpFactor | PasskeyFactor | RecoveryCodes;

/** Wrong answers to the question for a factor, in all places where it is asked. */
export interface FactorGuesses {
  readonly count: number;
  /** Epoch milliseconds when counting starts anew. */
  readonly endsAt: number;
}
