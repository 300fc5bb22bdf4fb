import { describe, expect, it } from '@jest/globals';
import type { MappingStep, SourceDefinition } from '../../src/config/source/source-definition.ts';
import type { Connector, SourcePerson } from '../../src/connectors/connector.ts';
import { mapPerson } from '../../src/connectors/mapping/map-person.ts';
import { withMapping } from '../../src/connectors/mapping/with-mapping.ts';

const base = {
  id: 'corp',
  displayName: 'Corp',
  domains: [],
  trustedEmailDomains: [],
  mapping: [],
  adopt: 'off',
  recheckSeconds: 300,
  degradedSeconds: 1800,
  revealLock: false,
} as const;

const ldap = (...mapping: readonly MappingStep[]): SourceDefinition => ({
  ...base,
  mapping,
  type: 'ldap',
  kind: 'openldap',
  urls: ['ldaps://ldap.example'],
  startTls: false,
  insecure: false,
  tls: {},
  bind: { as: 'anonymous' },
  search: { base: 'dc=example', scope: 'sub', filter: '(uid={username})' },
  subjectAttribute: 'entryUUID',
  usernameAttribute: 'uid',
  attributes: [],
  groups: { from: 'memberOf', base: '', filter: '', nameAttribute: 'cn', nested: 'off', depth: 1 },
  connectTimeoutMs: 1000,
  operationTimeoutMs: 1000,
  poolSize: 1,
  passwordChange: 'off',
});

const upstream = (
  changes: Partial<Extract<SourceDefinition, { type: 'oidc' | 'oauth2' }>> = {},
): SourceDefinition => ({
  ...base,
  type: 'oidc',
  discovery: true,
  clientAuthMethod: 'client_secret_basic',
  tls: {},
  scopes: ['openid'],
  authorizationParameters: {},
  pkce: true,
  usePar: 'auto',
  passwordSignIn: false,
  acceptUpstreamTokens: false,
  tokenCacheSeconds: 5,
  extraInfo: {},
  acr: {},
  requestTimeoutMs: 1000,
  ...changes,
});

const http = (...mapping: readonly MappingStep[]): SourceDefinition => ({
  ...base,
  mapping,
  type: 'http',
  url: 'https://legacy.example/check',
  tls: {},
  requestTimeoutMs: 1000,
});

const person = (
  attributes: Readonly<Record<string, unknown>>,
  groups: readonly string[] = [],
): SourcePerson => ({ subject: 's-1', attributes, groups, amr: ['pwd'] });

const profileOf = (source: SourceDefinition, from: SourcePerson) => mapPerson(source, from).profile;

