import { expect, it } from '@jest/globals';
import { toPublic } from '../../src/cli/open-users.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';

const kept = {
  passwordHash: '$argon2id$secret',
  factors: [{ type: 'recovery_codes', createdAt: 1, hashes: ['secret'] }],
} as const;
const account: AccountRecord = {
  ...{ sub: 'sub-of-dana', logins: ['dana'], username: 'dana', email: 'new@acme.example' },
  ...{ claims: {}, groups: [], roles: [], origin: 'local', createdAt: 1, updatedAt: 1, version: 1 },
  ...kept,
  formerEmails: [{ id: 'i', email: 'old@acme.example', username: 'dana', until: 5, kept }],
};

it('shows an operator no hash and secret of a user, nor what is kept with an address of before', () => {
  const shown = toPublic(account);
  expect(JSON.stringify(shown)).not.toContain('secret');
  expect(shown).toMatchObject({
    hasPassword: true,
    recoveryCodesLeft: 1,
    formerEmails: [{ email: 'old@acme.example', until: 5 }],
  });
});
