import { describe, expect, it } from '@jest/globals';
import { keyHeadersIn, readCredential } from '../../src/accounts/presented-credential.ts';
import { newApiKey, writeApiKey } from '../../src/crypto/api-key.ts';
import { joinAuthorizations } from '../../src/web/authorization-headers.ts';

const read = (authorization: string) => readCredential({ authorization });
const base64 = (value: string | Buffer): string => Buffer.from(value).toString('base64');
const basic = (value: string | Buffer) => read(`Basic ${base64(value)}`);

const opaque = 'Zm9vYmFyYmF6cXV4LTAxMjM0NTY3ODkwMTIzNDU2Nzg';
const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';

describe('name and password', () => {
  it.each([
    ['alice:secret', 'alice', 'secret'],
    ['alice:with:more:colons', 'alice', 'with:more:colons'],
    ['jörg@example.com:pässwörd €', 'jörg@example.com', 'pässwörd €'],
    ['al%69ce:100%25+1', 'al%69ce', '100%25+1'],
    ['alice: ', 'alice', ' '],
  ])('splits %j at the first colon and decodes nothing further', (text, login, password) => {
    expect(basic(text)).toEqual({ kind: 'basic', login, password });
  });

  it('takes a line end behind the password for none of it', () => {
    const expected = { kind: 'basic', login: 'username', password: 'password' };
    expect(read('Basic dXNlcm5hbWU6cGFzc3dvcmQK')).toEqual(expected);
    expect(basic('username:password\r\n')).toEqual(expected);
    expect(basic('username:password\n\n')).toMatchObject({ kind: 'malformed' });
    expect(basic('username:\n')).toMatchObject({ kind: 'malformed', error: 'credentials' });
  });

  it('takes the scheme in any spelling', () => {
    const value = base64('alice:secret');
    const expected = { kind: 'basic', login: 'alice', password: 'secret' };
    for (const scheme of ['basic', 'BASIC', 'bAsIc']) expect(read(`${scheme} ${value}`)).toEqual(expected);
    expect(read(`Basic   ${value}`)).toEqual(expected);
  });

  it.each([
    ['no base64', 'Basic %%%'],
    ['base64 with a stray character', `Basic ${base64('alice:secret!').slice(0, 4)}*${base64('x:y')}`],
    ['base64 without its padding', `Basic ${base64('alice:secre').replace(/=+$/, '')}`],
    ['base64 with stray bits at its end', 'Basic YWxpY2U6c2VjcmV='],
    ['base64url', `Basic ${Buffer.from('alice:???>>>').toString('base64url')}`],
    ['nothing after the scheme', 'Basic'],
    ['only spaces after the scheme', 'Basic  '],
    ['no colon', `Basic ${base64('alice')}`],
    ['an empty name', `Basic ${base64(':secret')}`],
    ['a NUL in the name', `Basic ${base64('ali\u0000ce:secret')}`],
    ['a line break in the password', `Basic ${base64('alice:sec\nret')}`],
    ['a C1 control character', `Basic ${base64('alice:sec\u0085ret')}`],
    ['bytes that are no UTF-8', `Basic ${base64(Buffer.from([0x61, 0x3a, 0xff, 0xfe]))}`],
    ['an overlong encoding', `Basic ${base64(Buffer.from([0x61, 0x3a, 0xc0, 0xaf]))}`],
    ['1025 bytes', `Basic ${base64(`alice:${'x'.repeat(1019)}`)}`],
    ['two headers that became one', `Basic ${base64('alice:secret')}, Basic ${base64('bob:secret')}`],
    ['a second word', `Basic ${base64('alice:secret')} realm`],
    ['space in front', ` Basic ${base64('alice:secret')}`],
  ])('refuses %s', (_what, authorization) => {
    expect(read(authorization)).toMatchObject({ kind: 'malformed', error: 'invalid_request' });
    const scheme = authorization.startsWith(' ') ? 'Bearer' : 'Basic';
    expect(read(authorization)).toMatchObject({ scheme });
  });

  it('takes 1024 bytes', () => {
    expect(basic(`alice:${'x'.repeat(1018)}`)).toMatchObject({ kind: 'basic' });
  });

  it.each(['alice:', 'eyJ:', 'eyJ.x:', `${opaque.slice(1)}:`, `${opaque}x:`, `${opaque.slice(1)}+:`])(
    'refuses %j, whose password is empty',
    (text) => {
      expect(basic(text)).toMatchObject({ kind: 'malformed', scheme: 'Basic', error: 'credentials' });
    },
  );

  it.each([opaque, jwt])('takes the token %s in place of the name, without a password', (token) => {
    expect(basic(`${token}:`)).toEqual({ kind: 'bearer', token, scheme: 'Basic' });
    expect(basic(`${token}:secret`)).toMatchObject({ kind: 'basic', login: token });
  });
});