describe('what a source means without a mapping', () => {
  it('is read from the attributes of a directory, however they are spelled', () => {
    const entry = person(
      {
        UID: ['alice'],
        mail: ['alice@corp.example', 'a@corp.example'],
        cn: ['Alice Aster'],
        givenName: ['Alice'],
        sn: ['Aster'],
        telephonenumber: ['+49 30 1'],
        preferredLanguage: ['de'],
        employeeNumber: ['4711'],
      },
      ['staff', 'admins', 'staff'],
    );
    expect(profileOf(ldap(), entry)).toEqual({
      username: 'alice',
      email: 'alice@corp.example',
      emailVerified: false,
      claims: {
        name: 'Alice Aster',
        given_name: 'Alice',
        family_name: 'Aster',
        phone_number: '+49 30 1',
        locale: 'de',
      },
      groups: ['admins', 'staff'],
      roles: [],
    });
  });

  it('prefers the display name and falls back to what an Active Directory calls people', () => {
    const entry = person({ sAMAccountName: 'bob', displayName: 'Bob B.', cn: 'bob b', name: 'cn=bob' });
    expect(profileOf(ldap(), entry)).toMatchObject({ username: 'bob', claims: { name: 'Bob B.' } });
  });

  it('makes no claim of directory attributes that happen to be called like one', () => {
    const entry = person({
      uid: ['eve'],
      roles: ['admin'],
      groups: ['admins'],
      email: ['ceo@corp.example'],
      email_verified: [true],
      username: ['admin'],
    });
    expect(profileOf(ldap(), entry)).toEqual({
      username: 'eve',
      emailVerified: false,
      claims: {},
      groups: [],
      roles: [],
    });
  });

  it('is read from the standard claims of a provider', () => {
    const claims = person({
      sub: 's-1',
      iss: 'https://idp.example',
      preferred_username: 'carol',
      email: 'carol@corp.example',
      email_verified: true,
      name: 'Carol',
      picture: 'https://idp.example/carol.png',
      profile: 'javascript:alert(1)',
      phone_number_verified: 'true',
      address: { country: 'DE' },
      groups: ['dev', 7, 'ops'],
      roles: 'editor',
      acr: 'high',
      made_up: 'x',
    });
    expect(profileOf(upstream(), claims)).toEqual({
      username: 'carol',
      email: 'carol@corp.example',
      emailVerified: true,
      claims: { name: 'Carol', picture: 'https://idp.example/carol.png', address: { country: 'DE' } },
      groups: ['corp:dev', 'corp:ops'],
      roles: [],
    });
  });

  it.each<[string, unknown]>([
    ['absent', undefined],
    ['false', false],
    ['a text', 'true'],
    ['a number', 1],
  ])('takes an e-mail for unverified whose email_verified is %s', (_name, email_verified) => {
    const claims = person({ email: 'carol@corp.example', email_verified });
    expect(profileOf(upstream(), claims)).toMatchObject({
      email: 'carol@corp.example',
      emailVerified: false,
    });
  });

  it('names people by what it has: user name, e-mail, subject', () => {
    expect(profileOf(upstream(), person({ email: 'c@corp.example' })).username).toBe('c@corp.example');
    expect(profileOf(upstream(), person({})).username).toBe('s-1');
    expect(profileOf(upstream(), person({ preferred_username: 'a\nb' })).username).toBe('s-1');
    expect(profileOf(http(), person({ login: 'carol', firstName: 'Carol' }))).toMatchObject({
      username: 'carol',
      claims: { given_name: 'Carol' },
    });
  });

  it('names them without the invisible characters around a name, so that it is no other one', () => {
    const around = (name: string): string => `\u200B${name}\u00AD\u200E `;
    const named = { ...person({ preferred_username: around('carol') }), subject: 's-1' };
    expect(profileOf(upstream(), named).username).toBe('carol');
    expect(profileOf(upstream(), { ...person({}), subject: around('s-1') }).username).toBe('s-1');
    expect(profileOf(http(), person({ login: around('carol') })).username).toBe('carol');
    // inside of a name they are part of none
    expect(profileOf(upstream(), person({ preferred_username: 'ca\u200Brol' })).username).toBe('s-1');
  });

  it('takes the extracted name of a plain OAuth 2.0 source before what its answer holds beside', () => {
    const source = upstream({
      type: 'oauth2',
      userNameExtractionPattern: { kind: 'pointer', pointer: '/account' },
    });
    expect(profileOf(source, person({ preferred_username: 'admin', login: 'root' })).username).toBe('s-1');
  });
});

