import { describe, expect, it } from '@jest/globals';
import { guidBytes, guidText, sidText } from '../../src/connectors/ldap/binary-values.ts';
import { escapeDnValue, firstRdn, normalizeDn } from '../../src/connectors/ldap/distinguished-name.ts';
import { fillDn, fillFilter, filterForAnyName } from '../../src/connectors/ldap/filters.ts';

describe('distinguished names', () => {
  it('hold any value (RFC 4514 section 2.4)', () => {
    for (const value of [
      'a,ou=x',
      'a+b',
      '"',
      '\\',
      '<>;=',
      ' a ',
      '#a',
      'jörg',
      ' ',
      'a\0b',
      '\\,',
      'a\\',
      '\\ ',
      '# ',
      '  ',
    ])
      expect(firstRdn(`cn=${escapeDnValue(value)},dc=example`)).toEqual({ type: 'cn', value });
    expect(fillDn('uid={username},ou=people', 'a,ou=admins')).toBe('uid=a\\,ou\\=admins,ou=people');
    expect(fillDn('uid={username}', '$&')).toBe('uid=$&');
  });

  it('give the name of their entry', () => {
    expect(firstRdn('CN=Sales\\2C North\\2B,OU=x')).toEqual({ type: 'CN', value: 'Sales, North+' });
    expect(firstRdn('CN=J\\C3\\B6rg,OU=x').value).toBe('Jörg');
    expect(firstRdn('cn=a+sn=b,ou=x').value).toBe('a');
  });

  it('are the same in other spellings', () => {
    expect(normalizeDn('CN=A\\, B, OU = People')).toBe(normalizeDn('cn=a\\2c b,ou=people'));
    expect(normalizeDn('cn=a,ou=b')).not.toBe(normalizeDn('cn=a\\,ou\\=b'));
  });
});

describe('filters', () => {
  it('hold any name (RFC 4515)', () => {
    expect(`${fillFilter('(uid={username})', '*)(uid=*\\\0')}`).toBe('(uid=\\2a\\29\\28uid=\\2a\\5c\\00)');
    expect(`${fillFilter('(|(uid={username})(mail={username}))', '$&')}`).toBe('(|(uid=$&)(mail=$&))');
  });

  it('go on asking for the rest when there is no name', () => {
    expect(`${filterForAnyName('(&(a=b)(|(uid={username})(mail={username})))')}`).toBe(
      '(&(a=b)(|(uid=*)(mail=*)))',
    );
    expect(filterForAnyName('(uid:caseExactMatch:={username})')).toBeUndefined();
    expect(filterForAnyName('(uid~={username})')).toBeUndefined();
  });

  it('that are none are the operator’s to mend', () => {
    expect(() => fillFilter('((uid={username})', 'a')).toThrow(
      expect.objectContaining({ code: 'unavailable' }),
    );
  });
});

describe('binary values of Active Directory', () => {
  const bytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

  it('are the text that its own tools show', () => {
    expect(guidText(bytes)).toBe('33221100-5544-7766-8899-aabbccddeeff');
    expect(sidText(Buffer.from('010500000000000515000000010000000200000003000000f4010000', 'hex'))).toBe(
      'S-1-5-21-1-2-3-500',
    );
  });

  it('go back from text to the same bytes, and nothing else does', () => {
    expect(guidBytes('33221100-5544-7766-8899-aabbccddeeff')).toEqual(bytes);
    for (const text of ['', '33221100', '33221100-5544-7766-8899-aabbccddeefg', '*'])
      expect(guidBytes(text)).toBeUndefined();
    expect(guidText(Buffer.alloc(15))).toBeUndefined();
    expect(sidText(Buffer.alloc(3))).toBeUndefined();
  });
});
