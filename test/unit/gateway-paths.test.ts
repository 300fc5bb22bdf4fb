import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readPath } from '../../src/gateway/decision/path-readings.ts';

const canonicalOf = (path: string): string | undefined => readPath(path)?.canonical;
const readingsOf = (path: string): readonly string[] => readPath(path)?.readings ?? [];

describe('the canonical form of a path', () => {
  it.each([
    ['/', '/'],
    ['/orders/7', '/orders/7'],
    ['/orders/', '/orders/'],
    ['/%6Frders/%7e', '/orders/~'],
    ['/a%2fb%c3%bc', '/a%2Fb%C3%BC'],
    ['//a///b', '/a/b'],
    ['/a/./b/../c', '/a/c'],
    ['/a/%2e%2E/b', '/b'],
    ['/a//../b', '/b'],
    ['/..', '/'],
    ['/../../a', '/a'],
    ['/a/.', '/a/'],
    ['/a/b/..', '/a/'],
    ['/...', '/...'],
    ['/a;v=1/b', '/a;v=1/b'],
    ["/a:@!$&'()*+,=", "/a:@!$&'()*+,="],
    ['/a%20b', '/a%20b'],
  ])('of %s is %s', (path, canonical) => {
    expect(canonicalOf(path)).toBe(canonical);
  });

  it.each([
    '',
    'orders',
    'http://orders.example.com/a',
    '*',
    '/a b',
    '/a\tb',
    '/a\u0000',
    '/a\u007f',
    '/ü',
    '/a\\b',
    '/a#b',
    '/a?b',
    '/%',
    '/%2',
    '/%zz',
    '/%u002e',
    '/%00',
    '/%0d%0aX-Auth-User:%20admin',
    '/%7f',
    '/%5c..%5cadmin',
    '/%5Cadmin',
    // overlong UTF-8 for a dot and a slash, a lone continuation, Latin-1
    '/%c0%ae%c0%ae/admin',
    '/%c0%af',
    '/%80',
    '/%e9',
    `/${'a'.repeat(8192)}`,
  ])('is not made of %j', (path) => {
    expect(readPath(path)).toBeUndefined();
  });

  it('has at most 8 KiB', () => {
    expect(canonicalOf(`/${'a'.repeat(8191)}`)).toHaveLength(8192);
    expect(readPath(`/${'%41'.repeat(2731)}`)).toBeUndefined();
  });
});

