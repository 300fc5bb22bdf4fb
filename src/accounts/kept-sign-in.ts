// With what a person signs in, kept when the e-mail address changes: whoever puts the address back gets all of it back, since
// another person may have changed that too. Pure.
import { definedOnly } from '../defined-only.ts';
import type { FactorRecord } from '../storage/factor-record.ts';
import type { KeptSignIn } from '../storage/former-email.ts';
import type { LinkedIdentity } from '../storage/linked-identity.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { type AccountChange, emailKeysOf, identityKey } from './linked-identities.ts';

export const keepSignIn = (account: AccountRecord): KeptSignIn => {
  const { passwordHash, adoptedFrom, adoptedAt, factors, identities } = account;
  return definedOnly({ passwordHash, adoptedFrom, adoptedAt, factors, identities });
};

/**
 * What was added since then is gone, and what was removed or replaced is back. Codes that were used since then stay used.
 * @param isTaken says of an identity key that another account has it by now
 */
export const signInAsKept = (
  account: AccountRecord,
  kept: KeptSignIn,
  isTaken: (key: string) => boolean,
): AccountChange => {
  const { passwordHash, adoptedFrom, adoptedAt } = kept;
  const factors = factorsAsKept(account.factors, kept.factors);
  const identities = identitiesAsKept(account.identities, kept.identities).filter(
    (identity) => !isTaken(identityKey(identity)),
  );
  const identityKeys = [...identities.map(identityKey), ...emailKeysOf(account)];
  return {
    ...{ passwordHash, adoptedFrom, adoptedAt },
    factors: factors.length === 0 ? undefined : factors,
    factorGuesses: undefined,
    identities: identities.length === 0 ? undefined : identities,
    identityKeys: identityKeys.length === 0 ? undefined : identityKeys,
  };
};

/** What an operator has decided since then comes back too, and not what it replaces; undefined: nothing is kept. */
export const keptAsDecided = (
  { formerEmails }: AccountRecord,
  decide: (kept: KeptSignIn) => KeptSignIn,
): AccountChange | undefined =>
  formerEmails === undefined || formerEmails.length === 0
    ? undefined
    : { formerEmails: formerEmails.map((former) => ({ ...former, kept: decide(former.kept) })) };

/** The identities that the account has now and had not then. */
export const identitiesAddedSince = (
  { identities = [] }: Pick<AccountRecord, 'identities'>,
  kept: KeptSignIn,
): readonly LinkedIdentity[] => {
  const keys = new Set((kept.identities ?? []).map(identityKey));
  return identities.filter((identity) => !keys.has(identityKey(identity)));
};

const identitiesAsKept = (
  now: readonly LinkedIdentity[] = [],
  kept: readonly LinkedIdentity[] = [],
): readonly LinkedIdentity[] =>
  kept.map((identity) => now.find((each) => identityKey(each) === identityKey(identity)) ?? identity);

const factorsAsKept = (
  now: readonly FactorRecord[] = [],
  kept: readonly FactorRecord[] = [],
): readonly FactorRecord[] =>
  kept.map((factor) => {
    const current = now.find((each) => isSameFactor(each, factor));
    if (current === undefined) return factor;
    if (current.type !== 'recovery_codes' || factor.type !== 'recovery_codes') return current;
    return { ...current, hashes: current.hashes.filter((hash) => factor.hashes.includes(hash)) };
  });

const isSameFactor = (one: FactorRecord, other: FactorRecord): boolean => {
  if (one.createdAt !== other.createdAt) return false;
  if (one.type === 'recovery_codes' || other.type === 'recovery_codes') return one.type === other.type;
  return one.type === other.type && one.id === other.id;
};