describe('bearer', () => {
  it.each([opaque, jwt, 'abc-._~+/12=='])('takes %s', (token) => {
    expect(read(`Bearer ${token}`)).toEqual({ kind: 'bearer', token, scheme: 'Bearer' });
    expect(read(`bearer ${token}`)).toEqual({ kind: 'bearer', token, scheme: 'Bearer' });
  });

  it.each([
    ['no token', 'Bearer'],
    ['an empty token', 'Bearer '],
    ['two tokens', `Bearer ${opaque} ${opaque}`],
    ['two headers that became one', `Bearer ${opaque}, Bearer ${opaque}`],
    ['a character that no token has', 'Bearer abc"def'],
    ['padding in the middle', 'Bearer abc=def'],
    ['8193 characters', `Bearer ${'x'.repeat(8193)}`],
    ['an unknown scheme', 'Digest username=alice'],
    ['a scheme of its own', `Token ${opaque}`],
    ['no scheme', opaque],
    ['nothing at all', ''],
    ['only a space', ' '],
  ])('refuses %s', (_what, authorization) => {
    expect(read(authorization)).toMatchObject({
      kind: 'malformed',
      scheme: 'Bearer',
      error: 'invalid_request',
    });
  });
});

it('sees nothing where nothing is presented', () => {
  expect(readCredential({})).toEqual({ kind: 'none' });
});

it('sees two headers that Node shows as one, and refuses them', () => {
  const [first, second] = [`Basic ${base64('alice:secret')}`, `Bearer ${opaque}`];
  const rawHeaders = ['Authorization', first, 'Cookie', 'a=b', 'AUTHORIZATION', second];
  const readJoined = (sent: readonly string[]) => {
    const headers = { authorization: first, cookie: 'a=b' };
    joinAuthorizations({ headers, rawHeaders: [...sent] });
    return readCredential(headers);
  };
  expect(readJoined(rawHeaders)).toMatchObject({ kind: 'malformed', scheme: 'Basic' });
  expect(readJoined(rawHeaders.slice(0, 4))).toMatchObject({ kind: 'basic', login: 'alice' });
});

it('repeats nothing of what was presented in a description', () => {
  for (const authorization of [`Basic ${base64('alice')}`, `Bearer ${jwt}"`, `Token ${opaque}`]) {
    const { description } = read(authorization) as { description: string };
    expect(description).not.toMatch(/alice|eyJ|Zm9v/);
  }
});

describe('an API key', () => {
  const key = writeApiKey(newApiKey());
  const [publicId = '', secret = ''] = [key.slice(0, 19), key.slice(20)];

  it.each(['db_admin', 'db_Sommer_2024', 'db_', `db_${'x'.repeat(40)}`])(
    'is not the password %s of somebody',
    (password) => {
      expect(basic(`alice:${password}`)).toEqual({ kind: 'basic', login: 'alice', password });
    },
  );

  it('is not an opaque token that happens to begin alike', () => {
    const token = `db_${opaque.slice(3)}`;
    expect(read(`Bearer ${token}`)).toMatchObject({ kind: 'bearer', token });
    expect(basic(`${token}:`)).toMatchObject({ kind: 'bearer', token });
  });

  it.each([key.slice(1), key.slice(0, -2), `${key}xy`, key.replace(/_/g, '-')])(
    'is none without its beginning, and is one with too few or too many characters: %s',
    (typed) => {
      const kind = typed.startsWith('db_') ? 'apiKey' : 'basic';
      expect(basic(`alice:${typed}`)).toMatchObject({ kind });
    },
  );

  it.each([
    ['whole', { 'x-api-key': key }, key],
    ['in two halves', { 'x-api-key': publicId, 'x-api-secret': secret }, key],
    ['without its second half', { 'x-api-key': publicId }, publicId],
    // Node joins headers of the same name
    [
      'in two halves, each twice',
      { 'x-api-key': `${publicId}, ${publicId}`, 'x-api-secret': `${secret}, ${secret}` },
      `${publicId}, ${publicId}_${secret}, ${secret}`,
    ],
  ])('in headers of its own, %s, is judged and kept from the service', (_what, headers, read) => {
    expect(readCredential(headers)).toEqual({ kind: 'apiKey', key: read, scheme: 'Bearer' });
    expect(keyHeadersIn(headers)).toEqual(['x-api-key', 'x-api-secret']);
  });

  it('of another program is left to the service', () => {
    const headers = { 'x-api-key': 'sk_live_1', 'x-api-secret': 's' };
    expect(readCredential(headers)).toEqual({ kind: 'none' });
    expect(keyHeadersIn(headers)).toEqual([]);
  });
});
