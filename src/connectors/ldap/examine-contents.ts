import type { Filter } from 'ldapts';
import type { SourceFinding } from '../connector.ts';
import { mayWritePassword } from './expired-password.ts';
import { allOf, filterForAnyName, has, hasEntry, parseFilter } from './filters.ts';
import { type GroupSearch, hasInChain, memberAttribute, mostGroups } from './groups.ts';
import { binarySubject, subjectOf } from './subject.ts';
import { detailOf, unreachable } from './unreachable.ts';

export type Note = (verdict: SourceFinding['verdict'], about: string, message: string) => void;

/** Examines which people and groups the account of the tenant can read. */
export const examineContents = async (search: GroupSearch, note: Note): Promise<void> => {
  if (await canBeRead(search, note)) await examinePeople(search, note);
  if (search.source.groups.from !== 'off') await examineGroups(search, note);
};

const canBeRead = async ({ source, connection, deadline }: GroupSearch, note: Note): Promise<boolean> => {
  const { base } = source.search;
  const about = 'search base';
  const query = { base, scope: 'base', filter: hasEntry, attributes: ['1.1'], sizeLimit: 1 } as const;
  try {
    const entries = await connection.search(query, deadline);
    if (entries.length === 0) throw unreachable(`${base} is not shown`);
    note('ok', about, `${base} can be read.`);
    return true;
  } catch (error) {
    if (!connection.isUsable) throw error;
    note(
      'problem',
      about,
      `${detailOf(error)}. Check "search.base", and the rights of the account that searches.`,
    );
    return false;
  }
};

const examinePeople = async ({ source, connection, deadline }: GroupSearch, note: Note): Promise<void> => {
  const { base, scope } = source.search;
  const filter = filterForAnyName(source.search.filter) ?? hasEntry;
  const attributes = [source.subjectAttribute, source.usernameAttribute];
  const binary = binarySubject(source);
  const [person] = await connection.search(
    { base, scope, filter, attributes, binary, sizeLimit: 1 },
    deadline,
  );
  if (person === undefined) {
    note(
      'warning',
      'people',
      `No entry below ${base} matches "search.filter". Check it, and the rights to read.`,
    );
    return;
  }
  note('ok', 'people', `The filter finds people, such as ${person.dn}.`);
  try {
    subjectOf(person, source);
    note('ok', 'subject', `${source.subjectAttribute} can be read.`);
  } catch (error) {
    note('problem', 'subject', `${detailOf(error)}. Check "subjectAttribute", or give that right.`);
  }
  if (source.kind === 'openldap' && source.passwordChange !== 'off' && source.bind.as === 'service')
    await examineExpired({ source, connection, deadline }, { dn: person.dn, account: source.bind.dn, note });
  if (person.texts(source.usernameAttribute).length === 0)
    note('warning', 'user name', `${person.dn} has no ${source.usernameAttribute} that can be read.`);
};

/** A person with an expired password cannot bind, so only the account of the source could change it. */
const examineExpired = async (
  { connection, deadline }: GroupSearch,
  { dn, account, note }: { readonly dn: string; readonly account: string; readonly note: Note },
): Promise<void> => {
  if (await mayWritePassword(connection, dn, deadline)) {
    note('ok', 'expired passwords', `${account} may write passwords, so users can change expired ones.`);
    return;
  }
  note(
    'warning',
    'expired passwords',
    `${account} may not write userPassword of ${dn}, so users cannot change an expired password here. Give it that right (OpenLDAP: access to attrs=userPassword by dn.exact="${account}" write …), or let expired passwords be changed elsewhere.`,
  );
};

const examineGroups = async (search: GroupSearch, note: Note): Promise<void> => {
  const { source } = search;
  const { from, nested, nameAttribute } = source.groups;
  if (from === 'memberOf') await examineMemberOf(search, note);
  const areSearched = from !== 'memberOf' || nested !== 'off' || nameAttribute.toLowerCase() !== 'cn';
  if (!areSearched || !(await areGroupsFound(search, note))) return;
  if (nested === 'in-chain' && !(await hasInChain(search)))
    note(
      'warning',
      'nested groups',
      'The server knows no in-chain search; groups are expanded step by step. Say "nested: expand".',
    );
};

/** An attribute that nobody has, or that the account may not read, means that nobody is in a group. */
const examineMemberOf = async ({ source, connection, deadline }: GroupSearch, note: Note): Promise<void> => {
  const { base, scope } = source.search;
  const filter = has('memberOf');
  const [member] = await connection.search(
    { base, scope, filter, attributes: ['memberOf'], sizeLimit: 1 },
    deadline,
  );
  const [group] = member?.texts('memberOf') ?? [];
  if (group === undefined)
    note(
      'warning',
      'memberOf',
      `No user below ${base} has memberOf that can be read. Check the rights, and that the server keeps this attribute; else write "from: member".`,
    );
  else note('ok', 'memberOf', `It can be read: ${member?.dn} is in ${group}.`);
};

/** A person in more groups than the server shows cannot sign in. */
const examineLimit = async (
  { source, connection, deadline }: GroupSearch,
  { filter, note }: { readonly filter: Filter; readonly note: Note },
): Promise<void> => {
  const query = { base: source.groups.base, scope: 'sub', filter, attributes: ['1.1'] } as const;
  const shown = await connection.search({ ...query, sizeLimit: mostGroups + 1 }, deadline);
  // more of them are never read for one person
  if (shown.length > mostGroups) return;
  try {
    await connection.search(query, deadline);
  } catch (error) {
    if (!connection.isUsable) throw error;
    note(
      'warning',
      'size limit',
      `${detailOf(error)}. Users in more than ${shown.length} groups cannot sign in.`,
    );
  }
};

const areGroupsFound = async (
  { source, connection, deadline }: GroupSearch,
  note: Note,
): Promise<boolean> => {
  const { groups } = source;
  const { base, filter, nameAttribute } = groups;
  // with members, because an entry of another kind may be below the base too
  const isGroup = has(groups.from === 'memberUid' ? 'memberUid' : memberAttribute(groups));
  try {
    const narrowed = filter === '' ? isGroup : allOf(parseFilter(filter), isGroup);
    const query = {
      base,
      scope: 'sub',
      filter: narrowed,
      attributes: [nameAttribute],
      sizeLimit: 1,
    } as const;
    const [group] = await connection.search(query, deadline);
    if (group === undefined)
      note(
        'warning',
        'groups',
        `No group with members below ${base} passes "groups.filter". Check both, and the rights to read.`,
      );
    else note('ok', 'groups', `Groups can be read, such as ${group.dn}.`);
    await examineLimit({ source, connection, deadline }, { filter: narrowed, note });
    return true;
  } catch (error) {
    if (!connection.isUsable) throw error;
    note('problem', 'groups', `${detailOf(error)}. Check "groups.base" and "groups.filter".`);
    return false;
  }
};
