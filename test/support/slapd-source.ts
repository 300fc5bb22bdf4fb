import type { LdapSource } from '../../src/config/source/source-definition.ts';
import type { Slapd } from './slapd.ts';

/** The source of a tenant whose people are in the test's directory. */
export const ldapSource = (
  slapd: Pick<Slapd, 'url' | 'baseDn' | 'service'>,
  changes: Partial<LdapSource> = {},
): LdapSource => ({
  type: 'ldap',
  kind: 'openldap',
  id: 'directory',
  displayName: 'Directory',
  domains: [],
  trustedEmailDomains: [],
  mapping: [],
  adopt: 'off',
  recheckSeconds: 900,
  degradedSeconds: 3600,
  revealLock: false,
  urls: [slapd.url],
  startTls: false,
  insecure: true,
  tls: {},
  bind: { as: 'service', ...slapd.service },
  search: {
    base: `ou=people,${slapd.baseDn}`,
    scope: 'sub',
    filter: '(&(objectClass=inetOrgPerson)(uid={username}))',
  },
  subjectAttribute: 'entryUUID',
  usernameAttribute: 'uid',
  attributes: [],
  groups: {
    from: 'off',
    base: `ou=groups,${slapd.baseDn}`,
    filter: '',
    nameAttribute: 'cn',
    nested: 'off',
    depth: 5,
  },
  connectTimeoutMs: 1_000,
  operationTimeoutMs: 1_000,
  poolSize: 4,
  passwordChange: 'off',
  ...changes,
});
