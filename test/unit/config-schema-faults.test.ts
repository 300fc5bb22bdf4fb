import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { parseBySchema } from '../../src/config/parsing/schema-faults.ts';

/** How a message names what is wrong, by the path; the walk to it is over zod 4's public schema classes. */
const faultsOf = (schema: z.ZodType, value: unknown): Readonly<Record<string, string>> => {
  const parsed = parseBySchema(schema, value);
  if (parsed.ok) return {};
  return Object.fromEntries(parsed.faults.map(({ path, message }) => [path.join('.'), message]));
};

const options = z.strictObject({ colour: z.string().optional(), size: z.int().optional() });
const misspelt = { colur: 'red' };
const meantColour = 'is not a known key; did you mean colour?';

describe('an unknown key gets the known ones of its own mapping', () => {
  it.each([
    ['a mapping', options],
    ['an optional one', options.optional()],
    ['one with a default', options.default({})],
    ['one with a default that is parsed', options.prefault({})],
    ['one that may not be changed', options.readonly()],
    ['one that is transformed', options.transform((value) => value.colour)],
    [
      'all of these',
      options
        .transform((value) => value.size)
        .optional()
        .prefault({})
        .readonly(),
    ],
    ['the only mapping of a union', z.union([z.string(), options.optional()])],
  ])('in %s', (_name, schema) => {
    const [inMapping, inList, inRecord] = [
      z.strictObject({ it: schema }),
      z.array(schema),
      z.record(z.string(), schema),
    ];
    expect(faultsOf(inMapping, { it: misspelt })).toEqual({ 'it.colur': meantColour });
    expect(faultsOf(inList, [misspelt])).toEqual({ '0.colur': meantColour });
    expect(faultsOf(inRecord, { any: misspelt })).toEqual({ 'any.colur': meantColour });
  });

  it('lists them in order where none is near', () => {
    expect(faultsOf(options, { weight: 1 })).toEqual({
      weight: 'is not a known key; remove it, or write one of colour, size',
    });
    expect(faultsOf(z.strictObject({}), { weight: 1 })).toEqual({
      weight: 'is not a known key; remove it',
    });
  });
});

describe('a union of mappings', () => {
  const kinds = z.union(
    [
      z.strictObject({ type: z.literal('file'), path: z.string() }),
      z.strictObject({ type: z.literal('web'), url: z.string(), tls: options.prefault({}) }),
      z.strictObject({ preset: z.string(), url: z.string() }).transform(({ url }) => url),
    ],
    { error: 'is of no known kind' },
  );

  it('speaks for the option whose fixed word is there', () => {
    expect(faultsOf(kinds, { type: 'file', url: 'x' })).toEqual({
      path: 'is missing; write text',
      url: 'is not a known key; remove it, or write one of path, type',
    });
    expect(faultsOf(kinds, { type: 'web', url: 'x', tls: misspelt })).toEqual({ 'tls.colur': meantColour });
  });

  it('speaks for the option whose first key is there', () => {
    expect(faultsOf(kinds, { preset: 7 })).toEqual({
      preset: 'is a whole number; write text, in quotes',
      url: 'is missing; write text',
    });
  });

  it.each([{}, { type: 'disk' }, { url: 'x' }, 'file', [misspelt], 7])('%j is of none', (value) => {
    expect(faultsOf(kinds, value)).toEqual({ '': 'is of no known kind' });
  });
});
