// What an operator does for a person who has lost a second factor.

import type { Audit } from '../../audit/audit.ts';
import type { AuditAction } from '../../audit/audit-actions.ts';
import type { Clock } from '../../clock.ts';
import type { AccountRecord, AccountRecords } from '../../storage/storage.ts';
import { changeAccount } from '../account-change.ts';
import { keptAsDecided } from '../kept-sign-in.ts';
import type { Revocations } from '../revocations.ts';
import { endOfSessions } from '../standing.ts';
import { changeFactors } from './factor-change.ts';
import { hashRecoveryCode, newRecoveryCode } from './recovery-codes.ts';

export interface FactorResetParts {
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly revocations: Pick<Revocations, 'endAccount'>;
  /** See `FactorsParts`. */
  readonly recoveryKey: Buffer;
  readonly audit: Audit;
  readonly clock: Clock;
  /** For the audit record: `cli`, or a sub. */
  readonly actor: string;
}

/** All throw AppError `unavailable` when store or audit record are not available. */
export interface FactorReset {
  /**
   * One more recovery code, for the person alone: with it they sign in once, and set up a new factor. Undefined while
   * they have no factor that it could stand in for.
   */
  issueCode(account: AccountRecord): Promise<string | undefined>;
  /** Removes all factors and ends all sessions: whoever knows the password alone can then sign in. */
  removeAll(account: AccountRecord): Promise<void>;
}

export const createFactorReset = (parts: FactorResetParts): FactorReset => {
  const { records, audit, clock, actor } = parts;
  const noteBefore = ({ sub }: AccountRecord, action: AuditAction): Promise<void> =>
    audit.noteBefore({ action, actor, object: sub, outcome: 'success' });

  return {
    issueCode: async (asked) => {
      if (!hasLosableFactor(asked)) return undefined;
      await noteBefore(asked, 'user.recovery_code');
      return addRecoveryCode(parts, asked);
    },

    removeAll: async (asked) => {
      await noteBefore(asked, 'user.mfa_reset');
      const notBefore = endOfSessions(clock.now());
      await changeAccount(records, asked, (current) => ({
        ...{ factors: undefined, factorGuesses: undefined, notBefore },
        ...keptAsDecided(current, ({ factors: _, ...kept }) => kept),
      }));
      await parts.revocations.endAccount(asked.sub, 'user.mfa_reset');
    },
  };
};

/** Has the person a factor that a recovery code could stand in for? */
export const hasLosableFactor = ({ factors = [] }: Pick<AccountRecord, 'factors'>): boolean =>
  factors.some(({ type }) => type !== 'recovery_codes');

/** @returns one more recovery code; only its keyed hash is stored */
export const addRecoveryCode = async (
  { records, recoveryKey, clock }: Pick<FactorResetParts, 'records' | 'recoveryKey' | 'clock'>,
  account: AccountRecord,
): Promise<string> => {
  const code = newRecoveryCode();
  await changeFactors(records, account, ({ sub, factors = [] }) => {
    const codes = factors.find((factor) => factor.type === 'recovery_codes');
    const others = factors.filter((factor) => factor !== codes);
    const hashes = [...(codes?.hashes ?? []), hashRecoveryCode(recoveryKey, sub, code)];
    const createdAt = codes?.createdAt ?? clock.now();
    const changed = [...others, { type: 'recovery_codes', createdAt, hashes } as const];
    return { patch: { factors: changed, factorGuesses: undefined }, result: undefined };
  });
  return code;
};

/** The code was shown to nobody. */
export const withdrawRecoveryCode = async (
  { records, recoveryKey }: Pick<FactorResetParts, 'records' | 'recoveryKey'>,
  account: AccountRecord,
  code: string,
): Promise<void> => {
  await changeFactors(records, account, ({ sub, factors = [] }) => {
    const hash = hashRecoveryCode(recoveryKey, sub, code);
    const kept = factors.map((factor) =>
      factor.type === 'recovery_codes'
        ? { ...factor, hashes: factor.hashes.filter((one) => one !== hash) }
        : factor,
    );
    return { patch: { factors: kept }, result: undefined };
  });
};
