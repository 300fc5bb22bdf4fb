import { describe, expect, it } from '@jest/globals';
import { claimsOf, furtherClaims } from '../../src/accounts/claims.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { createScriptedSource } from '../support/scripted-source.ts';

const account: AccountRecord = {
  sub: 'sub-1',
  logins: ['alice'],
  username: 'Alice',
  passwordHash: '$argon2id$secret',
  email: 'alice@acme.example',
  claims: {
    name: 'Alice Liddell',
    locale: 'de',
    picture: null,
    sub: 'forged',
    iss: 'forged',
    email_verified: true,
  },
  groups: ['staff'],
  roles: ['editor'],
  origin: 'local',
  createdAt: 1_000_000,
  updatedAt: 2_000_500,
  version: 3,
};

describe('the claims of an account', () => {
  it('are the standard ones, and nothing else of the account', () => {
    expect(claimsOf(account, new Set(['openid', 'profile', 'email']))).toEqual({
      sub: 'sub-1',
      preferred_username: 'Alice',
      name: 'Alice Liddell',
      locale: 'de',
      updated_at: 2000,
    });
  });

  it('hold groups and roles for the scopes of these names only', () => {
    expect(claimsOf(account, new Set(['openid', 'groups']))).toMatchObject({ groups: ['staff'] });
    expect(claimsOf(account, new Set(['openid', 'groups']))).not.toHaveProperty('roles');
    expect(claimsOf(account, new Set(['roles']))).toMatchObject({ roles: ['editor'] });
  });

  it('have an e-mail address only if it is there and verified', () => {
    const emailClaims = ({ email, email_verified }: Partial<Record<string, unknown>>) => [
      email,
      email_verified,
    ];
    const { email: _email, ...without } = account;
    expect(emailClaims(claimsOf({ ...without, emailVerified: true }, new Set()))).toEqual([
      undefined,
      undefined,
    ]);
    expect(emailClaims(claimsOf({ ...account, emailVerified: false }, new Set()))).toEqual([
      undefined,
      undefined,
    ]);
    expect(emailClaims(claimsOf({ ...account, emailVerified: true }, new Set()))).toEqual([
      account.email,
      true,
    ]);
  });

  it('hold those of the tenant\u2019s own mapping as well', () => {
    const own = { ...account, claims: { ...account.claims, employee_number: '4711', secret: 'x' } };
    const claims = claimsOf(own, new Set(['profile']), ['employee_number']);
    expect(claims).toMatchObject({ employee_number: '4711' });
    expect(claims).not.toHaveProperty('secret');
  });
});

describe('the claims that a mapping adds', () => {
  it('are what it renames to and fills in, without those that have a place', () => {
    const mapping = [
      { step: 'rename', from: 'employeeNumber', to: 'employee_number' },
      { step: 'rename', from: 'mail', to: 'email' },
      { step: 'default', of: 'site', value: 'Berlin' },
      { step: 'default', of: 'locale', value: 'de' },
      { step: 'prefix', of: 'groups', prefix: 'x:' },
    ] as const;
    expect(furtherClaims([createScriptedSource('corp', { mapping }).connector.definition])).toEqual([
      'employee_number',
      'site',
    ]);
  });
});