describe('hostile addresses', () => {
  it.each<[string]>([
    ['alice@corp.example,mallory@evil.example'],
    ['alice@corp.example@evil.example'],
    ['"alice@corp.example"@evil.example'],
    ['alice@corp.example\r\nBcc: mallory@evil.example'],
    ['alice@corp.example\0'],
    ['alice@corp.example '],
    ['Alice <alice@corp.example>'],
    ['alice@\uff43orp.example'],
    ['alice@corp\u3002example'],
    ['\u00e4lice@corp.example'],
    ['\u0430lice@corp.example'],
    ['alice..b@corp.example'],
    ['alice@corp..example'],
    ['alice@-corp.example'],
    [`${'a'.repeat(65)}@corp.example`],
    [`alice@${'a.'.repeat(130)}example`],
    ['alice'],
    [''],
  ])('%j never becomes an e-mail', (email) => {
    const { profile } = mapPerson(upstream(), person({ email, email_verified: true }));
    expect(profile.email).toBeUndefined();
    expect(profile.emailVerified).toBe(false);
  });

  it('takes an international domain in the spelling of DNS', () => {
    const { profile, emailFault } = mapPerson(
      upstream(),
      person({ email: 'Alice@B\u00fccher.example', email_verified: true }),
    );
    expect(profile).toMatchObject({ email: 'Alice@xn--bcher-kva.example', emailVerified: true });
    expect(emailFault).toBeUndefined();
  });

  it('says why an address was left out', () => {
    const faultOf = (email: unknown) => mapPerson(upstream(), person({ email })).emailFault;
    expect(faultOf('\u00e4lice@corp.example')).toContain('outside ASCII before the @');
    expect(faultOf('alice@corp@example')).toContain('is not one plain e-mail address');
    expect(faultOf('alice@corp.example')).toBeUndefined();
    expect(faultOf(undefined)).toBeUndefined();
  });

  it.each<[string]>([['alice@corp.example'], ["o'neil+tag@corp.example"], ['a.b@xn--crp-rna.example']])(
    '%s does',
    (email) => {
      expect(profileOf(upstream(), person({ email, email_verified: true }))).toMatchObject({
        email,
        emailVerified: true,
      });
    },
  );
});

