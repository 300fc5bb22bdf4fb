// A factor that is added to an account, with recovery codes if it is the first.
import type { Audit } from '../../audit/audit.ts';
import type { Clock } from '../../clock.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { FactorRecord } from '../../storage/factor-record.ts';
import type { AccountRecord, AccountRecords } from '../../storage/storage.ts';
import type { NotifyOfChange } from '../account-notices.ts';
import { readPlainText } from '../plain-text.ts';
import { maySignIn } from '../standing.ts';
import { changeFactors, type FactorPlan } from './factor-change.ts';
import type { FactorOrigin } from './proven-factor.ts';
import { hashesOf, newRecoveryCodes } from './recovery-codes.ts';

export type FactorAdded<Fault extends string = never> =
  | {
      readonly ok: true;
      readonly account: AccountRecord;
      /** With the first factor: to be shown once. */
      readonly recoveryCodes?: readonly string[];
    }
  | { readonly ok: false; readonly reason: Fault | 'limit' };

export type NewFactor = Exclude<FactorRecord, { readonly type: 'recovery_codes' }>;

export interface AddedFactorParts {
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly recoveryKey: Buffer;
  readonly notifyOfChange: NotifyOfChange;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Of one person. */
const mostFactors = 10;
/** Characters. */
const longestName = 60;

/** The name that was typed, cut to its first 60 characters; `otherwise` when it is empty or no plain text. */
export const nameOr = (typed: string, otherwise: string): string =>
  [...(readPlainText(typed) ?? otherwise)].slice(0, longestName).join('').trim();

export const createAddFactor =
  ({ records, recoveryKey, notifyOfChange, audit, clock }: AddedFactorParts) =>
  async (asked: AccountRecord, added: NewFactor, origin: FactorOrigin): Promise<FactorAdded> => {
    if ((asked.factors ?? []).length >= mostFactors) return { ok: false, reason: 'limit' };
    const { sub } = asked;
    const event = { ...origin, action: 'factor.add', actor: sub, object: sub } as const;
    await audit.noteBefore({ ...event, outcome: 'success' });
    const codes = newRecoveryCodes();
    const add = () =>
      changeFactors(records, asked, (now): FactorPlan<Addition> => {
        if (!maySignIn(now) || now.notBefore !== asked.notBefore) return { result: { refusal: 'ended' } };
        const { factors = [] } = now;
        // a form that is sent twice adds one factor
        if (factors.some((factor) => factor.type !== 'recovery_codes' && factor.id === added.id))
          return { result: {} };
        if (factors.length >= mostFactors) return { result: { refusal: 'limit' } };
        const isFirst = factors.every(({ type }) => type === 'recovery_codes');
        const kept = isFirst ? [] : factors;
        const recovery = isFirst ? [recoveryCodesOf(hashesOf(recoveryKey, sub, codes), clock.now())] : [];
        return {
          patch: { factors: [...kept, added, ...recovery] },
          result: { isAdded: true, ...(isFirst ? { recoveryCodes: codes } : {}) },
        };
      });
    const { account, result } = await notifyOfChange(
      asked,
      { kind: 'factor_added', values: { factor: added.name } },
      { make: add, isDone: ({ result: { isAdded } }) => isAdded === true },
    );
    const { refusal, recoveryCodes } = result;
    if (refusal === undefined) return { ok: true, account, ...definedOnly({ recoveryCodes }) };
    await audit.note({ ...event, outcome: 'failure', reason: refusal });
    if (refusal === 'ended') throw new AppError('not_found', 'This account may no longer be used');
    return { ok: false, reason: refusal };
  };

interface Addition {
  readonly isAdded?: boolean;
  readonly recoveryCodes?: readonly string[];
  /** `ended`: a new password or a forced sign-out, since the person signed in. */
  readonly refusal?: 'limit' | 'ended';
}

export const recoveryCodesOf = (hashes: readonly string[], createdAt: number): FactorRecord => ({
  type: 'recovery_codes',
  createdAt,
  hashes,
});
