import { describe, expect, it } from '@jest/globals';
import { claimsOf } from '../../src/accounts/claims.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';

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
      email: 'alice@acme.example',
      email_verified: false,
      updated_at: 2000,
    });
  });

  it('hold groups and roles for the scopes of these names only', () => {
    expect(claimsOf(account, new Set(['openid', 'groups']))).toMatchObject({ groups: ['staff'] });
    expect(claimsOf(account, new Set(['openid', 'groups']))).not.toHaveProperty('roles');
    expect(claimsOf(account, new Set(['roles']))).toMatchObject({ roles: ['editor'] });
  });

  it('say nothing of an e-mail that is not there', () => {
    const { email: _email, ...without } = account;
    expect(claimsOf(without, new Set())).not.toHaveProperty('email_verified');
    expect(claimsOf({ ...account, emailVerified: true }, new Set())).toMatchObject({ email_verified: true });
  });
});
