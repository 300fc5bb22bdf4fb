import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { FormerAddresses } from './former-addresses.ts';
import { emailKey } from './linked-identities.ts';

/** Of verifications: proves an address that may get an account. */
export const registrationPurpose = 'registration';

export const registerUrl = (issuer: string): string => `${issuer}/register`;

/** @param token of the mail */
export const newAccountUrl = (issuer: string, token: string): string =>
  `${registerUrl(issuer)}/account?token=${token}`;

export interface FindKnownParts {
  readonly records: Pick<AccountRecords, 'findByLogin' | 'findByIdentity'>;
  readonly formerAddresses: Pick<FormerAddresses, 'find'>;
  /** The users of the tenant's file are in the store afterwards. */
  readonly seed: () => Promise<void>;
}

/** @param email canonical */
export type FindKnown = (email: string) => Promise<AccountRecord | undefined>;

/** The account that has this address, as a name to sign in with or proven by a source, or that can put it back. */
export const createFindKnown =
  ({ records, formerAddresses, seed }: FindKnownParts): FindKnown =>
  async (email) => {
    await seed();
    return (
      (await records.findByLogin(email)) ??
      (await records.findByIdentity(emailKey(email))) ??
      formerAddresses.find(email)
    );
  };
