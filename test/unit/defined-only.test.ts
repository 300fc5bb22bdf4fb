import { expect, it } from '@jest/globals';
import { definedOnly } from '../../src/defined-only.ts';

it('leaves out what is undefined, and nothing else', () => {
  const members = { absent: undefined, nothing: null, zero: 0, empty: '', no: false, given: 'x' };
  const defined = definedOnly(members);
  expect(Object.entries(defined)).toEqual([
    ['nothing', null],
    ['zero', 0],
    ['empty', ''],
    ['no', false],
    ['given', 'x'],
  ]);
  expect(Object.keys(members)).toContain('absent');
});

it('types what may be undefined as optional', () => {
  const given: string | undefined = process.argv[0];
  const defined: { readonly given?: string; readonly always: number } = definedOnly({ given, always: 1 });
  expect(defined).toEqual({ given, always: 1 });
});

it('does not reach into what the members hold', () => {
  const inner = { absent: undefined };
  expect(definedOnly({ inner }).inner).toBe(inner);
});
