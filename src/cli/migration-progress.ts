import type { SourceDefinition } from '../config/source/source-definition.ts';
import { definedOnly } from '../defined-only.ts';
import type { AccountRecord, LinkedIdentity } from '../storage/storage.ts';

/** How far the people of one source have come. */
export interface SourceProgress {
  readonly source: string;
  /** `removed`: it is in the file no more. */
  readonly type: SourceDefinition['type'] | 'removed';
  /** Not where no password is seen. */
  readonly adopt?: SourceDefinition['adopt'];
  /** Whom the source knows. */
  readonly people: number;
  /** Who can sign in with a password here without the source; in the local list, with a hash of our own making. */
  readonly over: number;
  /** Whom the source knows no more; not among `people`. */
  readonly gone: number;
  /** Epoch milliseconds of the first and the last password that was adopted. */
  readonly firstAdoptedAt?: number;
  readonly lastAdoptedAt?: number;
  readonly missing: readonly MissingPerson[];
}

/** Somebody who is not over yet. */
export interface MissingPerson {
  readonly sub: string;
  readonly username: string;
  readonly email?: string;
  readonly why: 'no_password' | 'imported_hash' | 'no_login';
  /** Epoch milliseconds at which the source was last heard of this person. */
  readonly checkedAt?: number;
}

/** One account is counted at each of its sources. */
export const measureProgress = async (
  accounts: AsyncIterable<AccountRecord>,
  sources: readonly SourceDefinition[],
): Promise<readonly SourceProgress[]> => {
  const tallies = new Map(sources.map((source) => [source.id, createTally(source.id, source)]));
  const tallyOf = (id: string): Tally => {
    const known = tallies.get(id);
    if (known !== undefined) return known;
    const removed = createTally(id);
    tallies.set(id, removed);
    return removed;
  };
  const local = sources.find(({ type }) => type === 'local');
  for await (const account of accounts) {
    if (local !== undefined && account.origin !== 'source') countLocal(tallyOf(local.id), account);
    for (const identity of account.identities ?? []) countRemote(tallyOf(identity.source), account, identity);
  }
  return [...tallies.values()];
};

interface Tally extends SourceProgress {
  people: number;
  over: number;
  gone: number;
  firstAdoptedAt?: number;
  lastAdoptedAt?: number;
  readonly missing: MissingPerson[];
}

const createTally = (source: string, definition?: SourceDefinition): Tally => ({
  source,
  type: definition?.type ?? 'removed',
  ...(definition !== undefined && seesPasswords(definition) ? { adopt: definition.adopt } : {}),
  people: 0,
  over: 0,
  gone: 0,
  missing: [],
});

const seesPasswords = (source: SourceDefinition): boolean =>
  source.type === 'ldap' || source.type === 'http' || (source.type !== 'local' && source.passwordSignIn);

/** A hash of other software is renewed at the first sign-in: until then its owner has not been seen here. */
const countLocal = (tally: Tally, account: AccountRecord): void => {
  const { passwordHash } = account;
  const isOurs = passwordHash?.startsWith('$argon2id$') === true;
  note(
    tally,
    account,
    isOurs ? undefined : { why: passwordHash === undefined ? 'no_password' : 'imported_hash' },
  );
};

const countRemote = (
  tally: Tally,
  account: AccountRecord,
  { source, goneAt, checkedAt }: LinkedIdentity,
): void => {
  if (goneAt !== undefined) {
    tally.gone += 1;
    return;
  }
  if (account.adoptedFrom === source && account.adoptedAt !== undefined) {
    tally.firstAdoptedAt = Math.min(account.adoptedAt, tally.firstAdoptedAt ?? account.adoptedAt);
    tally.lastAdoptedAt = Math.max(account.adoptedAt, tally.lastAdoptedAt ?? account.adoptedAt);
  }
  const hasPassword =
    account.passwordHash !== undefined &&
    (account.adoptedFrom === undefined || account.adoptedFrom === source);
  if (!hasPassword) note(tally, account, { why: 'no_password', checkedAt });
  // a name of theirs belongs to somebody else
  else note(tally, account, account.logins.length === 0 ? { why: 'no_login', checkedAt } : undefined);
};

const note = (
  tally: Tally,
  { sub, username, email }: AccountRecord,
  lack: Pick<MissingPerson, 'why' | 'checkedAt'> | undefined,
): void => {
  tally.people += 1;
  if (lack === undefined) tally.over += 1;
  else tally.missing.push({ sub, username, ...definedOnly({ email }), ...lack });
};
