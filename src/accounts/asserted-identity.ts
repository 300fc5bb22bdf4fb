// Identity assertion: a trusted party names the person, and no password is proven here, so a name must belong to one
// person only.

import type { Clock } from '../clock.ts';
import type { Connector } from '../connectors/connector.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { Accounts } from './account-types.ts';
import { createBoundedCache } from './bounded-cache.ts';
import { recheckMsOf } from './linked-identities.ts';
import type { Resolver } from './resolve.ts';
import { passwordSourcesFor } from './source-choice.ts';
import { mayHoldTokens } from './standing.ts';

export interface AssertedIdentityParts {
  /** In the file's order. */
  readonly connectors: readonly Connector[];
  readonly records: Pick<AccountRecords, 'findBySub'>;
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly recheck: Accounts['recheck'];
  readonly isAdmitted: (account: AccountRecord) => boolean;
  readonly clock: Clock;
}

/** Number of names whose person is remembered; beyond it the least recently used name is looked up again. */
const remembered = 10_000;

interface Found {
  readonly account: AccountRecord;
  readonly source: string;
}

/**
 * Asks the sources that accept passwords in their order, as for a sign-in, and stops at the first that knows the name
 * or cannot be reached: the next one may know another person by it. The owner of a name at a directory is looked up
 * as often as its people are checked again; the state of the account is read each time.
 */
export const createFindAsserted = (parts: AssertedIdentityParts): Accounts['findAsserted'] => {
  const { connectors, records, recheck } = parts;
  const sources = connectors.map(({ definition }) => definition);
  const subOf = createBoundedCache<string>(parts.clock, remembered);

  const remember = (login: string, { account, source }: Found): void => {
    const ttl = recheckMsOf(source, sources);
    if (ttl > 0) subOf.set(login, account.sub, { ttl });
  };

  const ask = async (login: string): Promise<Found | undefined> => {
    for (const { definition, lookup } of passwordSourcesFor(connectors, { login })) {
      const verdict = await lookup?.find({ login });
      // the subject at an upstream may be the name of another person
      if (verdict === undefined || verdict.status === 'absent' || 'partly' in verdict) continue;
      if (verdict.status === 'refused') return undefined;
      const { person } = verdict;
      return {
        account: person.account ?? (await parts.resolver.resolve(person, {})),
        source: definition.id,
      };
    }
    return undefined;
  };

  const find = async (login: string): Promise<AccountRecord | undefined> => {
    const sub = subOf.get(login);
    const known = sub === undefined ? undefined : await records.findBySub(sub);
    // one that was deleted meanwhile is as unknown as any other
    if (known !== undefined) return known;
    const found = await ask(login);
    if (found === undefined) return undefined;
    // a look-up in the local list costs no more than one in the store
    if (found.account.origin === 'source') remember(login, found);
    return found.account;
  };

  return async (login) => {
    const canonical = canonicalLogin(login);
    const account = canonical === undefined ? undefined : await find(canonical);
    if (account === undefined || !parts.isAdmitted(account)) return undefined;
    const now = await recheck(account, 'due');
    return mayHoldTokens(now) ? now : undefined;
  };
};
