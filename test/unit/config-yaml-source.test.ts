import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { parseYaml } from '../../src/config/parsing/yaml-source.ts';

const faultsOf = (text: string): readonly string[] => {
  const source = parseYaml(text, 'a.yaml');
  return 'faults' in source ? source.faults.map(formatFault) : [];
};
const readYaml = (text: string): unknown => {
  const source = parseYaml(text, 'a.yaml');
  if ('faults' in source) throw new Error(source.faults.map(formatFault).join('\n'));
  return source.value;
};

describe('parseYaml', () => {
  it('reads YAML 1.2, in which no is a word', () => {
    expect(readYaml('a: no\nb: [1, 1.5, true, "x"]\nc: 2027-01-31\n')).toEqual({
      a: 'no',
      b: [1, 1.5, true, 'x'],
      c: '2027-01-31',
    });
  });

  it('takes a key with nothing behind it for absent', () => {
    expect(readYaml('a:\nb:\n  c:\n  d: 1\n')).toEqual({ b: { d: 1 } });
  });

  it('knows where values, keys and missing things are', () => {
    const source = parseYaml(
      'a:\n  b: 1\n  list:\n    - c: [x, yy]\n      d: &anchor { e: 2 }\nf: *anchor\n',
      'a.yaml',
    );
    if ('faults' in source) throw new Error('should parse');
    const at = (path: readonly (string | number)[], atKey = false) => {
      const { line, column } = source.toFault({ path, message: '', atKey });
      return [line, column];
    };
    expect(at(['a', 'b'])).toEqual([2, 6]);
    expect(at(['a', 'b'], true)).toEqual([2, 3]);
    expect(at(['a', 'list', 0, 'c', 1])).toEqual([4, 14]);
    expect(at(['a', 'list', 0, 'missing'])).toEqual([4, 7]);
    expect(at(['a', 'missing'])).toEqual([1, 1]);
    expect(at(['f', 'e'])).toEqual([5, 23]);
    expect(at([])).toEqual([1, 1]);
  });

  it('refuses a key given twice, a tag, a second document and a tab, each at its place', () => {
    expect(faultsOf('a: 1\nb: 2\na: 3\n')).toEqual([
      'a.yaml:3:1: this key was given before; keep one of them',
    ]);
    expect(faultsOf('a: !!js/function "x"\n')).toEqual([
      'a.yaml:1:4: tags (!name) are not allowed; remove this one',
    ]);
    expect(faultsOf('a: 1\n---\nb: 2\n')).toEqual([
      'a.yaml:2:1: a file holds one document; remove the --- line',
    ]);
    expect(faultsOf('a:\n\tb: 1\n')[0]).toBe('a.yaml:2:1: tabs cannot indent YAML; use two spaces a level');
  });

  it('refuses keys that reach into objects, and pollutes nothing', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', '"__proto__"', '? __proto__\n'])
      expect(faultsOf(`a:\n  ${key}: { polluted: 1 }\n`)).not.toEqual([]);
    expect({}).not.toHaveProperty('polluted');
    expect(faultsOf('a:\n  __proto__: 1\n')).toEqual([
      'a.yaml:2:3: the key __proto__ is not allowed; remove it',
    ]);
  });

  it('refuses a bomb of aliases, and aliases that are circular or unknown', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i += 1)
      bomb.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    for (const text of [bomb.join('\n'), 'a: &x [*x]\n', 'a: &x { b: *x }\n', 'a: *nowhere\n'])
      expect(faultsOf(text)).toEqual([expect.stringContaining('uses YAML aliases')]);
  });

  it.each(['[', '{a: ', '- ', '? ', '[{a: '])('refuses %j repeated without end', (piece) => {
    for (const times of [25, 200, 5000, 50_000])
      expect(faultsOf(piece.repeat(times)).join()).toMatch(/nested deeper|missing|does not|indentation/);
  });

  it('refuses deep nesting that is right otherwise', () => {
    const nested = (depth: number) => `a: ${'['.repeat(depth)}${']'.repeat(depth)}\n`;
    expect(faultsOf(nested(15))).toEqual([]);
    expect(faultsOf(nested(100))).toEqual(['a.yaml: is nested deeper than 20 levels; flatten it']);
  });

  it('refuses more than a mebibyte', () => {
    expect(faultsOf(`a: ${'ä'.repeat(600_000)}`)).toEqual([expect.stringContaining('is larger than 1 MiB')]);
  });

  it('never repeats what is in the file', () => {
    const texts = [
      'a: "hush\n',
      'a: b: hush\n',
      '"k" "hush"\n',
      '[hush\n',
      'a: @hush\n',
      "a: 'x' hush\n",
      'a: "\\qhush"\n',
    ];
    for (const text of texts) {
      expect(faultsOf(text)).not.toEqual([]);
      expect(faultsOf(text).join()).not.toContain('hush');
    }
  });

  it('never throws, whatever the text', () => {
    const yamlish = fc
      .array(
        fc.constantFrom(
          'a',
          ': ',
          '- ',
          '\n',
          '  ',
          '[',
          ']',
          '{',
          '}',
          '&a ',
          '*a',
          '"',
          "'",
          '|',
          '>',
          '#',
          '? ',
          '!x ',
          '%',
          '---\n',
          '<<: ',
          '\t',
          '1',
          '~',
        ),
      )
      .map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.oneof(yamlish, fc.string({ unit: 'binary' })), (text) => {
        const source = parseYaml(text, 'a.yaml');
        expect('faults' in source ? source.faults.length : 1).toBeGreaterThan(0);
        if (!('faults' in source))
          expect(source.toFault({ path: ['a', 0, 'b'], message: 'x' }).line).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a value that YAML reads as another', () => {
  const hash =
    'what follows the # is a comment in YAML and is lost; put the value in quotes, or write a space behind the #';
  it.each([
    ['color: #1d4ed8\n', `a.yaml:1:8: ${hash}`],
    ['a:\n  - #x\n  - y\n', `a.yaml:2:5: ${hash}`],
    ['a: { name: Team #1\n }\n', `a.yaml:1:12: ${hash}`],
    ['code: 0123\n', 'a.yaml:1:7: is read as the number 123; write 123, or put it in quotes if it is text'],
    ['v: [1.10]\n', 'a.yaml:1:5: is read as the number 1.1; write 1.1, or put it in quotes if it is text'],
    [
      'id: 12345678901234567890\n',
      'a.yaml:1:5: is read as the number 12345678901234567000; write 12345678901234567000, or put it in quotes if it is text',
    ],
  ])('%j is a fault', (text, fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });

  it.each([
    ['a: # a comment\n  b: 1\n', { a: { b: 1 } }],
    ['a: b # a comment\n', { a: 'b' }],
    ['port: 3000 #usual\n', { port: 3000 }],
    ['a: "#1d4ed8" #blue\n', { a: '#1d4ed8' }],
    ['a: b#c\n', { a: 'b#c' }],
    ['a:\n#b: 1\nc: 1\n', { c: 1 }],
    ['a: x ####\n', { a: 'x' }],
    ['a: "0123"\nb: -1\nc: 0.5\n', { a: '0123', b: -1, c: 0.5 }],
  ])('%j is none', (text, value) => {
    expect(readYaml(text)).toEqual(value);
  });

  it('is a character of another encoding, at its place', () => {
    const latin1 = Buffer.from('a: 1\nname: Müller\n', 'latin1').toString('utf8');
    expect(faultsOf(latin1)).toEqual([
      'a.yaml:2:8: holds a character that is not UTF-8; save the file in UTF-8 (it may be in ISO 8859-1 or Windows-1252)',
    ]);
  });

  it('knows the keys with nothing behind them', () => {
    const source = parseYaml('a:\nb:\n  - c:\n    d: 1\ne: ~\nf: null\n', 'a.yaml');
    expect('faults' in source ? source : source.emptyKeys).toEqual([['a'], ['b', 0, 'c']]);
  });
});
