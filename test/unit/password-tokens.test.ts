import { describe, expect, it } from '@jest/globals';
import type { SignedIn } from '../../src/accounts/account-types.ts';
import { AppError } from '../../src/errors.ts';
import { createPasswordTokens } from '../../src/oidc/upstream/password-tokens.ts';

const signedIn = {
  account: { sub: 'alice' },
  source: 'corp',
  grant: { tokens: { accessToken: 'token' } },
} as unknown as SignedIn; // the rest is not looked at

describe('tokens that an upstream gave for a password', () => {
  it('are refused by the store with its own error, which the login API answers outside of the provider', async () => {
    const outage = new AppError('unavailable', 'The store does not answer');
    const tokens = createPasswordTokens({
      upstreamTokens: { keep: () => Promise.reject(outage) },
      connectors: [],
    });
    await expect(tokens.keep(signedIn)).rejects.toBe(outage);
  });
});
