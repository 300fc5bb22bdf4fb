// People of an LDAP directory or Active Directory. Begin reading at `sign-in.ts`; how connections are kept, at
// `directories.ts`.

import type { Clock } from '../../clock.ts';
import type { LdapSource } from '../../config/source/source-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import type { Log } from '../../log.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import type { Connector, PasswordSource, PersonLookup, SourcePerson } from '../connector.ts';
import { accountState } from './account-state.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import type { Directories } from './directories.ts';
import { examine } from './examine.ts';
import type { LdapSourceParts } from './ldap-source-parts.ts';
import { changePassword, isExpiredChangeable } from './password-change.ts';
import { findAllByLogin, findBySubject } from './person-search.ts';
import { describe, signIn } from './sign-in.ts';
import { createFindWindowsName, type FindWindowsName, nameWithoutDomain } from './windows-names.ts';

export interface LdapConnectorParts {
  readonly directories: Directories;
  readonly log: Log;
  readonly clock: Clock;
}

export const createLdapConnector = (
  source: LdapSource,
  { directories, ...shared }: LdapConnectorParts,
): Connector<SourcePerson> => {
  const parts: LdapSourceParts = { source, directory: directories.directoryOf(source), ...shared };
  const findName = createFindWindowsName(parts);
  const begin = (): Deadline => startDeadline(source.connectTimeoutMs + source.operationTimeoutMs);

  return {
    definition: source,
    passwords: {
      verify: async (credentials) => {
        if (!mayLeave(credentials.password)) return { ok: false, reason: 'credentials' };
        if (canonicalLogin(credentials.login) === undefined) return { ok: false, reason: 'unknown' };
        const deadline = begin();
        const login = await findName(credentials.login.trim(), deadline);
        return signIn(parts, { ...credentials, login }, deadline);
      },
      ...(source.kind === 'active-directory'
        ? { nameFor: (login) => nameWithoutDomain(login, source.search.base) }
        : {}),
      decoy: async () => {
        await signIn(parts, { login: randomId(12), password: randomId(12) }, begin()).catch(() => {});
      },
      isExpiredChangeable: async (login) => {
        const deadline = begin();
        return isExpiredChangeable(parts, await findName(login.trim(), deadline), deadline);
      },
      ...(source.passwordChange === 'off' ? {} : { change: createChange(parts, { begin, findName }) }),
    },
    // Without an account of its own the source can read a person's entry only with that person's password.
    ...(source.bind.as === 'person' ? {} : { lookup: createLookup(parts, { begin, findName }) }),
    examine: () => examine(parts),
  };
};

/**
 * A bind without a password succeeds for every name (RFC 4513 section 5.1.2), and a server may cut a password at a NUL:
 * such passwords are not sent.
 */
const mayLeave = (password: string): boolean => password.trim() !== '' && !password.includes('\0');

interface Steps {
  readonly begin: () => Deadline;
  readonly findName: FindWindowsName;
}

const createChange =
  (parts: LdapSourceParts, { begin, findName }: Steps): NonNullable<PasswordSource['change']> =>
  async (change) => {
    if (!mayLeave(change.password) || canonicalLogin(change.login) === undefined)
      return { ok: false, reason: 'credentials' };
    if (!mayLeave(change.newPassword)) return { ok: false, reason: 'policy' };
    const deadline = begin();
    const login = await findName(change.login.trim(), deadline);
    return changePassword(parts, { ...change, login }, deadline);
  };

const createLookup = (parts: LdapSourceParts, { begin, findName }: Steps): PersonLookup<SourcePerson> => ({
  find: async (who) => {
    const deadline = begin();
    const login = 'login' in who ? await findName(who.login.trim(), deadline) : '';
    const [entry, ...more] = await parts.directory.use('service', {
      isRepeatable: true,
      deadline,
      work: async (connection) => {
        const search = { ...parts, connection, deadline };
        return 'subject' in who ? [await findBySubject(search, who.subject)] : findAllByLogin(search, login);
      },
    });
    if (entry === undefined) return { status: 'absent' };
    if (more.length > 0) return { status: 'absent', isAmbiguous: true };
    const state = accountState(entry, parts.source.kind, parts.clock.now());
    if (state !== 'usable') return { status: 'refused', reason: state };
    return { status: 'present', person: await describe(parts, entry, deadline) };
  },
});
