// People with live sessions are looked up again at their sources: who is gone there is locked here.

import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { Connector, LookupVerdict, Profile } from '../connectors/connector.ts';
import { definedOnly } from '../defined-only.ts';
import { isAppError } from '../errors.ts';
import type { LinkedIdentity } from '../storage/linked-identity.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { Accounts } from './account-types.ts';
import { createBoundedCache } from './bounded-cache.ts';
import {
  changeByDeparture,
  changeByLock,
  identityKey,
  isSamePerson,
  recheckMsOf,
} from './linked-identities.ts';
import { hasLocalPassword } from './password-adoption.ts';
import type { Plan, Resolver } from './resolve.ts';

export interface RecheckParts {
  /** In the file's order. */
  readonly connectors: readonly Connector[];
  readonly resolver: Resolver;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly onEnded: (sub: string, reason: string) => Promise<void>;
  readonly lookAgain: LookAgain;
}

/**
 * Asks an upstream about a person by the refresh token of their sign-in there. Undefined when there is none.
 * @throws AppError `unavailable`
 */
export type LookAgain = (
  sub: string,
  identity: Pick<LinkedIdentity, 'source' | 'issuer' | 'subject'>,
) => Promise<LookupVerdict | undefined>;

/** One look at one source. */
interface Look {
  readonly linked: LinkedIdentity;
  readonly definition: Connector['definition'];
  /** Undefined: the source cannot be asked about this person. */
  readonly find: (sub: string) => Promise<LookupVerdict | undefined>;
}

const action = 'account.source_gone';
const mostUnasked = 10_000;
/** After an outage. */
const pauseMs = 10_000;

/**
 * Single flight for each person: requests that come meanwhile wait for its answer, which is not kept afterwards. People
 * without a source cost nothing.
 */
export const createRecheck = (parts: RecheckParts): Accounts['recheck'] => {
  const { clock, resolver } = parts;
  const sources = parts.connectors.map(({ definition }) => definition);
  const inProgress = new Map<string, Promise<AccountRecord>>();
  /** People whom their source cannot be asked about, or could not just now: not each request tries again. */
  const unasked = createBoundedCache<true>(clock, mostUnasked);

  const finderOf = ({ lookup, redirect }: Connector, linked: LinkedIdentity): Look['find'] | undefined => {
    if (lookup !== undefined) return () => lookup.find({ subject: linked.subject });
    return redirect === undefined ? undefined : (sub) => parts.lookAgain(sub, linked);
  };

  const looksFor = (account: AccountRecord, when: 'due' | 'always'): readonly Look[] =>
    (account.identities ?? []).flatMap((linked) => {
      const connector = parts.connectors.find(({ definition }) => definition.id === linked.source);
      const find = connector === undefined ? undefined : finderOf(connector, linked);
      if (connector === undefined || find === undefined) return [];
      const { definition } = connector;
      // a password that was taken over no longer belongs to that source
      if (
        definition.adopt === 'takeover' &&
        account.adoptedFrom === linked.source &&
        hasLocalPassword(account, sources)
      )
        return [];
      const isDue =
        when === 'always' ||
        (clock.now() >= linked.checkedAt + recheckMsOf(linked.source, sources) &&
          !unasked.has(identityKey(linked)));
      return isDue ? [{ linked, definition, find }] : [];
    });

  const findStored = (account: AccountRecord, { linked }: Look): LinkedIdentity | undefined =>
    account.identities?.find((each) => isSamePerson(each, linked));

  const momentOf = (account: AccountRecord) => ({
    sources,
    nowMs: clock.now(),
    hasLocalPassword: hasLocalPassword(account, sources),
  });

  const planGone = (account: AccountRecord, look: Look): Plan & { readonly isNewlyGone: boolean } => {
    const stored = findStored(account, look);
    if (stored === undefined) return { isNewlyGone: false };
    const moment = momentOf(account);
    if (stored.goneAt !== undefined) {
      return { isNewlyGone: false, change: touch(account, stored, moment.nowMs) };
    }
    // seen again meanwhile, by a sign-in that began later: the source has the last word
    if (stored.checkedAt !== look.linked.checkedAt) return { isNewlyGone: false };
    return { isNewlyGone: true, change: changeByDeparture(account, stored, moment) };
  };

  const noteGone = async (account: AccountRecord, look: Look, reason: string): Promise<AccountRecord> => {
    const changed = await resolver.change(account, (current) => planGone(current, look));
    if (!changed.plan.isNewlyGone) return changed.account;
    const { source } = look.linked;
    const { sub } = changed.account;
    await parts.audit.note({
      action,
      outcome: 'success',
      actor: source,
      object: sub,
      reason: `${source}: ${reason}`,
    });
    await parts.onEnded(sub, action);
    return changed.account;
  };

  const planLocked = (account: AccountRecord, look: Look): Plan => {
    const stored = findStored(account, look);
    return { change: stored && changeByLock(account, stored, momentOf(account)) };
  };

  const noteLocked = async (account: AccountRecord, look: Look): Promise<AccountRecord> => {
    const changed = await resolver.change(account, (current) => planLocked(current, look));
    const isNewlyLocked = changed.plan.change?.lockedBy !== undefined;
    if (!isNewlyLocked) return changed.account;
    await parts.audit.note({
      action: 'account.source_locked',
      outcome: 'success',
      actor: look.linked.source,
      object: changed.account.sub,
    });
    return changed.account;
  };

  const lookUp = async (account: AccountRecord, look: Look): Promise<AccountRecord> => {
    const { linked, definition, find } = look;
    let verdict: LookupVerdict | undefined;
    try {
      verdict = await find(account.sub);
    } catch (error) {
      const goodForMs = (definition.recheckSeconds + definition.degradedSeconds) * 1000;
      // what was known last is good for a while; a person who was gone stays gone, whatever the source says now
      const leftMs =
        linked.goneAt === undefined ? linked.checkedAt + goodForMs - clock.now() : Number.POSITIVE_INFINITY;
      if (!isAppError(error, 'unavailable') || leftMs <= 0) throw error;
      // a source that does not answer would hold up each request of the person until its time limit
      if (leftMs > 1) unasked.set(identityKey(linked), true, { ttl: Math.min(pauseMs, leftMs - 1) });
      return account;
    }
    if (verdict === undefined) {
      unasked.set(identityKey(linked), true, { ttl: Math.max(1, definition.recheckSeconds * 1000) });
      return account;
    }
    if (verdict.status === 'refused' && verdict.reason === 'account_locked') return noteLocked(account, look);
    if (verdict.status !== 'present') {
      return noteGone(account, look, verdict.reason ?? 'absent');
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

  const lookUpAll = async (account: AccountRecord, looks: readonly Look[]): Promise<AccountRecord> => {
    let current = account;
    for (const look of looks) current = await lookUp(current, look);
    return current;
  };

  return async (account, when) => {
    const looks = looksFor(account, when);
    if (looks.length === 0) return account;
    const key = `${when} ${account.sub}`;
    const running = inProgress.get(key);
    if (running !== undefined) return running;
    const begun = lookUpAll(account, looks).finally(() => inProgress.delete(key));
    inProgress.set(key, begun);
    return begun;
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
