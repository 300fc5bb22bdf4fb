import type { Filter } from 'ldapts';
import type { LdapGroups, LdapSource } from '../../config/source/source-definition.ts';
import type { LdapConnection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { firstRdn, normalizeDn } from './distinguished-name.ts';
import type { LdapEntry } from './entry.ts';
import { allOf, anyOf, equals, hasEntry, isInChain, parseFilter } from './filters.ts';
import { misconfigured, unreachable } from './unreachable.ts';

export interface GroupSearch {
  readonly source: LdapSource;
  readonly connection: LdapConnection;
  readonly deadline: Deadline;
}

/** Members in one filter: a level of groups costs few searches, and no filter is longer than servers accept. */
const membersPerSearch = 50;
/** More groups of one person are a mistake in the directory, and an incomplete list would be wrong. */
export const mostGroups = 5_000;

/** Group entries by their normalized name, in the order in which they were found. */
type Found = Map<string, LdapEntry | { readonly dn: string }>;

/**
 * Names of the groups that a person is in.
 * @throws AppError `unavailable`: a search that fails is never "no groups"
 */
export const groupsOf = async (search: GroupSearch, person: LdapEntry): Promise<readonly string[]> => {
  const { groups } = search.source;
  if (groups.from === 'off') return [];
  const found: Found = new Map();
  if (groups.nested === 'in-chain' && groups.from !== 'memberUid' && (await hasInChain(search))) {
    collect(found, await findGroups(search, isInChain(memberAttribute(groups), person.dn)));
  } else {
    collect(found, await directGroups(search, person));
    if (groups.nested !== 'off' && groups.from !== 'memberUid') await expand(search, found);
  }
  return namesOf(search, found);
};

/** Groups whose entries list their members: those of `memberOf` are groupOfNames, or Active Directory's. */
export const memberAttribute = ({ from }: LdapGroups): string => (from === 'uniqueMember' ? from : 'member');

const directGroups = async (
  search: GroupSearch,
  person: LdapEntry,
): Promise<readonly (LdapEntry | { readonly dn: string })[]> => {
  const { groups, usernameAttribute } = search.source;
  if (groups.from === 'memberOf') return (await readMemberOf(search, person)).map((dn) => ({ dn }));
  if (groups.from !== 'memberUid') return findGroups(search, equals(memberAttribute(groups), person.dn));
  const names = [...new Set([...person.texts('uid'), ...person.texts(usernameAttribute)])];
  if (names.length === 0) throw unreachable(`${person.dn} has no name by which groups could list it`);
  return findGroups(search, anyOf(names.map((name) => equals('memberUid', name))));
};

/** Active Directory gives long lists in pieces, each under a name of its own ([MS-ADTS] section 3.1.1.3.1.3.3). */
const readMemberOf = async (search: GroupSearch, person: LdapEntry): Promise<readonly string[]> => {
  const names: string[] = [...person.texts('memberOf')];
  let piece: LdapEntry = person;
  for (;;) {
    const [, name = '', end = '*'] = pieceNameOf(piece) ?? [];
    if (name === '') return names;
    names.push(...piece.texts(name));
    if (end === '*') return names;
    if (names.length > mostGroups) throw tooMany(search);
    piece = await readPiece(search, person.dn, Number(end) + 1);
  }
};

const pieceNameOf = (entry: LdapEntry): RegExpExecArray | undefined => {
  for (const name of entry.names) {
    const match = /^(memberof;range=\d+-(\d+|\*))$/i.exec(name);
    if (match !== null && entry.texts(name).length > 0) return match;
  }
  return undefined;
};

const readPiece = async (search: GroupSearch, dn: string, from: number): Promise<LdapEntry> => {
  const [entry] = await search.connection.search(
    { base: dn, scope: 'base', filter: hasEntry, attributes: [`memberOf;range=${from}-*`], sizeLimit: 1 },
    search.deadline,
  );
  if (entry === undefined) throw unreachable(`${dn} is gone in the middle of its groups`);
  return entry;
};

/** Adds the groups that contain groups, level by level; each is asked about once, so a cycle of groups ends. */
const expand = async (search: GroupSearch, found: Found): Promise<void> => {
  const { groups } = search.source;
  let level = [...found.values()].map(({ dn }) => dn);
  for (let depth = 0; depth < groups.depth && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const part of chunks(level)) {
      const filter = anyOf(part.map((dn) => equals(memberAttribute(groups), dn)));
      next.push(...collect(found, await findGroups(search, filter)));
      if (found.size > mostGroups) throw tooMany(search);
    }
    level = next;
  }
};

const findGroups = async (search: GroupSearch, isMember: Filter): Promise<readonly LdapEntry[]> => {
  const { groups } = search.source;
  const filter = groups.filter === '' ? isMember : allOf(parseFilter(groups.filter), isMember);
  const query = { base: groups.base, scope: 'sub', filter, attributes: [groups.nameAttribute] } as const;
  const entries = await search.connection.search(query, search.deadline);
  if (entries.length > mostGroups) throw tooMany(search);
  return entries;
};

/** @returns the names of the new ones */
const collect = (
  found: Found,
  entries: readonly (LdapEntry | { readonly dn: string })[],
): readonly string[] => {
  const added: string[] = [];
  for (const entry of entries) {
    const key = normalizeDn(entry.dn);
    if (found.has(key)) continue;
    found.set(key, entry);
    added.push(entry.dn);
  }
  return added;
};

const namesOf = async (search: GroupSearch, found: Found): Promise<readonly string[]> => {
  const { groups } = search.source;
  const unread = [...found.values()].filter(
    (entry) =>
      !('texts' in entry) && firstRdn(entry.dn).type.toLowerCase() !== groups.nameAttribute.toLowerCase(),
  );
  for (const part of chunks(unread.map(({ dn }) => dn))) {
    const isNamed = search.source.kind === 'active-directory' ? 'distinguishedName' : 'entryDN';
    for (const entry of await findGroups(search, anyOf(part.map((dn) => equals(isNamed, dn)))))
      found.set(normalizeDn(entry.dn), entry);
  }
  return [...new Set([...found.values()].map((entry) => nameOf(entry, groups)))];
};

const nameOf = (entry: LdapEntry | { readonly dn: string }, { nameAttribute }: LdapGroups): string => {
  const [name] = 'texts' in entry ? entry.texts(nameAttribute) : [];
  return name ?? firstRdn(entry.dn).value;
};

/**
 * True for Active Directory and Samba, by their capabilities. Other servers do not know the rule: they find nothing.
 */
const activeDirectory = '1.2.840.113556.1.4.800';

export const hasInChain = async ({ connection, deadline }: GroupSearch): Promise<boolean> => {
  const [root] = await connection.search(
    { base: '', scope: 'base', filter: hasEntry, attributes: ['supportedCapabilities'], sizeLimit: 1 },
    deadline,
  );
  return root?.texts('supportedCapabilities').includes(activeDirectory) === true;
};

const chunks = (dns: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(dns.length / membersPerSearch) }, (_, at) =>
    dns.slice(at * membersPerSearch, (at + 1) * membersPerSearch),
  );

const tooMany = ({ source }: GroupSearch) =>
  misconfigured({
    reason: `more than ${mostGroups} groups`,
    detail: `source ${source.id}: a person is in more than ${mostGroups} groups`,
  });