describe('the steps of a mapping', () => {
  const groupsAfter = (...steps: readonly MappingStep[]) =>
    profileOf(ldap(...steps), person({ uid: 'a' }, ['CN=Admins,OU=x', 'tmp-1', 'staff'])).groups;

  it('rename moves an attribute, and a pointer reads inside of one', () => {
    const moved = ldap({ step: 'rename', from: 'departmentnumber', to: 'department' });
    expect(profileOf(moved, person({ uid: 'a', departmentNumber: ['7', '8'] })).claims).toEqual({
      department: ['7', '8'],
    });
    const inside = upstream({
      mapping: [
        { step: 'rename', from: '/realm_access/roles', to: 'roles' },
        { step: 'rename', from: '/absent/roles', to: 'groups' },
      ],
    });
    const claims = person({ realm_access: { roles: ['editor', 'admin'] }, groups: ['dev'] });
    expect(profileOf(inside, claims)).toMatchObject({ roles: ['admin', 'editor'], groups: ['corp:dev'] });
  });

  it('rename brings no verified address where another one was verified', () => {
    const contact = { step: 'rename', from: 'contact', to: 'email' } as const;
    const claims = { email: 'mallory@street.example', email_verified: true, contact: 'alice@acme.example' };
    const verified = { step: 'default', of: 'email_verified', value: true } as const;
    for (const mapping of [[contact], [contact, verified]]) {
      expect(profileOf(upstream({ mapping }), person(claims))).toMatchObject({
        email: 'alice@acme.example',
        emailVerified: false,
      });
    }
    const { contact: _, ...without } = claims;
    expect(profileOf(upstream({ mapping: [contact] }), person(without)).emailVerified).toBe(true);
    const directory = ldap({ ...contact, from: 'otherMailbox' }, verified);
    const entry = person({ uid: 'a', mail: 'a@acme.example', otherMailbox: 'b@acme.example' });
    expect(profileOf(directory, entry)).toMatchObject({ email: 'b@acme.example', emailVerified: true });
  });

  it('prefix, regex and drop change values one by one', () => {
    expect(groupsAfter({ step: 'prefix', of: 'groups', prefix: 'ldap:' })).toContain('ldap:staff');
    expect(
      groupsAfter(
        { step: 'regex', of: 'groups', pattern: '^CN=([^,]+),.*$', replace: '$1' },
        { step: 'drop', of: 'groups', pattern: '^tmp-' },
      ),
    ).toEqual(['Admins', 'staff']);
    expect(groupsAfter({ step: 'drop', of: 'groups' })).toEqual([]);
  });

  it('role is given to people with an equal or matching value', () => {
    const roles = (...steps: readonly MappingStep[]) =>
      profileOf(ldap(...steps), person({ uid: 'a', title: ['Boss'] }, ['Admins', 'staff'])).roles;
    const role = { step: 'role', of: 'groups' } as const;
    expect(
      roles(
        { ...role, role: 'admin', equals: 'Admins' },
        { ...role, role: 'nobody', equals: 'admins' },
        { ...role, role: 'worker', pattern: '^st' },
        { ...role, role: 'leader', of: 'title', equals: 'Boss' },
        { ...role, role: 'driver', of: 'carLicense' },
      ),
    ).toEqual(['admin', 'leader', 'worker']);
  });

  it('default fills in what is missing, and may say that a directory verifies its addresses', () => {
    const source = ldap(
      { step: 'default', of: 'locale', value: 'en' },
      { step: 'default', of: 'email_verified', value: true },
    );
    expect(profileOf(source, person({ uid: 'a', mail: 'a@corp.example' }))).toMatchObject({
      emailVerified: true,
      claims: { locale: 'en' },
    });
    expect(profileOf(source, person({ uid: 'a', preferredLanguage: 'de' })).claims).toEqual({ locale: 'de' });
    const denied = upstream({ mapping: [{ step: 'default', of: 'email_verified', value: true }] });
    expect(profileOf(denied, person({ email: 'a@corp.example', email_verified: false })).emailVerified).toBe(
      false,
    );
  });

  it('never make a claim that is the provider’s to say, nor touch what every object has', () => {
    const attributes = JSON.parse('{"uid":["a"],"x":{"a":1},"__proto__":{"polluted":true}}');
    const steps = ['sub', 'acr', 'aud', '__proto__', 'constructor'].map(
      (of): MappingStep => ({ step: 'default', of, value: 'forged' }),
    );
    const { profile } = mapPerson(ldap(...steps), person(attributes));
    expect(Object.getOwnPropertyNames(profile.claims)).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const reading = ldap({ step: 'rename', from: '/x/__proto__', to: 'nickname' });
    expect(profileOf(reading, person(attributes)).claims).toEqual({});
  });

  it('take no longer for a pattern that would explode elsewhere', () => {
    const source = ldap({ step: 'drop', of: 'groups', pattern: '^(a+)+$' });
    const groups = Array.from({ length: 50 }, () => `${'a'.repeat(900)}!`);
    const startedAt = performance.now();
    mapPerson(source, person({ uid: 'a' }, groups));
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('leave a trace of what each of them changed', () => {
    const source = ldap(
      { step: 'prefix', of: 'groups', prefix: 'x-' },
      { step: 'drop', of: 'title' },
      { step: 'role', role: 'admin', of: 'groups', equals: 'x-a' },
    );
    const { trace } = mapPerson(source, person({ uid: ['a'] }, ['a']));
    expect(trace[0]?.changes).toContainEqual({ name: 'groups', before: [], after: ['a'] });
    expect(trace.slice(1)).toEqual([
      { step: 'prefix groups with x-', changes: [{ name: 'groups', before: ['a'], after: ['x-a'] }] },
      { step: 'drop title', changes: [] },
      { step: 'role admin for groups x-a', changes: [{ name: 'roles', before: [], after: ['admin'] }] },
    ]);
  });
});

describe('roles and groups that an upstream says itself', () => {
  const claims = person({ roles: ['admin', 'editor'] }, ['staff']);
  const mapped = (...mapping: readonly MappingStep[]) => {
    const { roles, groups } = profileOf(upstream({ mapping }), claims);
    return { roles, groups };
  };

  it('are no roles, and groups with the name of the source', () => {
    expect(mapped()).toEqual({ roles: [], groups: ['corp:staff'] });
    expect(profileOf(http(), claims)).toMatchObject({ roles: [], groups: ['staff'] });
  });

  it('count as they stand where the file trusts the source', () => {
    const expected = { roles: ['admin', 'editor'], groups: ['staff'] };
    expect(profileOf(upstream({ trustRoles: true }), claims)).toMatchObject(expected);
  });

  it('are read by the steps, which give what counts', () => {
    const role = { step: 'role', role: 'writer', of: 'roles', equals: 'editor' } as const;
    expect(mapped(role)).toEqual({ roles: ['writer'], groups: ['corp:staff'] });
    expect(mapped({ step: 'role', role: 'member', of: 'groups', equals: 'staff' }).roles).toEqual(['member']);
    expect(mapped({ step: 'rename', from: 'roles', to: 'roles' }).roles).toEqual(['admin', 'editor']);
    expect(mapped({ step: 'rename', from: 'groups', to: 'groups' }).groups).toEqual(['staff']);
    expect(mapped({ step: 'prefix', of: 'groups', prefix: 'p-' }).groups).toEqual(['p-staff']);
    expect(mapped({ step: 'prefix', of: 'roles', prefix: 'p-' }).roles).toEqual(['p-admin', 'p-editor']);
  });

  it('are not let through by a step that finds nothing, or that gives nothing', () => {
    const kept = { roles: [], groups: ['corp:staff'] };
    expect(mapped({ step: 'rename', from: 'app_roles', to: 'roles' })).toEqual(kept);
    expect(mapped({ step: 'rename', from: '/realm/roles', to: 'roles' })).toEqual(kept);
    expect(mapped({ step: 'regex', of: 'roles', pattern: '^x-(.*)$', replace: '$1' })).toEqual(kept);
    expect(mapped({ step: 'drop', of: 'roles', pattern: '^editor$' })).toEqual(kept);
    expect(mapped({ step: 'default', of: 'roles', value: 'guest' }).roles).toEqual(['guest']);
  });
});

describe('the bounds of a profile', () => {
  it('hold however deep a source says it', () => {
    const address: unknown = JSON.parse(`${'['.repeat(30_000)}${']'.repeat(30_000)}`);
    expect(profileOf(upstream(), person({ name: 'Anna', address })).claims).toEqual({ name: 'Anna' });
  });

  it('hold however much a source says', () => {
    const groups = Array.from({ length: 3000 }, (_, index) => `group-${index}`);
    const { profile } = mapPerson(
      upstream({ mapping: [{ step: 'rename', from: 'blob', to: 'blob' }] }),
      person({ name: 'x'.repeat(1001), nickname: 'a\nb', blob: { deep: 'y'.repeat(2000) } }, [
        ...groups,
        'z'.repeat(1001),
        'a\r\nX-Groups: admin',
      ]),
    );
    expect(profile.groups).toHaveLength(1000);
    expect(profile.groups.every((group) => /^corp:group-\d+$/.test(group))).toBe(true);
    expect(profile.claims).toEqual({});
  });
});

describe('a connector with its mapping', () => {
  const found = { ...person({ uid: ['alice'] }, ['staff']), acr: 'high', authTime: 7, issuer: 'https://i' };
  const identity = {
    source: 'corp',
    subject: 's-1',
    issuer: 'https://i',
    acr: 'high',
    authTime: 7,
    amr: ['pwd'],
    profile: { username: 'alice', emailVerified: false, claims: {}, groups: ['staff'], roles: [] },
  };

  it('hands out identities wherever people come from, and what is said of no one as it is', async () => {
    const connector: Connector<SourcePerson> = {
      definition: ldap(),
      passwords: {
        verify: async ({ password }) =>
          password === 'right' ? { ok: true, person: found } : { ok: false, reason: 'credentials' },
      },
      lookup: {
        find: async (who) => ('login' in who ? { status: 'present', person: found } : { status: 'absent' }),
      },
      tokens: { verify: async () => ({ person: found, expiresAt: 9 }) },
      examine: async () => [],
    };
    const mapped = withMapping(connector);
    expect(await mapped.passwords?.verify({ login: 'alice', password: 'right' })).toEqual({
      ok: true,
      person: identity,
    });
    expect(await mapped.passwords?.verify({ login: 'alice', password: 'wrong' })).toEqual({
      ok: false,
      reason: 'credentials',
    });
    expect(await mapped.lookup?.find({ login: 'alice' })).toEqual({ status: 'present', person: identity });
    expect(await mapped.lookup?.find({ subject: 's-1' })).toEqual({ status: 'absent' });
    expect(await mapped.tokens?.verify('token')).toEqual({ person: identity, expiresAt: 9 });
    expect(mapped.redirect).toBeUndefined();
    expect(mapped.passwords?.change).toBeUndefined();
    expect(mapped.passwords?.decoy).toBeUndefined();
  });
});
