// Which account is which person of which source: keys, and what an account becomes when a source speaks of it. Pure.

import { isDeepStrictEqual } from 'node:util';
import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { Identity } from '../connectors/connector.ts';
import { hashId } from '../crypto/ids.ts';
import { definedOnly } from '../defined-only.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { LinkedIdentity } from '../storage/linked-identity.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { endOfSessions } from './standing.ts';

/** A change of an account; undefined values remove a field. */
export type AccountChange = { readonly [K in keyof AccountRecord]?: AccountRecord[K] | undefined };

type PersonAtSource = Pick<Identity, 'source' | 'issuer' | 'subject'>;

/** What is known of the tenant, and when. */
export interface Moment {
  /** In the file's order. */
  readonly sources: readonly SourceDefinition[];
  readonly nowMs: number;
}

export const identityKey = ({ source, issuer, subject }: PersonAtSource): string =>
  hashId(JSON.stringify([source, issuer ?? '', subject]));

/** Two entries instead of three: it can be no identity's key. */
export const emailKey = (email: string): string => hashId(JSON.stringify(['email', email]));

/**
 * The e-mail address, in canonical form, by which this identity may be linked to an account: the source says that it
 * is verified, and the tenant trusts it with that domain.
 */
export const linkableEmail = (
  { profile, source }: Pick<Identity, 'profile' | 'source'>,
  sources: readonly SourceDefinition[],
): string | undefined => {
  if (!profile.emailVerified || profile.email === undefined) return undefined;
  const email = canonicalLogin(profile.email);
  return email !== undefined && isTrustedWith(email, source, sources) ? email : undefined;
};

export const isTrustedWith = (email: string, source: string, sources: readonly SourceDefinition[]): boolean =>
  sources
    .find(({ id }) => id === source)
    ?.trustedEmailDomains.includes(email.slice(email.lastIndexOf('@') + 1)) === true;

export const isSamePerson = (one: PersonAtSource, other: PersonAtSource): boolean =>
  identityKey(one) === identityKey(other);

export const livingIdentities = (
  account: AccountRecord,
  sources: readonly SourceDefinition[],
): readonly LinkedIdentity[] =>
  (account.identities ?? []).filter(
    ({ source, goneAt }) => goneAt === undefined && sources.some(({ id }) => id === source),
  );

/**
 * Of several sources that know a person, the first in the file fills the account; what an operator wrote about a
 * local user stays.
 */
export const isFilledBy = (account: AccountRecord, source: string, { sources }: Moment): boolean => {
  if (account.origin !== 'source') return false;
  const living = new Set([...livingIdentities(account, sources).map((linked) => linked.source), source]);
  return sources.find(({ id }) => living.has(id))?.id === source;
};

type ProofMoment = Moment & {
  /** Another account holds the address by which this identity could be linked. */
  readonly isEmailTaken: boolean;
};

/**
 * What a sign-in or a look-up at a source changes: who the person is there, that they are there, and the profile.
 * Undefined when nothing is worth a write; that they were seen is, once half the time to the next look has passed.
 */
export const changeByProof = (
  account: AccountRecord,
  identity: Identity,
  moment: ProofMoment,
): AccountChange | undefined => {
  const known = findLinked(account, identity);
  const identities = identitiesAfter(account, identity, moment.nowMs);
  const profile = isFilledBy(account, identity.source, moment) ? profileOf(identity) : {};
  const change: AccountChange = {
    ...profile,
    identityKeys: [...identities.map(identityKey), ...emailKeysAfter(account, identity, moment)],
    ...(isUnlockedBy(account, identity) ? { lockedAt: undefined, lockedBy: undefined } : {}),
  };
  if (!isLongUnseen(known, moment) && !isChanged(account, change)) return undefined;
  return { ...change, identities, ...(isChanged(account, profile) ? { updatedAt: moment.nowMs } : {}) };
};

const findLinked = (account: AccountRecord, person: PersonAtSource): LinkedIdentity | undefined =>
  account.identities?.find((linked) => isSamePerson(linked, person));

/** With this one seen now: in its place when it was linked already, or at the end. */
const identitiesAfter = (
  account: AccountRecord,
  identity: Identity,
  nowMs: number,
): readonly LinkedIdentity[] => {
  const before = account.identities ?? [];
  const known = findLinked(account, identity);
  const seen = toLinked(identity, nowMs, known?.linkedAt);
  return known === undefined ? [...before, seen] : before.map((each) => (each === known ? seen : each));
};

/** Only the source that fills the account says by which address it can be linked. */
const emailKeysAfter = (
  account: AccountRecord,
  identity: Identity,
  moment: ProofMoment,
): readonly string[] => {
  if (!isFilledBy(account, identity.source, moment)) return emailKeysOf(account);
  const email = moment.isEmailTaken ? undefined : linkableEmail(identity, moment.sources);
  return email === undefined ? [] : [emailKey(email)];
};

