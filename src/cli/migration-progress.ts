import type { SourceDefinition } from '../config/source/source-definition.ts';
import { definedOnly } from '../defined-only.ts';
import type { LinkedIdentity } from '../storage/linked-identity.ts';
import type { AccountRecord } from '../storage/storage.ts';

/** The progress of the people of one source. */
export interface SourceProgress {
  readonly source: string;
  /** `removed`: the source is no longer in the file. */
  readonly type: SourceDefinition['type'] | 'removed';
  /** Absent for sources whose passwords Drawbridge never sees. */
  readonly adopt?: SourceDefinition['adopt'];
  /** People whom the source knows. */
  readonly people: number;
  /** People who can sign in with a password here without the source; in the local list, with a hash made by us. */
  readonly over: number;
  /** People whom the source no longer knows; not counted in `people`. */
  readonly gone: number;
  /** Epoch milliseconds of the first and the last password that was adopted. */
  readonly firstAdoptedAt?: number;
  readonly lastAdoptedAt?: number;
  readonly missing: readonly MissingPerson[];
}

/** A person who cannot sign in here without the source yet. */
export interface MissingPerson {
  readonly sub: string;
  readonly username: string;
  readonly email?: string;
  readonly why: 'no_password' | 'imported_hash' | 'no_login';
  /** Epoch milliseconds of the last answer of the source about this person. */
  readonly checkedAt?: number;
}

/** Counts an account at each of its sources. */
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

/** A hash of other software is replaced at the first sign-in, unless bcrypt has not read all of the password. */
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
  // one of their names belongs to another account
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
