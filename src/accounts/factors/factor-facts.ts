import type { SecondFactorRules } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { FactorRecord } from '../../storage/factor-record.ts';
import type { AccountRecord } from '../../storage/storage.ts';

/** What may be shown of a second factor. */
export interface FactorFacts {
  readonly id: string;
  readonly type: Exclude<FactorRecord['type'], 'recovery_codes'>;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly lastUsedAt?: number;
}

/** A member that is not named here is not shown: a new one may be a secret. */
export const factorFacts = ({ factors = [] }: Pick<AccountRecord, 'factors'>): readonly FactorFacts[] =>
  factors.flatMap((factor) => {
    if (factor.type === 'recovery_codes') return [];
    const { id, type, name, createdAt, lastUsedAt } = factor;
    return [{ id, type, name, createdAt, ...definedOnly({ lastUsedAt }) }];
  });

export const recoveryCodesLeft = ({ factors = [] }: Pick<AccountRecord, 'factors'>): number =>
  factors.reduce((left, factor) => left + (factor.type === 'recovery_codes' ? factor.hashes.length : 0), 0);

/** What a program can send for the person, at a tenant with these methods. */
export const codeMethodsOf = (
  { methods }: Pick<SecondFactorRules, 'methods'>,
  account: Pick<AccountRecord, 'factors'>,
): readonly string[] => [
  ...(methods.includes('totp') && account.factors?.some(({ type }) => type === 'totp') === true
    ? ['totp']
    : []),
  ...(recoveryCodesLeft(account) > 0 ? ['recovery_code'] : []),
];
