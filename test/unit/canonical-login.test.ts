import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalLogin, domainOfLogin } from '../../src/protocol/canonical-login.ts';

describe('canonicalLogin', () => {
  it.each([
    ['Alice', 'alice'],
    ['  alice@Example.COM ', 'alice@example.com'],
    ['ﬁona', 'fiona'],
    ['Ａｌｉｃｅ', 'alice'],
    ['ＪÜRGEN', 'jürgen'],
    ['ju\u0308rgen', 'jürgen'],
    ['\u212Aelvin', 'kelvin'],
    // as they come along when a name is copied
    ['\u200Balice\u200B', 'alice'],
    ['alice\u00AD', 'alice'],
    ['\u202Aalice\u202C', 'alice'],
    ['\uFEFF \u2060alice\u00A0\u200E', 'alice'],
    ['alice\uFE0F\u3164', 'alice'],
    ['user@m\u00FCnchen.example', 'user@xn--mnchen-3ya.example'],
    ['User@XN--mnchen-3ya.example', 'user@xn--mnchen-3ya.example'],
    ['user@m\u00FC nchen', 'user@m\u00FC nchen'],
  ])('gives %j and its kin one spelling', (name, canonical) => {
    expect(canonicalLogin(name)).toBe(canonical);
  });

  it.each([
    '',
    '   ',
    '\u200B',
    '\u00AD ',
    'al\u00ADice',
    'al\uFE0Fice',
    'al\u3164ice',
    'al\u0000ice',
    'al\nice',
    'al\u200Bice',
    'al\u202Eice',
    'al\u2028ice',
    'al\uD800ice',
  ])('refuses %j', (name) => {
    expect(canonicalLogin(name)).toBeUndefined();
  });

  it('refuses names that are too long, before and after normalization', () => {
    expect(canonicalLogin('a'.repeat(256))).toBe('a'.repeat(256));
    expect(canonicalLogin('a'.repeat(257))).toBeUndefined();
    expect(canonicalLogin('\uFDFA'.repeat(200))).toBeUndefined();
  });

  it('changes nothing when applied again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (name) => {
        const once = canonicalLogin(name);
        if (once !== undefined) expect(canonicalLogin(once)).toBe(once);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('domainOfLogin', () => {
  it.each([
    ['Alice@Example.COM', 'example.com'],
    ['a@b@münchen.example', 'xn--mnchen-3ya.example'],
    ['alice', undefined],
    ['@alice', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('finds in %j the domain %j', (name, domain) => {
    expect(domainOfLogin(name)).toBe(domain);
  });
});
