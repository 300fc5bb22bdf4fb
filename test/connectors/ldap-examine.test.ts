import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LdapSource } from '../../src/config/source/source-definition.ts';
import { type LdapBench, openLdapBench } from '../support/ldap-bench.ts';
import { findFreePort, type Slapd, startSlapd } from '../support/slapd.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../support/slapd-certificates.ts';
import { ldapSource } from '../support/slapd-source.ts';

let authority: CertificateAuthority;
let slapd: Slapd;
let bench: LdapBench;

const certificateDays = 90;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  const certificate = await authority.issue('IP:127.0.0.1', certificateDays);
  slapd = await startSlapd({ certificate });
});
afterAll(async () => {
  await slapd.stop();
  await authority.remove();
});
beforeEach(() => {
  bench = openLdapBench();
  // certificates are made by the clock of the machine
  bench.clock.advance(Date.now() - bench.clock.now());
});
afterEach(() => bench.directories.close());

/** Lines as an operator reads them, without the address. */
const examine = async (changes: Partial<LdapSource> = {}): Promise<readonly string[]> => {
  const source = ldapSource(slapd, { urls: [slapd.ldapsUrl], tls: { ca: authority.ca }, ...changes });
  const findings = await bench
    .connector(source)
    .examine({ redirectUri: 'https://drawbridge.test/back', signedOutUri: 'https://drawbridge.test/out' });
  return findings.map(
    ({ verdict, about, message }) => `${verdict} ${about.replace(/^\S+ /, '')}: ${message}`,
  );
};

const troubles = async (changes?: Partial<LdapSource>): Promise<readonly string[]> =>
  (await examine(changes)).filter((line) => !line.startsWith('ok '));

const search = () => ldapSource(slapd).search;
const groups = () => ({ ...ldapSource(slapd).groups, from: 'member' }) as const;

describe('what doctor finds at a directory', () => {
  it('is well, step by step', async () => {
    expect(await examine({ groups: groups() })).toEqual([
      expect.stringContaining('ok connection: '),
      expect.stringContaining('ok certificate: '),
      expect.stringContaining('ok bind: cn=service'),
      expect.stringContaining('ok search base: '),
      expect.stringContaining('ok people: '),
      expect.stringContaining('ok subject: entryUUID'),
      expect.stringContaining('ok groups: '),
    ]);
  });

  it.each([
    [
      'a host that nobody knows',
      () => ({ urls: ['ldaps://nowhere.invalid'] }),
      /problem name: .*Correct the host/,
    ],
    [
      'a certificate by a stranger',
      () => ({ tls: {} }),
      /problem connection: .*not trusted here. Set "tls.ca"/,
    ],
    [
      'a certificate for another name',
      () => ({ tls: { ca: authority.ca, serverName: 'other.test' } }),
      /problem connection: .*for another name/,
    ],
    [
      'TLS where there is none',
      () => ({ urls: [slapd.url.replace('ldap:', 'ldaps:')] }),
      /problem connection: /,
    ],
    [
      'StartTLS at the port of ldaps',
      () => ({ urls: [slapd.ldapsUrl.replace('ldaps:', 'ldap:')], startTls: true, connectTimeoutMs: 500 }),
      /problem connection: .* does not start TLS\. For a port of ldaps:/,
    ],
    ['clear text', () => ({ urls: [slapd.url] }), /warning encryption: Passwords travel in clear text/],
    [
      'a wrong password',
      () => ({ bind: { as: 'service', dn: slapd.service.dn, password: 'an-old-secret' } as const }),
      /problem bind: cn=service.* is refused \(code 49\)/,
    ],
    [
      'a wrong search base',
      () => ({ search: { ...search(), base: 'ou=nowhere,dc=example,dc=org' } }),
      /problem search base: .*Check "search.base"/,
    ],
    [
      'a filter that nobody passes',
      () => ({ search: { ...search(), filter: '(&(uid={username})(o=x))' } }),
      /warning people: No entry below/,
    ],
    [
      'a subject that is not there',
      () => ({ subjectAttribute: 'employeeNumber' }),
      /problem subject: .*employeeNumber/,
    ],
    [
      'a wrong base of groups',
      () => ({ groups: { ...groups(), base: 'ou=nowhere,dc=example,dc=org' } }),
      /problem groups: .*Check "groups.base"/,
    ],
    [
      'in-chain groups at the wrong kind of server',
      () => ({ groups: { ...groups(), nested: 'in-chain' } as const }),
      /warning nested groups: /,
    ],
  ])('names %s, and what to do', async (_, changes: () => Partial<LdapSource>, expected) => {
    const lines = await troubles(changes());
    expect(lines).toEqual([expect.stringMatching(expected)]);
    expect(lines.join('')).not.toContain('an-old-secret');
  });

  it('is a group only where there are groups, and memberOf at who has it', async () => {
    const lines = (changes: object) => examine({ groups: { ...groups(), ...changes } });
    const people = search().base;
    expect((await lines({ base: people })).at(-1)).toMatch(/warning groups: No group with members below/);
    expect((await lines({ from: 'memberOf', base: people })).at(-1)).toMatch(
      /ok memberOf: .* is in cn=.*,ou=groups/,
    );
    expect((await lines({ from: 'memberOf', nested: 'expand' })).slice(-2)).toEqual([
      expect.stringContaining('ok memberOf: '),
      expect.stringMatching(/ok groups: .*cn=.*,ou=groups/),
    ]);
    const filter = '(&(objectClass=inetOrgPerson)(uid={username})(uid=gerd))';
    expect(
      await troubles({
        groups: { ...groups(), from: 'memberOf' },
        search: { ...search(), base: `uid=gerd,${people}`, filter },
      }),
    ).toEqual([expect.stringContaining('warning memberOf: No user below')]);
  });

  it('is whether expired passwords can be changed', async () => {
    const lines = await troubles({ passwordChange: 'rfc3062' });
    expect(lines).toEqual([
      expect.stringMatching(/warning expired passwords: cn=service.* may not write userPassword of uid=/),
    ]);
  });

  it('is a limit of the server that is less than its groups', async () => {
    const limited = await startSlapd({ settings: ['sizelimit 3'] });
    try {
      const lines = await troubles({ urls: [limited.url], groups: groups() });
      expect(lines.at(-1)).toMatch(
        /warning size limit: .*sizeLimitExceeded.*Users in more than 3 groups cannot sign in/,
      );
    } finally {
      await limited.stop();
    }
  });

  it('reports each server', async () => {
    const urls = [`ldaps://127.0.0.1:${await findFreePort()}`, slapd.ldapsUrl];
    const lines = await examine({ urls });
    expect(lines[0]).toMatch(/problem connection: Nothing listens there/);
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.slice(1).every((line) => line.startsWith('ok '))).toBe(true);
  });

  it('is a certificate that will expire within a month', async () => {
    bench.clock.advance((certificateDays - 20) * 24 * 3600 * 1000);
    expect(await troubles()).toEqual([
      expect.stringMatching(/warning certificate: It expires in (19|20) days/),
    ]);
  });

  it('is a server that does not answer, in the end', async () => {
    slapd.pause();
    try {
      const changes = { urls: [slapd.url], connectTimeoutMs: 200, operationTimeoutMs: 200 };
      expect((await troubles(changes)).join('\n')).toMatch(/problem answers: .*no answer within 200 ms/);
    } finally {
      slapd.resume();
    }
  });
});
