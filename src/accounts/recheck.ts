// People with live sessions are looked up again at their sources: who is gone there is locked here.

import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { Connector, LookupVerdict, PersonLookup, Profile } from '../connectors/connector.ts';
import { definedOnly } from '../defined-only.ts';
import { isAppError } from '../errors.ts';
import type { AccountRecord, LinkedIdentity } from '../storage/storage.ts';
import type { Accounts } from './account-types.ts';
import { changeByDeparture, changeByLock, isSamePerson, recheckMsOf } from './linked-identities.ts';
import { hasLocalPassword } from './password-adoption.ts';
import type { Resolver } from './resolve.ts';

export interface RecheckParts {
  /** In the file's order. */
  readonly connectors: readonly Connector[];
  readonly resolver: Resolver;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly onEnded: (sub: string, reason: string) => Promise<void>;
}

/** One look at one source. */
interface Look {
  readonly linked: LinkedIdentity;
  readonly definition: Connector['definition'];
  readonly lookup: PersonLookup;
}

const action = 'account.source_gone';

/**
 * Single flight for each person: requests that come meanwhile wait for its answer, which nobody keeps afterwards. People
 * without a source cost nothing.
 */
export const createRecheck = (parts: RecheckParts): Accounts['recheck'] => {
  const { clock, resolver } = parts;
  const sources = parts.connectors.map(({ definition }) => definition);
  const flights = new Map<string, Promise<AccountRecord>>();

  const looksFor = (account: AccountRecord, when: 'due' | 'always'): readonly Look[] =>
    (account.identities ?? []).flatMap((linked) => {
      const connector = parts.connectors.find(({ definition }) => definition.id === linked.source);
      if (connector?.lookup === undefined) return [];
      const { definition, lookup } = connector;
      // whose password was taken over is not that source's any more
      if (
        definition.adopt === 'takeover' &&
        account.adoptedFrom === linked.source &&
        hasLocalPassword(account, sources)
      )
        return [];
      const isDue =
        when === 'always' || clock.now() >= linked.checkedAt + recheckMsOf(linked.source, sources);
      return isDue ? [{ linked, definition, lookup }] : [];
    });

  const depart = async (account: AccountRecord, { linked }: Look, reason: string): Promise<AccountRecord> => {
    let isNews = false;
    const changed = await resolver.change(account, async (current) => {
      const stored = current.identities?.find((each) => isSamePerson(each, linked));
      // seen again meanwhile, by a sign-in that began later: the source has the last word
      isNews = stored !== undefined && stored.goneAt === undefined && stored.checkedAt === linked.checkedAt;
      if (stored === undefined) return undefined;
      const moment = { sources, nowMs: clock.now() };
      if (isNews) {
        return changeByDeparture(current, stored, {
          ...moment,
          hasLocalPassword: hasLocalPassword(current, sources),
        });
      }
      return stored.goneAt === undefined ? undefined : touch(current, stored, moment.nowMs);
    });
    if (!isNews) return changed;
    const { sub } = changed;
    await parts.audit.note({
      action,
      outcome: 'success',
      actor: linked.source,
      object: sub,
      reason: `${linked.source}: ${reason}`,
    });
    await parts.onEnded(sub, action);
    return changed;
  };

  const lock = async (account: AccountRecord, { linked }: Look): Promise<AccountRecord> => {
    let isNews = false;
    const changed = await resolver.change(account, async (current) => {
      const stored = current.identities?.find((each) => isSamePerson(each, linked));
      if (stored === undefined) return undefined;
      const change = changeByLock(current, stored, {
        sources,
        nowMs: clock.now(),
        hasLocalPassword: hasLocalPassword(current, sources),
      });
      isNews = change.lockedBy !== undefined;
      return change;
    });
    if (!isNews) return changed;
    await parts.audit.note({
      action: 'account.source_locked',
      outcome: 'success',
      actor: linked.source,
      object: changed.sub,
    });
    return changed;
  };

  const look = async (account: AccountRecord, each: Look): Promise<AccountRecord> => {
    const { linked, definition } = each;
    let verdict: LookupVerdict;
    try {
      verdict = await each.lookup.find({ subject: linked.subject });
    } catch (error) {
      const goodForMs = (definition.recheckSeconds + definition.degradedSeconds) * 1000;
      // what was known last is good for a while; a person who was gone stays gone, whatever the source says now
      const isGood = linked.goneAt !== undefined || clock.now() < linked.checkedAt + goodForMs;
      if (isAppError(error, 'unavailable') && isGood) return account;
      throw error;
    }
    if (verdict.status === 'refused' && verdict.reason === 'account_locked') return lock(account, each);
    if (verdict.status !== 'present') {
      return depart(account, each, verdict.status === 'absent' ? 'absent' : verdict.reason);
    }
    const { source, subject, issuer } = linked;
    const { issuer: _issuer, ...person } = verdict.person;
    return resolver.bringUpToDate(account, {
      ...person,
      profile:
        verdict.partly === undefined ? person.profile : completed(person.profile, account, verdict.partly),
      source,
      subject,
      ...definedOnly({ issuer }),
    });
  };

  const fly = async (account: AccountRecord, looks: readonly Look[]): Promise<AccountRecord> => {
    let current = account;
    for (const each of looks) current = await look(current, each);
    return current;
  };

  return async (account, when) => {
    const looks = looksFor(account, when);
    if (looks.length === 0) return account;
    const key = `${when} ${account.sub}`;
    const running = flights.get(key);
    if (running !== undefined) return running;
    const flight = fly(account, looks).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  };
};

/** Still gone: not asked again before the next look is due. */
const touch = (account: AccountRecord, stored: LinkedIdentity, nowMs: number) => ({
  identities: (account.identities ?? []).map((each) =>
    each === stored ? { ...each, checkedAt: nowMs } : each,
  ),
});

/** What the source was not asked about stays as it was. */
const completed = (
  { claims, groups, roles }: Profile,
  account: AccountRecord,
  { hasGroups }: { readonly hasGroups: boolean },
): Profile => ({
  username: account.username,
  ...definedOnly({ email: account.email }),
  emailVerified: account.emailVerified === true,
  claims: { ...account.claims, ...claims },
  ...(hasGroups ? { groups, roles } : { groups: account.groups, roles: account.roles }),
});