describe('the readings of a path', () => {
  it.each([
    ['dot segments', '/public/../admin', ['/admin', '/public/../admin']],
    ['encoded dot segments', '/public/%2e%2e/admin', ['/admin', '/public/../admin']],
    ['doubled slashes', '//admin', ['/admin', '//admin']],
    ['what URL parsers take for a host', '//public/admin', ['/public/admin', '//public/admin', '/admin']],
    ['an empty segment before dots', '/a//../admin', ['/admin', '/a//../admin', '/a/admin']],
    ['parameters', '/admin;x=1/users;y', ['/admin;x=1/users;y', '/admin/users']],
    ['parameters on dots', '/public/..;/admin', ['/public/..;/admin', '/admin']],
    ['a parameter that is a segment before dots', '/a/;x/../admin', ['/a/admin', '/a/;x/../admin', '/admin']],
    ['an encoded slash', '/public%2Fadmin', ['/public%2Fadmin', '/public/admin']],
    ['encoded slashes with dots', '/public/..%2fadmin', ['/public/..%2Fadmin', '/admin']],
    ['a letter that is encoded twice', '/%2561dmin', ['/%2561dmin', '/admin']],
    ['a letter that is encoded three times', '/%252561dmin', ['/%252561dmin', '/%2561dmin', '/admin']],
    ['a letter beyond ASCII that is encoded twice', '/%25c3%25a4rger', ['/%25c3%25a4rger', '/%C3%A4rger']],
    ['half of one that is encoded twice', '/%25C3x', ['/%25C3x']],
    ['a space that is encoded twice', '/a%2520b', ['/a%2520b', '/a%20b']],
    ['an encoded question mark', '/admin%3F/../public', ['/public', '/admin']],
    ['an encoded number sign', '/admin%23/../public', ['/public', '/admin']],
    ['an encoded semicolon', '/admin%3Bx', ['/admin%3Bx', '/admin;x', '/admin']],
    ['an escape in an escape', '/public/%252e%252e/admin', ['/public/%252e%252e/admin', '/admin']],
    ['a slash in an escape', '/public%252fadmin', ['/public%252fadmin', '/public/admin']],
    ['a backslash in an escape', '/public%255cadmin', ['/public%255cadmin', '/public/admin']],
    ['a semicolon in an escape', '/admin%253bx', ['/admin%253bx', '/admin']],
    ['a slash behind a parameter', '/a;x%2F..%2Fadmin', ['/a;x%2F..%2Fadmin', '/a', '/admin']],
  ])('hold what may be made of %s', (_, path, expected) => {
    expect(readingsOf(path)).toEqual(expect.arrayContaining(expected));
  });

  it('begin with the canonical form', () => {
    expect(readingsOf('/public/..;/a//b')[0]).toBe('/public/..;/a/b');
  });

  it('are too many to judge in a path that is made for it', () => {
    const made = '/a;x%2F..%2Fb/..;//c%253b/d/..%2F;..//e%252f..;%253b/.;/';
    expect(readPath(made.repeat(100))).toBeUndefined();
  });

  const word = fc.stringMatching(/^[A-Za-z0-9_~-][A-Za-z0-9._~:@!$&'()*+,=-]{0,8}$/);
  const plainPath = fc
    .tuple(fc.array(word, { maxLength: 8 }), fc.boolean())
    .map(([segments, isOpen]) => `/${segments.join('/')}${isOpen && segments.length > 0 ? '/' : ''}`);
  const trickyPath = fc
    .array(
      fc.oneof(
        word,
        fc.constantFrom(
          '/',
          '//',
          '.',
          '..',
          ';',
          '%2e',
          '%2F',
          '%2f',
          '%3B',
          '%41',
          '%C3%BC',
          '%25',
          '%3F',
          '%23',
        ),
        fc.constantFrom('/../', '/./', '%252e', '%252F', '%255c', '%253B', '/..;', '%20'),
      ),
      { maxLength: 12 },
    )
    .map((parts) => `/${parts.join('')}`);

  it('are the path alone where it is plain', () => {
    fc.assert(
      fc.property(plainPath, (path) => {
        expect(readPath(path)).toEqual({ canonical: path, readings: [path] });
      }),
    );
  });

  it('have a canonical form that stays as it is', () => {
    fc.assert(
      fc.property(trickyPath, (path) => {
        const canonical = canonicalOf(path);
        fc.pre(canonical !== undefined);
        expect(canonicalOf(canonical)).toBe(canonical);
        expect(canonical).not.toMatch(/\/\/|\/\.\.?(?:\/|$)/);
      }),
      { numRuns: 500 },
    );
  });

  it('hold no dot segments but in the path as it was sent', () => {
    fc.assert(
      fc.property(trickyPath, (path) => {
        const sent = path.replace(/%2e/g, '.').replace(/%41/g, 'A').replace(/%2f/g, '%2F');
        for (const reading of readingsOf(path))
          if (reading !== sent) expect(reading).not.toMatch(/\/\.\.?(?:\/|$)/);
      }),
      { numRuns: 500 },
    );
  });

  it('do not depend on how letters and dots are escaped', () => {
    fc.assert(
      fc.property(trickyPath, (path) => {
        const escaped = path.replace(
          /(?<!%|%.)[a-z.](?![0-9A-F])/g,
          (letter) => `%${letter.charCodeAt(0).toString(16)}`,
        );
        fc.pre(escaped.length < 8000 && !/%25[%2-7]/.test(escaped));
        expect(readPath(escaped)).toEqual(readPath(path));
      }),
      { numRuns: 500 },
    );
  });
});
