import type { LdapSource } from '../../src/config/source/source-definition.ts';
import { openLdapBench } from '../support/ldap-bench.ts';
import { startSlapd } from '../support/slapd.ts';
import { ldapSource } from '../support/slapd-source.ts';
import { type ConnectorFixture, connectorContract } from './connector.contract.ts';

const open = async (changes: Partial<LdapSource>): Promise<ConnectorFixture> => {
  const slapd = await startSlapd();
  const bench = openLdapBench();
  return {
    connector: bench.connector(ldapSource(slapd, { operationTimeoutMs: 500, ...changes })),
    people: [
      { login: 'anna', password: 'anna-Passw0rd' },
      { login: 'bert', password: 'bert-Passw0rd' },
    ],
    nobody: '00000000-0000-4000-8000-00000000ffff',
    secrets: [slapd.service.password],
    outage: {
      begin: async () => slapd.pause(),
      end: async () => {
        slapd.resume();
        bench.clock.advance(60_000);
      },
    },
    cleanup: async () => {
      bench.directories.close();
      await slapd.stop();
    },
  };
};

connectorContract('LDAP, with an account of its own', () => open({}));

connectorContract('LDAP, bound as the person', () =>
  open({ bind: { as: 'person', dnTemplate: 'uid={username},ou=people,dc=example,dc=org' } }),
);

connectorContract('LDAP, without a pool', () => open({ poolSize: 0 }));
