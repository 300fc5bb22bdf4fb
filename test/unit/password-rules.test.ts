import { describe, expect, it } from '@jest/globals';
import { faultOfPassword } from '../../src/accounts/password-rules.ts';

describe('a new password', () => {
  it.each([
    'lantern orbit mosaic',
    'k7!pq-Zw29xL',
    'über den Wolken',
    'adminton racket club',
    '🦊🐢🦉🐙🦀🐝🦋🐌🐞🦎🐍🦖',
    'x9x9x9x9lantern-orbit',
  ])('may be %s', (password) => {
    expect(faultOfPassword(password, ['alice', 'alice@acme.example'])).toBeUndefined();
  });

  it.each([
    ['elevenchars', /too short/],
    ['🦊'.repeat(11), /too short/],
    [`${'lantern orbit '.repeat(10)}`, /too long/],
    ['lantern\torbit mosaic', /control characters/],
    ['passwordpassword', /easy to guess/],
    ['Password12345', /easy to guess/],
    ['123456789012', /easy to guess/],
    ['qwertyuiop1234', /easy to guess/],
    ['aaaaaaaaaaaaaaaa', /easy to guess/],
    ['abababababababab', /easy to guess/],
    ['alice@acme.example', /easy to guess/],
    ['AliceAlice2024', /easy to guess/],
  ])('may not be %s', (password, fault) => {
    expect(faultOfPassword(password, ['alice', 'alice@acme.example'])).toMatch(fault);
  });
});
