import { describe, expect, it } from '@jest/globals';
import {
  identityHeaderNames,
  identityHeaders,
  isIdentityHeader,
  stripIdentityHeaders,
} from '../../src/gateway/answer/identity-headers.ts';
import type { Caller } from '../../src/gateway/gateway-types.ts';

const alice: Caller = {
  tenant: 'acme',
  issuer: 'https://id.example.com/oauth/acme',
  sub: 'sub-of-alice',
  kind: 'person',
  method: 'session',
  username: 'alice',
  name: 'Alice Smith',
  email: 'alice@acme.example',
  emailVerified: true,
  groups: ['staff', 'users'],
  roles: ['editor'],
  amr: ['pwd'],
  revocationIds: [],
};

describe('the headers about a caller', () => {
  it('name the caller in the words of other proxies and in ours', () => {
    expect(identityHeaders({ caller: alice, token: 'signed', requestId: 'request-1' })).toEqual({
      'Remote-User': 'alice',
      'Remote-Groups': 'staff,users',
      'Remote-Name': 'Alice Smith',
      'Remote-Email': 'alice@acme.example',
      'X-Auth-Request-User': 'alice',
      'X-Auth-Request-Email': 'alice@acme.example',
      'X-Auth-Request-Groups': 'staff,users',
      'X-Auth-Request-Preferred-Username': 'alice',
      'X-Auth-Tenant': 'acme',
      'X-Auth-Subject': 'sub-of-alice',
      'X-Auth-Issuer': 'https://id.example.com/oauth/acme',
      'X-Auth-Roles': 'editor',
      'X-Auth-Method': 'session',
      'X-Auth-Request-Id': 'request-1',
      'X-Auth-Token': 'signed',
    });
  });

  it('are the whole set, empty, without a known caller', () => {
    const headers = identityHeaders({ requestId: 'request-1' });
    expect(Object.keys(headers)).toEqual(identityHeaderNames);
    const { 'X-Auth-Request-Id': id, ...others } = headers;
    expect(id).toBe('request-1');
    expect(new Set(Object.values(others))).toEqual(new Set(['']));
  });

  it.each([
    ['Jürgen Müller', 'J%C3%BCrgen M%C3%BCller'],
    ['100%', '100%25'],
    ['Eve\r\nRemote-User: admin', 'EveRemote-User: admin'],
    ['  spaces \t', 'spaces'],
    ['🔥', '%F0%9F%94%A5'],
    ['\ud800', '%EF%BF%BD'],
    ['O"Neil, \\', 'O"Neil, \\'],
  ])('say the name %j as %s', (name, header) => {
    expect(identityHeaders({ caller: { ...alice, name }, requestId: 'r' })['Remote-Name']).toBe(header);
  });

  it('keep each group one group', () => {
    const caller = { ...alice, groups: ['a,b', 'grün', 'c\r\nd', 'cn=x'] };
    expect(identityHeaders({ caller, requestId: 'r' })['Remote-Groups']).toBe('a%2Cb,gr%C3%BCn,cd,cn=x');
  });

  it('are what node takes for headers, whatever a source says', () => {
    const nasty = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
    const caller = {
      ...alice,
      username: nasty,
      name: nasty,
      email: nasty,
      sub: nasty,
      groups: [nasty, nasty],
    };
    for (const value of Object.values(identityHeaders({ caller, requestId: 'r' })))
      expect(value).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe('headers that a client has no right to send', () => {
  it.each([
    ...identityHeaderNames,
    ...identityHeaderNames.map((name) => name.toUpperCase()),
    ...identityHeaderNames.map((name) => name.replaceAll('-', '_')),
    'remote_user',
    'Remote.User',
    'rEmOtE-gRoUpS',
    'X_Auth_Subject',
    'x-auth_token',
    'X-Forwarded-User',
    'X_Forwarded_User',
    'X-Forwarded-Email',
    'X-Forwarded-Groups',
    'X-Forwarded-Preferred-Username',
    'X-Forwarded-Access-Token',
    'X-Remote-User',
    'X-WEBAUTH-USER',
    'X-Drawbridge-Proxy-Secret',
    'X-Drawbridge-Client-Cert',
  ])('%s is one', (name) => {
    expect(isIdentityHeader(name)).toBe(true);
  });

  it.each([
    'Accept',
    'Authorization',
    'Cookie',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Request-Id',
    'X-Requested-With',
    'X-Authority',
    'X-ID-TENANT-NAME',
    'Remote',
  ])('%s is none', (name) => {
    expect(isIdentityHeader(name)).toBe(false);
  });

  it('are left out of a copy', () => {
    expect(
      stripIdentityHeaders({
        accept: '*/*',
        remote_user: 'admin',
        'x-auth-roles': ['a', 'b'],
        cookie: 'a=1',
      }),
    ).toEqual({ accept: '*/*', cookie: 'a=1' });
  });
});
