// What a factor adds to a sign-in, in the words of tokens.
import type { AuditEvent } from '../../audit/audit.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import { emailMethod, mfaAcr, phrAcr } from './factor-demand.ts';

/** Where an action comes from, for the audit record. */
export type FactorOrigin = Pick<AuditEvent, 'address' | 'clientId' | 'requestId'>;

/** How a factor was proven: `amr` by RFC 8176. */
export interface FactorProof {
  readonly amr: readonly string[];
  readonly acr: typeof mfaAcr | typeof phrAcr;
}

export interface ProvenFactor extends FactorProof {
  readonly ok: true;
  readonly account: AccountRecord;
  /** How many are left, after one of them was used. */
  readonly recoveryCodesLeft?: number;
}

export interface FactorThrottled {
  readonly ok: false;
  readonly reason: 'throttled';
  readonly retryAfterSeconds: number;
}

export type FactorOutcome = ProvenFactor | { readonly ok: false; readonly reason: 'code' } | FactorThrottled;

/** Of a sign-in with a code of an authenticator app, or a recovery code. */
export const byCode: FactorProof = { amr: ['otp', 'mfa'], acr: mfaAcr };

/** Of a sign-in with a mailed code beside the password. RFC 8176 has no word for it. */
export const byEmail: FactorProof = { amr: [emailMethod, 'mfa'], acr: mfaAcr };

/**
 * Of a sign-in with a passkey, after a password or with user verification. RFC 8176: `hwk`, a key that does not leave its
 * device; `swk`, one that is kept in software; `user`, a person was present.
 */
export const byPasskey = ({ isSynced }: { readonly isSynced: boolean }): FactorProof => ({
  amr: [isSynced ? 'swk' : 'hwk', 'user', 'mfa'],
  acr: phrAcr,
});

/** How a person signed in who has proven a second factor as well. */
export const withFactor = <S extends { readonly amr: readonly string[]; readonly acr?: string }>(
  first: S,
  { amr, acr }: FactorProof,
): S => ({
  ...first,
  amr: [...new Set([...first.amr, ...amr])],
  acr: first.acr === phrAcr ? first.acr : acr,
});
