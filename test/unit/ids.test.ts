import { describe, expect, it } from '@jest/globals';
import { hashId, hashParts, hmac, isEqualConstantTime, randomId } from '../../src/crypto/ids.ts';

describe('randomId', () => {
  it('has the bytes asked for, in base64url', () => {
    expect(randomId()).toMatch(/^[\w-]{43}$/);
    expect(randomId(16)).toMatch(/^[\w-]{22}$/);
  });

  it('does not repeat', () => {
    expect(new Set(Array.from({ length: 10_000 }, () => randomId(16))).size).toBe(10_000);
  });
});

describe('hashId', () => {
  it('is SHA-256 in base64url', () => {
    expect(hashId('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });
});

describe('hashParts', () => {
  it('keeps the borders between parts', () => {
    expect(hashParts('ab', 'c')).not.toBe(hashParts('a', 'bc'));
    expect(hashParts('ab')).not.toBe(hashParts('ab', ''));
    expect(hashParts('1:a', 'b')).not.toBe(hashParts('1', 'a1:b'));
  });
});

describe('isEqualConstantTime', () => {
  it('distinguishes equal from different, for any length', () => {
    expect(isEqualConstantTime('secret', 'secret')).toBe(true);
    expect(isEqualConstantTime('secret', 'secreT')).toBe(false);
    expect(isEqualConstantTime('secret', 'secret-and-more')).toBe(false);
    expect(isEqualConstantTime('', '')).toBe(true);
  });
});

describe('hmac', () => {
  it('keeps the borders between parts', () => {
    expect(hmac('key', 'ab', 'c')).not.toBe(hmac('key', 'a', 'bc'));
    expect(hmac('key', 'ab')).not.toBe(hmac('key', 'ab', ''));
  });

  it('depends on the key and on nothing else', () => {
    expect(hmac('key', 'a', 'b')).toBe(hmac(Buffer.from('key'), 'a', 'b'));
    expect(hmac('key', 'a', 'b')).not.toBe(hmac('kez', 'a', 'b'));
  });
});
