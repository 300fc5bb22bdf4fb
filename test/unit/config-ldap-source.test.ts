import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FilterParser } from 'ldapts';
import { readFilter } from '../../src/config/source/ldap-syntax.ts';
import { longSecret, tenantTexts } from '../support/tenant-texts.ts';

const { source, sourceFaults } = tenantTexts();

const start = ['id: directory', 'type: ldap'];
const url = 'url: ldaps://ldap.example.org';
const bind = 'bind: { dn: "cn=reader,dc=example,dc=org", password: env:SECRET }';
const search = 'search: { base: "ou=people,dc=example,dc=org" }';
const whole = [...start, url, bind, search];

const ldap = (...lines: readonly string[]) => source('ldap', ...lines);
const faults = (...lines: readonly string[]) => sourceFaults(...lines);

describe('an LDAP source', () => {
  it('needs an address, an account and a base, and the rest fits OpenLDAP', () => {
    expect(ldap(...whole)).toEqual({
      id: 'directory',
      type: 'ldap',
      displayName: 'directory',
      domains: [],
      trustedEmailDomains: [],
      mapping: [],
      adopt: 'off',
      recheckSeconds: 300,
      degradedSeconds: 1800,
      revealLock: false,
      kind: 'openldap',
      urls: ['ldaps://ldap.example.org'],
      startTls: false,
      insecure: false,
      tls: {},
      bind: { as: 'service', dn: 'cn=reader,dc=example,dc=org', password: longSecret },
      search: {
        base: 'ou=people,dc=example,dc=org',
        scope: 'sub',
        filter: '(&(objectClass=person)(|(uid={username})(mail={username})))',
      },
      subjectAttribute: 'entryUUID',
      usernameAttribute: 'uid',
      attributes: [],
      groups: {
        from: 'memberOf',
        base: 'ou=people,dc=example,dc=org',
        filter: '',
        nameAttribute: 'cn',
        nested: 'off',
        depth: 5,
      },
      connectTimeoutMs: 3000,
      operationTimeoutMs: 5000,
      poolSize: 5,
      passwordChange: 'off',
    });
  });

  it('fits Active Directory with kind: active-directory', () => {
    expect(ldap(...whole, 'kind: active-directory')).toMatchObject({
      search: {
        filter:
          '(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username})))',
      },
      subjectAttribute: 'objectGUID',
      usernameAttribute: 'sAMAccountName',
      groups: { from: 'memberOf', nameAttribute: 'cn' },
    });
  });

  it('lets the file say otherwise', () => {
    const said = ldap(
      ...start,
      'urls: [ldap://one.example.org, "ldap://[::1]:1389"]',
      'startTls: true',
      bind,
      'search: { base: "dc=example,dc=org", scope: one, filter: "(cn={username})" }',
      'subjectAttribute: nsUniqueId',
      'usernameAttribute: cn',
      'attributes: [employeeNumber, title]',
      'groups: { from: member, base: "ou=groups,dc=example,dc=org", filter: (objectClass=groupOfNames), nested: expand, depth: 3 }',
      'timeouts: { connect: 500ms, operation: 2s }',
      'pool: { size: 0 }',
      'passwordChange: rfc3062',
      'adopt: true',
      'recheck: 1m',
      'degraded: { sessions: 4h }',
      'revealLock: true',
    );
    expect(said).toMatchObject({
      urls: ['ldap://one.example.org', 'ldap://[::1]:1389'],
      startTls: true,
      search: { base: 'dc=example,dc=org', scope: 'one', filter: '(cn={username})' },
      subjectAttribute: 'nsUniqueId',
      usernameAttribute: 'cn',
      attributes: ['employeeNumber', 'title'],
      groups: {
        from: 'member',
        base: 'ou=groups,dc=example,dc=org',
        filter: '(objectClass=groupOfNames)',
        nested: 'expand',
        depth: 3,
      },
      connectTimeoutMs: 500,
      operationTimeoutMs: 2000,
      poolSize: 0,
      passwordChange: 'rfc3062',
      adopt: 'keep',
      recheckSeconds: 60,
      degradedSeconds: 14_400,
      revealLock: true,
    });
  });

  it.each([
    ['nested groups', 'groups: { from: memberOf, nested: expand }'],
    ['groups that list their members', 'groups: { from: member }'],
    ['names of groups', 'groups: { nameAttribute: description }'],
  ])('looks for %s in the whole domain, not below the people, unless the file says where', (_, groups) => {
    expect(ldap(...whole, groups)).toMatchObject({ groups: { base: 'dc=example,dc=org' } });
    const elsewhere = [...start, url, bind, 'search: { base: "ou=people,o=example" }'];
    expect(faults(...elsewhere, groups)).toEqual([expect.stringContaining('groups.base: is missing')]);
    expect(faults(...elsewhere, groups.replace('}', ', base: "ou=groups,o=example" }'))).toEqual([]);
    expect(faults(...elsewhere, 'groups: { from: memberOf }')).toEqual([]);
  });

  it('can do without groups, and without an account of its own', () => {
    expect(ldap(...start, url, search, 'bind: anonymous', 'groups: off')).toMatchObject({
      bind: { as: 'anonymous' },
      groups: { from: 'off' },
    });
  });

  it('looks for people above a template when the file names no base', () => {
    const template = 'bind: { template: "uid={username},ou=staff,dc=example,dc=org" }';
    expect(ldap(...start, url, template)).toMatchObject({
      bind: { as: 'person', dnTemplate: 'uid={username},ou=staff,dc=example,dc=org' },
      search: { base: 'ou=staff,dc=example,dc=org' },
      groups: { base: 'ou=staff,dc=example,dc=org' },
    });
    expect(
      faults(...start, url, 'bind: { template: "cn=x,uid={username},ou=staff,dc=example,dc=org" }'),
    ).toEqual([
      'search.base: is missing; write below which entry people are, such as ou=people,dc=example,dc=org',
    ]);
  });
});