/** A lock in a source's name says that no source knows the person; this one does. An operator's lock stays. */
const isUnlockedBy = (account: AccountRecord, identity: Identity): boolean => {
  if (account.lockedBy === undefined) return false;
  return account.lockedBy === identity.source || findLinked(account, identity)?.goneAt !== undefined;
};

const isLongUnseen = (known: LinkedIdentity | undefined, { sources, nowMs }: Moment): boolean =>
  known === undefined ||
  known.goneAt !== undefined ||
  nowMs - known.checkedAt >= recheckMsOf(known.source, sources) / 2;

/**
 * What it changes that a source knows a person no more: sessions end, and unless they can sign in in another way
 * the account is locked in the source's name. What the source had given is taken back.
 */
export const changeByDeparture = (
  account: AccountRecord,
  gone: LinkedIdentity,
  { sources, nowMs, hasLocalPassword }: Moment & { readonly hasLocalPassword: boolean },
): AccountChange => {
  const identities = (account.identities ?? []).map((linked) =>
    isSamePerson(linked, gone) ? { ...linked, checkedAt: nowMs, goneAt: nowMs } : linked,
  );
  const isOpen = hasLocalPassword || livingIdentities({ ...account, identities }, sources).length > 0;
  return {
    identities,
    ...(isFilledBy(account, gone.source, { sources, nowMs }) ? withoutProfile(identities, nowMs) : {}),
    ...(isOpen || account.lockedAt !== undefined ? {} : { lockedAt: nowMs, lockedBy: gone.source }),
    notBefore: Math.max(endOfSessions(nowMs), account.notBefore ?? 0),
  };
};

/**
 * What it changes that a source has locked a person, as it does by itself after wrong guesses: nothing is theirs while
 * it lasts, unless they can sign in in another way, and nothing is taken from them.
 */
export const changeByLock = (
  account: AccountRecord,
  locked: LinkedIdentity,
  { sources, nowMs, hasLocalPassword }: Moment & { readonly hasLocalPassword: boolean },
): AccountChange => {
  const others = livingIdentities(account, sources).filter((linked) => !isSamePerson(linked, locked));
  const isOpen = hasLocalPassword || others.length > 0;
  return {
    identities: (account.identities ?? []).map((linked) =>
      isSamePerson(linked, locked) ? { ...linked, checkedAt: nowMs } : linked,
    ),
    ...(isOpen || account.lockedAt !== undefined ? {} : { lockedAt: nowMs, lockedBy: locked.source }),
  };
};

/** Groups, roles and the right to be linked by e-mail came from the source; the name is kept for the operator. */
export const withoutProfile = (identities: readonly LinkedIdentity[], nowMs: number): AccountChange => ({
  groups: [],
  roles: [],
  emailVerified: false,
  identityKeys: identities.map(identityKey),
  updatedAt: nowMs,
});

export const emailKeysOf = (account: AccountRecord): readonly string[] => {
  const keys = new Set((account.identities ?? []).map(identityKey));
  return (account.identityKeys ?? []).filter((key) => !keys.has(key));
};

/** The keys of an account that has this address no more. */
export const keysWithoutEmail = (
  { identityKeys }: AccountRecord,
  email: string,
): readonly string[] | undefined => {
  const key = emailKey(canonicalLogin(email) ?? email);
  const kept = identityKeys?.filter((each) => each !== key);
  return kept?.length === 0 ? undefined : kept;
};

export const toLinked = (
  { source, issuer, subject }: PersonAtSource,
  nowMs: number,
  linkedAt = nowMs,
): LinkedIdentity => ({
  source,
  ...definedOnly({ issuer }),
  subject,
  linkedAt,
  checkedAt: nowMs,
});

/** The fields of an account that its source fills. */
export const profileOf = ({ profile }: Identity) => ({
  username: profile.username,
  email: profile.email,
  emailVerified: profile.email === undefined ? undefined : profile.emailVerified,
  claims: profile.claims,
  groups: profile.groups,
  roles: profile.roles,
});

export const recheckMsOf = (source: string, sources: readonly SourceDefinition[]): number =>
  (sources.find(({ id }) => id === source)?.recheckSeconds ?? 0) * 1000;

/** The account as the store has it after this change. */
export const changed = (account: AccountRecord, change: AccountChange): AccountRecord =>
  Object.fromEntries(
    Object.entries({ ...account, ...change, version: account.version + 1 }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as unknown as AccountRecord; // fields are left out only where AccountRecord has them optional

const isChanged = (account: AccountRecord, change: AccountChange): boolean =>
  Object.entries(change).some(
    ([name, value]) => !isDeepStrictEqual(account[name as keyof AccountRecord], value),
  );
