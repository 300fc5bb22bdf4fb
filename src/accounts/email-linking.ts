import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { emailKey, isTrustedWith, livingIdentities } from './linked-identities.ts';

/** The side of the identity, which `linkableEmail` has accepted. */
export interface LinkableEmail {
  /** Of the proven identity. */
  readonly source: string;
  /** Canonical; the source says that it is verified, and is trusted with its domain. */
  readonly email: string;
}

/**
 * May an identity that is new here be linked to this account, because both have the same e-mail address? Both sides say
 * that the address is verified, and the tenant trusts either with its domain. The account's side:
 *
 * | account   | may be linked when                                                                               |
 * | --------- | ------------------------------------------------------------------------------------------------ |
 * | any       | it has no identity of the same source: a source that gives an address to another person would    |
 * |           | hand over the account with it                                                                    |
 * | of source | it holds the address as a key, and a source that still knows the person is trusted with the      |
 * |           | domain; a name to sign in with is not enough: any source may have brought that                   |
 * | system    | never                                                                                            |
 * | local     | the address is the account's own, verified, and one of its names to sign in with                 |
 */
export const mayBeLinkedByEmail = (
  account: AccountRecord,
  { source, email }: LinkableEmail,
  sources: readonly SourceDefinition[],
): boolean => {
  if (account.identities?.some((linked) => linked.source === source) === true) return false;
  if (account.origin === 'source') {
    const holdsKey = account.identityKeys?.includes(emailKey(email)) === true;
    return (
      holdsKey &&
      livingIdentities(account, sources).some((living) => isTrustedWith(email, living.source, sources))
    );
  }
  if (account.origin === 'system') return false;
  return account.emailVerified === true && account.logins.includes(email) && isOwnEmail(account, email);
};

const isOwnEmail = (account: AccountRecord, email: string): boolean =>
  account.email !== undefined && account.email.normalize('NFKC').trim().toLowerCase() === email;