describe('the connection of an LDAP source', () => {
  const plain =
    'url: is not encrypted, and passwords of people go over it; write ldaps://…, or startTls: true (only in a network that is safe: insecure: true)';

  it('is encrypted, unless the file says in so many words that it need not be', () => {
    const address = 'url: ldap://ldap.example.org';
    expect(faults(...start, address, bind, search)).toEqual([plain]);
    expect(ldap(...start, address, bind, search, 'startTls: true')).toMatchObject({ startTls: true });
    expect(ldap(...start, address, bind, search, 'insecure: true')).toMatchObject({ insecure: true });
  });

  it('is encrypted to each of several servers', () => {
    expect(faults(...start, 'urls: [ldaps://one, ldap://two]', bind, search)).toEqual([
      plain.replace('url:', 'urls.1:'),
    ]);
  });

  it.each([
    [['startTls: true'], 'url: is TLS already; write ldap://… with startTls, or remove startTls'],
    [['insecure: true'], 'insecure: is of no use with an encrypted connection; remove it'],
    [['urls: [ldaps://two]'], 'url: does not go with urls; write all of them there'],
  ])('does not take %j beside ldaps://', (more, message) => {
    expect(faults(...whole, ...more)).toEqual([message]);
  });

  it('does not take certificates without TLS', () => {
    expect(
      faults(...start, 'url: ldap://one', 'insecure: true', 'tls: { serverName: two }', bind, search),
    ).toEqual(['tls: is of no use without TLS; remove it, or insecure']);
  });

  it('needs an address', () => {
    expect(faults(...start, bind, search)).toEqual([
      'url: is missing; write one such as ldaps://ldap.example.com:636',
    ]);
  });

  it.each([
    'https://x',
    'ldaps://host/dc=x',
    'ldaps://host?x',
    'ldaps://a@host',
    'ldap.example.org',
    'ldaps://h:99999',
  ])('refuses the address %s', (address) => {
    expect(faults(...start, `url: ${address}`, bind, search)).toEqual([
      'url: is not the address of a directory; write scheme, host and port alone, such as ldaps://ldap.example.com:636',
    ]);
  });

  it('keeps its password out of the file', () => {
    const written = 'bind: { dn: "cn=a,dc=b", password: hunter2-hunter2 }';
    expect(faults(...start, url, written, search)).toEqual([
      'bind.password: is written out; write a reference, env:NAME or file:/path (only demo tenants hold secrets)',
    ]);
  });

  it.each(['EXTERNAL', 'PLAIN', '""', 'reader'])('refuses the account %s, which is no name', (dn) => {
    expect(faults(...start, url, `bind: { dn: ${dn}, password: env:SECRET }`, search)).toEqual([
      'bind.dn: is not the name of an account; write a distinguished name such as cn=drawbridge,dc=example,dc=org, or at AD name@domain',
    ]);
  });

  it.each(['reader@ad.example.org', "'EXAMPLE\\reader'", '"cn=Smith\\\\, John,dc=b"'])(
    'takes the account %s',
    (dn) => {
      expect(faults(...start, url, `bind: { dn: ${dn}, password: env:SECRET }`, search)).toEqual([]);
    },
  );

  it('says what a bind looks like', () => {
    const words =
      'bind: is not right; write { dn: …, password: env:NAME }, anonymous, or { template: "uid={username},ou=people,dc=example,dc=org" }';
    expect(faults(...start, url, 'bind: simple', search)).toEqual([words]);
    expect(faults(...start, url, search)).toEqual([words]);
    expect(faults(...start, url, 'bind: { dn: "cn=a,dc=b" }', search)).toEqual([
      'bind.password: is missing; write text',
    ]);
    expect(faults(...start, url, 'bind: { template: "uid=x,dc=b" }', search)).toEqual([
      'bind.template: lacks {username}; write where the name goes, such as uid={username},ou=people,dc=example,dc=org',
    ]);
  });
});

