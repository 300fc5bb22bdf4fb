// The verified addresses that are believed. Services and apps identify people by their address, so a source that the
// tenant does not trust with a domain cannot give a person an address of the tenant, or one of another account.
import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { UserSeed } from '../config/tenant/tenant-definition.ts';
import type { Identity } from '../connectors/connector.ts';
import { canonicalLogin, domainOfLogin } from '../protocol/canonical-login.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { emailKey, isTrustedWith, livingIdentities } from './linked-identities.ts';

export interface BelievedEmailParts {
  readonly records: Pick<AccountRecords, 'findByIdentity' | 'findByLogin'>;
  /** In the file's order. */
  readonly sources: readonly SourceDefinition[];
  /** Of the tenant's file. */
  readonly users: readonly Pick<UserSeed, 'username' | 'email'>[];
}

/** Both throw AppError `unavailable`. */
export interface BelievedEmail {
  /**
   * The identity, with an address that counts as not verified where its source is not believed.
   * @param sub of its account, if it has one
   */
  ofIdentity(identity: Identity, sub?: string): Promise<Identity>;
  /** The address of an account, if it is verified and believed now. */
  ofAccount(account: AccountRecord): Promise<string | undefined>;
}

export const createBelievedEmail = ({ records, sources, users }: BelievedEmailParts): BelievedEmail => {
  const domainsOfUsers = new Set(
    users.flatMap(({ username, email }) => [domainOfLogin(username), domainOfLogin(email)]),
  );

  const isHeldByOther = async (email: string, sub: string | undefined): Promise<boolean> => {
    const holders = await Promise.all([records.findByIdentity(emailKey(email)), records.findByLogin(email)]);
    return holders.some((holder) => holder !== undefined && holder.sub !== sub);
  };

  /** Is the domain one of the tenant's, and not one whose people sign in at this source? */
  const isOfOthers = (email: string, source: string): boolean => {
    const domain = domainOfLogin(email) ?? '';
    if (sources.find(({ id }) => id === source)?.domains.includes(domain) === true) return false;
    return domainsOfUsers.has(domain) || listedDomains(sources).includes(domain);
  };

  const isBelieved = async (address: string, source: string, sub: string | undefined): Promise<boolean> => {
    const email = canonicalLogin(address);
    if (email === undefined) return false;
    if (isTrustedWith(email, source, sources)) return true;
    return !isOfOthers(email, source) && !(await isHeldByOther(email, sub));
  };

  return {
    ofIdentity: async (identity, sub) => {
      const { profile, source } = identity;
      if (!profile.emailVerified || profile.email === undefined) return identity;
      return (await isBelieved(profile.email, source, sub))
        ? identity
        : { ...identity, profile: { ...profile, emailVerified: false } };
    },
    ofAccount: async (account) => {
      const { email, emailVerified, origin, sub } = account;
      if (email === undefined || emailVerified !== true) return undefined;
      if (origin !== 'source') return email;
      const living = new Set(livingIdentities(account, sources).map(({ source }) => source));
      // what a password that was taken over from a source keeps alive
      const source = sources.find(({ id }) => living.has(id))?.id ?? '';
      return (await isBelieved(email, source, sub)) ? email : undefined;
    },
  };
};

/** The domains that some source of the tenant lists; those of local users can be in the lists of the local source. */
const listedDomains = (
  sources: readonly Pick<SourceDefinition, 'domains' | 'trustedEmailDomains'>[],
): readonly string[] =>
  sources.flatMap(({ domains, trustedEmailDomains }) => [...domains, ...trustedEmailDomains]);
