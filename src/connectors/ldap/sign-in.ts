// Checks a password: finds the person, binds with the password, reads the groups.
import type { LdapSource } from '../../config/source/source-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Credentials, PasswordVerdict, SourcePerson, SourceRefusal } from '../connector.ts';
import { accountState } from './account-state.ts';
import { bindDetail, bindRefusal } from './bind-verdict.ts';
import type { LdapAnswer } from './connection.ts';
import type { Deadline } from './deadline.ts';
import type { LdapEntry } from './entry.ts';
import { fillDn } from './filters.ts';
import { groupsOf } from './groups.ts';
import type { LdapSourceParts } from './ldap-source-parts.ts';
import { attributesOf, findByLogin, readEntry } from './person-search.ts';
import { subjectOf } from './subject.ts';

export type Verdict = PasswordVerdict<SourcePerson>;

/** @throws AppError `unavailable` */
export const signIn = (
  parts: LdapSourceParts,
  credentials: Credentials,
  deadline: Deadline,
): Promise<Verdict> =>
  parts.source.bind.as === 'person'
    ? signInDirectly(parts, credentials, deadline)
    : signInBySearch(parts, credentials, deadline);

const signInBySearch = async (
  parts: LdapSourceParts,
  { login, password }: Credentials,
  deadline: Deadline,
): Promise<Verdict> => {
  const entry = await parts.directory.use('service', {
    isRepeatable: true,
    deadline,
    work: (connection) => findByLogin({ ...parts, connection, deadline }, login),
  });
  // Before the bind: a fault of the configuration must look the same for right and wrong passwords.
  const subject = entry === undefined ? undefined : subjectOf(entry, parts.source);
  const { dn, secret } =
    entry === undefined ? decoyCredentials(parts.source) : { dn: entry.dn, secret: password };
  const answer = await parts.directory.use('people', {
    isRepeatable: true,
    deadline,
    work: (connection) => connection.bind(dn, secret, deadline),
  });
  if (entry === undefined) return { ok: false, reason: 'unknown' };
  const refusal = bindRefusal(answer, parts.source);
  if (refusal !== undefined) return { ...refused(refusal, answer, parts), ...definedOnly({ subject }) };
  const person = await describe(parts, entry, deadline);
  return { ok: true, person };
};

const refused = (reason: SourceRefusal, answer: LdapAnswer, { source }: LdapSourceParts): Verdict => {
  const detail = bindDetail(answer, source);
  return { ok: false, reason, ...definedOnly({ detail: detail === reason ? undefined : detail }) };
};

/** An unknown person costs the directory a bind too, so that the time reveals nothing. */
export const decoyCredentials = ({ search }: LdapSource): { dn: string; secret: string } => ({
  dn: `cn=${randomId(12)},${search.base}`,
  secret: randomId(12),
});

/** @throws AppError `unavailable`, also when the groups cannot be read: that must not look like no groups */
export const describe = (
  parts: LdapSourceParts,
  entry: LdapEntry,
  deadline: Deadline,
): Promise<SourcePerson> =>
  needsNoSearch(parts)
    ? personOf(parts, entry, [])
    : parts.directory.use('service', {
        isRepeatable: true,
        deadline,
        work: async (connection) =>
          personOf(parts, entry, await groupsOf({ source: parts.source, connection, deadline }, entry)),
      });

const needsNoSearch = ({ source }: LdapSourceParts): boolean => source.groups.from === 'off';

const personOf = async (
  { source }: LdapSourceParts,
  entry: LdapEntry,
  groups: readonly string[],
): Promise<SourcePerson> => ({
  subject: subjectOf(entry, source),
  attributes: attributesOf(entry, source),
  groups,
  amr: ['pwd'],
});

const signInDirectly = (
  parts: LdapSourceParts,
  { login, password }: Credentials,
  deadline: Deadline,
): Promise<Verdict> => {
  const { source } = parts;
  if (source.bind.as !== 'person') throw new Error('this source searches before it binds');
  const name = fillDn(source.bind.dnTemplate, login);
  return parts.directory.use<Verdict>('people', {
    isRepeatable: true,
    deadline,
    work: async (connection) => {
      const answer = await connection.bind(name, password, deadline);
      const refusal = bindRefusal(answer, source);
      if (refusal !== undefined) return refused(refusal, answer, parts);
      // the entry itself, because a search for the same name could find another person's entry
      const entry = await readEntry({ ...parts, connection, deadline }, name, login);
      if (entry === undefined) return { ok: false, reason: 'unknown' };
      const state = accountState(entry, source.kind, parts.clock.now());
      if (state === 'account_disabled') return { ok: false, reason: state };
      const groups = await groupsOf({ source, connection, deadline }, entry);
      return { ok: true, person: await personOf(parts, entry, groups) };
    },
  });
};