describe('the filter of an LDAP source', () => {
  const filterFaults = (filter: string) =>
    faults(...start, url, bind, 'search:', '  base: dc=example', `  filter: ${JSON.stringify(filter)}`).map(
      (fault) => fault.replace('search.filter: ', ''),
    );

  it.each([
    ['(uid=x)', 'lacks {username}; write where the name goes, such as (uid={username})'],
    ['uid={username}', 'is not a filter; put it in brackets, as in (uid={username})'],
    ['(uid={username}', 'lacks a closing bracket; count the brackets'],
    ['(&(a=b)(uid={username})', 'lacks a closing bracket; count the brackets'],
    ['(uid={username}))', 'goes on behind its last bracket; count the brackets'],
    ['(a=b)(uid={username})', 'has several filters side by side; put them together, as in (&(…)(…))'],
    ['(&)', 'has nothing behind &; write (&(…)(…))'],
    ['(!(a=b)(uid={username}))', 'has a ! that is not before exactly one filter; write (!(…))'],
    ['({username}=x)', 'has a part that compares nothing; write attribute=value, as in (uid={username})'],
    [
      '(cn;lang-de={username})',
      'has a part that compares nothing; write attribute=value, as in (uid={username})',
    ],
    [
      '(memberOf:1.2.3={username})',
      'has a part that compares nothing; write attribute=value, as in (uid={username})',
    ],
    ['(uid)', 'has a part that compares nothing; write attribute=value, as in (uid={username})'],
    ['(cn=a(b{username})', 'has a bracket within a value; write it as \\28, or close the one before'],
    ['(cn=\\x{username})', 'has a backslash without two hexadecimal digits; write a backslash as \\5c'],
    [
      '(uid={username}*)',
      'has a * beside {username}, so that a part of a name would find a person; remove the *',
    ],
    [
      '(uid=*-{username})',
      'has a * beside {username}, so that a part of a name would find a person; remove the *',
    ],
    [
      `${'(!'.repeat(30)}(uid={username})${')'.repeat(30)}`,
      'is nested deeper than 20 levels; write it shorter',
    ],
  ])('is refused as %s', (filter, message) => {
    expect(filterFaults(filter)).toEqual([message]);
  });

  it.each([
    '(&(objectClass=*)(uid={username}))',
    '(&(cn=*)(!(disabled=TRUE))(|(uid={username})(mail={username})))',
    '(memberOf:1.2.840.113556.1.4.1941:={username})',
    '(&(cn:dn:=x)(:caseExactMatch:=y)(uid={username})(age>=18)(cn~=x)(cn=\\2a\\c3\\a4))',
  ])('is taken as %s', (filter) => {
    expect(filterFaults(filter)).toEqual([]);
  });

  it('may be written on several lines', () => {
    const lines = [
      'search:',
      '  base: dc=example',
      '  filter: >-',
      '    (&',
      '      (a=b c)',
      '      ( | (uid={username})',
      '        (mail={username}) )',
      '    )',
    ];
    expect(ldap(...start, url, bind, ...lines).search.filter).toBe(
      '(&(a=b c)(|(uid={username})(mail={username})))',
    );
  });

  it('is one that the LDAP library reads, whatever is taken', () => {
    const bits = [
      '(',
      ')',
      '&',
      '|',
      '!',
      '=',
      ':=',
      ':dn',
      ':1.2.3',
      '*',
      ' ',
      '~',
      '>',
      '<',
      'cn',
      'a-b',
      ';x',
      '2.5',
      '\\2a',
      '\\',
      'é',
      '\n',
    ];
    const wholes = ['(cn=x)', '(&(a=b)(c=*))', '(!(a:dn:1.2:=b))', '(:x:=y)', '(a>=b)'];
    const anything = fc
      .array(fc.constantFrom(...bits, ...wholes), { maxLength: 12 })
      .map((parts) => parts.join(''));
    const shaped = fc
      .tuple(fc.constantFrom('&', '|', '!', ''), anything)
      .map(([operator, inner]) => `(${operator}${inner})`);
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(anything, shaped), (text) => {
        const read = readFilter(text);
        if (!read.ok) return;
        taken += 1;
        expect(() => FilterParser.parseString(read.filter)).not.toThrow();
        expect(readFilter(read.filter)).toEqual(read);
      }),
      { numRuns: 20_000, seed: 7 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('holds no name when it is for groups', () => {
    expect(faults(...whole, 'groups: { from: member, filter: "(member={username})" }')).toEqual([
      'groups.filter: has {username}, which a filter for groups cannot; remove it',
    ]);
  });
});

describe('names and rules of an LDAP source', () => {
  it.each(['people', '', 'ou=people,', ',dc=x', 'ou=,dc=x', 'ou=a;dc=b', 'o u=a', 'ou="a"', 'ou=a\\'])(
    'refuses the base %s',
    (base) => {
      expect(faults(...start, url, bind, `search: { base: ${JSON.stringify(base)} }`)).toEqual([
        'search.base: is not a distinguished name; write attribute=value parts with commas between, such as ou=people,dc=example,dc=org',
      ]);
    },
  );

  it.each([
    'dc=x',
    'ou=a + cn=b, dc=c',
    'cn=a\\,b,dc=c',
    'cn=a\\22,dc=c',
    '2.5.4.3=x,dc=c',
    'o=Müller & Söhne',
  ])('takes the base %s', (base) => {
    expect(faults(...start, url, bind, `search: { base: ${JSON.stringify(base)} }`)).toEqual([]);
  });

  it.each([
    ['groups: { nested: in-chain }', 'groups.nested: is known to Active Directory alone; write expand'],
    [
      'groups: { from: memberUid, nested: expand }',
      'groups.nested: does not go with memberUid, which lists people only; remove it',
    ],
    ['groups: { depth: 3 }', 'groups.depth: is of no use without nested: expand; remove it'],
    [
      'groups: none',
      'groups: is not right; write off, or a mapping such as { from: memberOf, nested: expand }',
    ],
    ['groups: { form: member }', 'groups.form: is not a known key; did you mean from?'],
    [
      'attributes: ["a b"]',
      'attributes.0: is not the name of an attribute; write letters, digits and hyphens, such as employeeNumber',
    ],
    ['pool: { size: 51 }', 'pool.size: is not right; write a whole number from 0 to 50'],
    ['timeouts: { connect: 1ms }', 'timeouts.connect: is too short; write at least 100ms'],
    ['kind: ad', 'kind: is not one of the known values; write openldap or active-directory'],
    ['adopt: yes', 'adopt: is not right; write false, true or takeover'],
  ])('refuses %s', (line, message) => {
    expect(faults(...whole, line)).toEqual([message]);
  });

  it('knows what Active Directory cannot do', () => {
    const ad = 'kind: active-directory';
    expect(faults(...whole, ad, 'passwordChange: rfc3062')).toEqual([
      'passwordChange: is not known to Active Directory; write modify',
    ]);
    const plain = [...start, 'url: ldap://dc1', 'insecure: true', bind, search, ad];
    expect(faults(...plain, 'passwordChange: modify')).toEqual([
      'passwordChange: needs TLS at Active Directory; write ldaps://… in url, or off here',
    ]);
    expect(faults(...whole, ad, 'passwordChange: modify', 'groups: { nested: in-chain }')).toEqual([]);
  });
});
