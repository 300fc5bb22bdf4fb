import { Writable } from 'node:stream';
import type { LdapSource } from '../../src/config/source/source-definition.ts';
import type { Connector, PasswordSource, SourcePerson } from '../../src/connectors/connector.ts';
import { type Directories, openDirectories } from '../../src/connectors/ldap/directories.ts';
import { createLdapConnector } from '../../src/connectors/ldap/ldap-connector.ts';
import { createLog } from '../../src/log.ts';
import { createTestClock, type TestClock } from './test-clock.ts';

/** One server's connections to directories, and what it logged. */
export interface LdapBench {
  readonly directories: Directories;
  readonly clock: TestClock;
  readonly logged: readonly string[];
  connector(source: LdapSource): Connector<SourcePerson>;
  passwords(source: LdapSource): PasswordSource<SourcePerson>;
}

export const openLdapBench = (): LdapBench => {
  const logged: string[] = [];
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      logged.push(String(chunk));
      done();
    },
  });
  const log = createLog({ level: 'debug' }, output);
  const clock = createTestClock(Date.UTC(2031, 4, 6));
  const directories = openDirectories({ clock, log });
  const connector = (source: LdapSource) => createLdapConnector(source, { directories, clock, log });
  return {
    directories,
    clock,
    logged,
    connector,
    passwords: (source) => {
      const { passwords } = connector(source);
      if (passwords === undefined) throw new Error('an LDAP source checks passwords');
      return passwords;
    },
  };
};
