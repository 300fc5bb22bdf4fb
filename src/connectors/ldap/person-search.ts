import type { Filter } from 'ldapts';
import type { LdapSource } from '../../config/source/source-definition.ts';
import type { Log } from '../../log.ts';
import type { Attributes } from '../connector.ts';
import { stateAttributes } from './account-state.ts';
import { guidText, sidText } from './binary-values.ts';
import type { LdapConnection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import type { LdapEntry } from './entry.ts';
import { allOf, equals, fillFilter, filterForAnyName, has } from './filters.ts';
import { binarySubject, hasSubject } from './subject.ts';
import { misconfigured } from './unreachable.ts';

/** The attributes that the built-in mapping reads; a tenant may add others. */
const mappedAttributes = [
  ...[
    'uid',
    'cn',
    'displayName',
    'givenName',
    'sn',
    'mail',
    'telephoneNumber',
    'mobile',
    'preferredLanguage',
  ],
  ...['sAMAccountName', 'userPrincipalName'],
] as const;

export interface PersonSearch {
  readonly source: LdapSource;
  readonly log: Log;
  readonly connection: LdapConnection;
  readonly deadline: Deadline;
}

/** The one entry of a name; undefined when there is none, or more than one. */
export const findByLogin = async (search: PersonSearch, login: string): Promise<LdapEntry | undefined> => {
  const entries = await findAllByLogin(search, login);
  return entries.length === 1 ? entries[0] : undefined;
};

/** The entries of a name: none, one, or two when there are several. */
export const findAllByLogin = async (search: PersonSearch, login: string): Promise<readonly LdapEntry[]> => {
  const { source, log } = search;
  const byFilter = await find(search, fillFilter(source.search.filter, login));
  const isMail = source.search.isMailTried === true && login.includes('@');
  const entries = byFilter.length === 0 && isMail ? await findByMail(search, login) : byFilter;
  if (entries.length > 1)
    log.warn(
      { login, entries: entries.map(({ dn }) => dn) },
      'a name stands for more than one entry of the directory and is refused: make the search filter narrower',
    );
  return entries;
};

/** Many people know their e-mail address better than their user principal name, which may look like one. */
const findByMail = (search: PersonSearch, login: string): Promise<readonly LdapEntry[]> =>
  find(search, allOf(filterForAnyName(search.source.search.filter), equals('mail', login)));

/** @throws AppError `unavailable` also when it is uncertain whether the person exists */
export const findBySubject = async (
  search: PersonSearch,
  subject: string,
): Promise<LdapEntry | undefined> => {
  const { source } = search;
  const isTheOne = hasSubject(source, subject);
  if (isTheOne === undefined) return undefined;
  const entries = await find(search, allOf(isTheOne, filterForAnyName(source.search.filter)));
  if (entries.length > 1)
    throw misconfigured({
      reason: `${source.subjectAttribute} is not unique`,
      detail: `source ${source.id}: two entries have the same ${source.subjectAttribute} ${subject}`,
    });
  if (entries.length === 0) await checkThatPeopleAreSeen(search);
  return entries[0];
};

/** The entry itself, when it passes the filter. */
export const readEntry = async (
  search: PersonSearch,
  dn: string,
  login: string,
): Promise<LdapEntry | undefined> => {
  const { source, connection, deadline } = search;
  const filter = fillFilter(source.search.filter, login);
  const [entry] = await connection.search({ ...queryOf(source), base: dn, scope: 'base', filter }, deadline);
  return entry;
};

const find = (
  { source, connection, deadline }: PersonSearch,
  filter: Filter,
): Promise<readonly LdapEntry[]> => {
  const { base, scope } = source.search;
  return connection.search({ ...queryOf(source), base, scope, filter }, deadline);
};

/** A directory that hides people from an account answers an empty success, not an error. */
const checkThatPeopleAreSeen = async ({ source, connection, deadline }: PersonSearch): Promise<void> => {
  const { base, scope } = source.search;
  // any entry counts, because the tenant's filter may match none
  const filter = allOf(has(source.subjectAttribute), has(source.usernameAttribute));
  const query = { base, scope, filter, attributes: ['1.1'], sizeLimit: 1 } as const;
  const entries = await connection.search(query, deadline);
  if (entries.length === 0)
    throw misconfigured({
      reason: 'it shows no person',
      detail: `source ${source.id}: no person at all is visible below ${base}`,
    });
};

const queryOf = (source: LdapSource) => ({
  attributes: [
    ...new Set([
      ...mappedAttributes,
      ...source.attributes,
      ...stateAttributes(source.kind),
      ...(source.groups.from === 'memberOf' ? ['memberOf'] : []),
      source.usernameAttribute,
      source.subjectAttribute,
    ]),
  ],
  binary: [...binarySubject(source), ...binaryAttributes],
  sizeLimit: 2,
});

const binaryAttributes = ['objectGUID', 'objectSid'] as const;

/** The attributes that a mapping can use: text, under the names of the tenant's file. */
export const attributesOf = (entry: LdapEntry, source: LdapSource): Attributes => {
  const names = new Map(
    [...mappedAttributes, ...source.attributes, source.usernameAttribute].map((name) => [
      name.toLowerCase(),
      name,
    ]),
  );
  const pairs = [...names.values()].map((name) => [name, textsOf(entry, name)] as const);
  return Object.fromEntries(pairs.filter(([, values]) => values.length > 0));
};

const textsOf = (entry: LdapEntry, name: string): readonly string[] => {
  const decode = { objectguid: guidText, objectsid: sidText }[name.toLowerCase()];
  if (decode === undefined) return entry.texts(name);
  return entry
    .bytes(name)
    .map(decode)
    .filter((text) => text !== undefined);
};
