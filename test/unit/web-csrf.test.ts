import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createCsrf, isCrossSite } from '../../src/web/csrf.ts';

const key = randomBytes(32);
const csrf = createCsrf(key);
const binding = { tenant: 'acme', uid: 'u1', cookie: 'c1' };

describe('a token of a form', () => {
  it('is good for its own form, on every instance with the key', () => {
    expect(csrf.verify(binding, csrf.token(binding))).toBe(true);
    expect(createCsrf(key).verify(binding, csrf.token(binding))).toBe(true);
  });

  it('is worth nothing at another tenant, sign-in or browser, or under another key', () => {
    const token = csrf.token(binding);
    for (const other of [
      { tenant: 'default' },
      { uid: 'u2' },
      { cookie: 'c2' },
      { tenant: 'acm', uid: 'eu1' },
    ]) {
      expect(csrf.verify({ ...binding, ...other }, token)).toBe(false);
    }
    expect(createCsrf(randomBytes(32)).verify(binding, token)).toBe(false);
  });

  it('must be there, whole and unchanged', () => {
    const token = csrf.token(binding);
    for (const wrong of [undefined, '', 'x', token.slice(1), `${token}AAAA`, token.toUpperCase()]) {
      expect(csrf.verify(binding, wrong)).toBe(false);
    }
  });

  it('is never good for a browser without a cookie', () => {
    const bare = { ...binding, cookie: '' };
    expect(csrf.verify(bare, csrf.token(bare))).toBe(false);
  });
});

describe('a form sent from another site', () => {
  it.each([
    [true, { 'sec-fetch-site': 'cross-site' }],
    [true, { 'sec-fetch-site': 'same-site' }],
    [true, { 'sec-fetch-site': 'anything new' }],
    [false, { 'sec-fetch-site': 'same-origin' }],
    [false, { 'sec-fetch-site': 'none' }],
    [true, { host: 'login.example', origin: 'https://evil.example' }],
    [true, { host: 'login.example', origin: 'https://login.example.evil.example' }],
    [true, { host: 'login.example', origin: 'https://login.example:8443' }],
    [false, { host: 'login.example', origin: 'https://login.example' }],
    [false, { host: 'login.example', origin: 'null' }],
    [false, { host: 'login.example:443', origin: 'https://login.example' }],
    [false, { host: 'LOGIN.example', origin: 'https://login.example:443' }],
    [false, { host: 'login.example:80', origin: 'http://login.example' }],
    [false, { host: '[0::1]:3000', origin: 'http://[::1]:3000' }],
    [true, { host: 'login.example:80', origin: 'https://login.example' }],
    [true, { host: 'login.example', origin: 'https://login.example/' }],
    [true, { host: 'login.example', origin: 'app://login.example' }],
    [false, { host: 'login.example' }],
  ])('is %s for %j', (expected, headers) => {
    expect(isCrossSite(headers)).toBe(expected);
  });
});
