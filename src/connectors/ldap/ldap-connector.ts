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
import { changePassword } from './password-change.ts';
import { findByLogin, findBySubject } from './person-search.ts';
import { describe, signIn } from './sign-in.ts';

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
  const begin = (): Deadline => startDeadline(source.connectTimeoutMs + source.operationTimeoutMs);

  return {
    definition: source,
    passwords: {
      verify: async (credentials) => {
        if (!mayLeave(credentials.password)) return { ok: false, reason: 'credentials' };
        if (canonicalLogin(credentials.login) === undefined) return { ok: false, reason: 'unknown' };
        return signIn(parts, { ...credentials, login: credentials.login.trim() }, begin());
      },
      decoy: async () => {
        await signIn(parts, { login: randomId(12), password: randomId(12) }, begin()).catch(() => {});
      },
      ...(source.passwordChange === 'off' ? {} : { change: createChange(parts, begin) }),
    },
    // Without an account of its own the source can read a person's entry only with that person's password.
    ...(source.bind.as === 'person' ? {} : { lookup: createLookup(parts, begin) }),
    examine: () => examine(parts),
  };
};

/**
 * A bind without a password succeeds for every name (RFC 4513 section 5.1.2), and a server may cut a password at a NUL:
 * such passwords are not sent.
 */
const mayLeave = (password: string): boolean => password.trim() !== '' && !password.includes('\0');

const createChange =
  (parts: LdapSourceParts, begin: () => Deadline): NonNullable<PasswordSource['change']> =>
  async (change) => {
    if (!mayLeave(change.password) || canonicalLogin(change.login) === undefined)
      return { ok: false, reason: 'credentials' };
    if (!mayLeave(change.newPassword)) return { ok: false, reason: 'policy' };
    return changePassword(parts, { ...change, login: change.login.trim() }, begin());
  };

const createLookup = (parts: LdapSourceParts, begin: () => Deadline): PersonLookup<SourcePerson> => ({
  find: async (who) => {
    const deadline = begin();
    const entry = await parts.directory.use('service', {
      isRepeatable: true,
      deadline,
      work: (connection) => {
        const search = { ...parts, connection, deadline };
        return 'subject' in who ? findBySubject(search, who.subject) : findByLogin(search, who.login.trim());
      },
    });
    if (entry === undefined) return { status: 'absent' };
    const state = accountState(entry, parts.source.kind, parts.clock.now());
    if (state !== 'usable') return { status: 'refused', reason: state };
    return { status: 'present', person: await describe(parts, entry, deadline) };
  },
});
