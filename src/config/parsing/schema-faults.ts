import { z } from 'zod';
import { emptyValueFaults } from './empty-keys.ts';
import type { FaultPath, PathFault } from './fault.ts';
import { findNearest } from './nearest.ts';
import { findMeantIndex, findMeantOption, schemaAtPath } from './schema-at-path.ts';

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly PathFault[] };

/** Parses, and words each fault so that an operator can act on it. No value is repeated: it may be a secret. */
export const parseBySchema = <S extends z.ZodType>(schema: S, value: unknown): Parsed<z.output<S>> => {
  const result = schema.safeParse(value, { error: explain });
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, faults: result.error.issues.flatMap((issue) => toPathFaults(schema, value, issue)) };
};

/** The same for a file in YAML, in which a value may be missing behind its key. */
export const parseYamlBySchema = <S extends z.ZodType>(
  schema: S,
  { value, emptyKeys }: { readonly value: unknown; readonly emptyKeys: readonly FaultPath[] },
): Parsed<z.output<S>> => {
  const parsed = parseBySchema(schema, value);
  const known = new Set(parsed.ok ? [] : parsed.faults.map(({ path }) => path.join('.')));
  const empty = emptyValueFaults({ schema, value }, emptyKeys).filter(
    ({ path }) => !known.has(path.join('.')),
  );
  if (empty.length === 0) return parsed;
  return { ok: false, faults: [...(parsed.ok ? [] : parsed.faults), ...empty] };
};

const toPathFaults = (schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue): readonly PathFault[] => {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'invalid_union') {
    const meant = issuesOfMeantOption(issue, schemaAtPath({ schema, value }, path));
    // only the faults of the option that was meant are of use
    if (meant !== undefined)
      return meant.flatMap((inner) =>
        toPathFaults(schema, value, { ...inner, path: [...path, ...inner.path] }),
      );
  }
  if (issue.code === 'unrecognized_keys') {
    const place = schemaAtPath({ schema, value }, path);
    const mapping = findMeantOption(place.schema, place.value);
    const known = mapping instanceof z.ZodObject ? Object.keys(mapping.shape) : [];
    return issue.keys.map((key) => ({ path: [...path, key], atKey: true, message: unknownKey(key, known) }));
  }
  return [{ path, message: issue.message }];
};

const issuesOfMeantOption = (
  { errors }: z.core.$ZodIssueInvalidUnion,
  { schema, value }: ReturnType<typeof schemaAtPath>,
): readonly z.core.$ZodIssue[] | undefined =>
  schema instanceof z.ZodUnion ? errors[findMeantIndex(schema.options, value)] : undefined;

const unknownKey = (key: string, known: readonly string[]): string => {
  const nearest = findNearest(key, known);
  if (nearest !== undefined) return `is not a known key; did you mean ${nearest}?`;
  return known.length === 0
    ? 'is not a known key; remove it'
    : `is not a known key; remove it, or write one of ${[...known].sort().join(', ')}`;
};

/** Messages for the faults that a schema does not word itself. */
const explain = (issue: z.core.$ZodRawIssue): string | undefined => {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = typeWords[issue.expected] ?? issue.expected;
      if (issue.input === undefined || issue.input === null) return `is missing; write ${wanted}`;
      // YAML reads 0123, 1.0 and true without quotes as other things than text
      if (issue.expected === 'string' && ['number', 'boolean'].includes(typeof issue.input))
        return `is ${kindOf(issue.input)}; write text, in quotes`;
      return `is ${kindOf(issue.input)}; write ${wanted}`;
    }
    case 'invalid_value':
      return `is not one of the known values; write ${issue.values.map(String).join(' or ')}`;
    case 'too_small': {
      const { small, unit } = sizeWords(issue.origin);
      return `is too ${small}; write at least ${issue.minimum}${unit}`;
    }
    case 'too_big': {
      const { big, unit } = sizeWords(issue.origin);
      return `is too ${big}; write at most ${issue.maximum}${unit}`;
    }
    case 'invalid_key':
      return issue.issues[0]?.message;
    default:
      return undefined;
  }
};

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list (lines that begin with "- ")',
  object: 'a mapping (lines of "key: value")',
  record: 'a mapping (lines of "key: value")',
};

const sizeWords = (
  origin: string,
): { readonly small: string; readonly big: string; readonly unit: string } => {
  if (origin === 'string') return { small: 'short', big: 'long', unit: ' characters' };
  if (origin === 'array') return { small: 'short', big: 'long', unit: ' entries' };
  return { small: 'small', big: 'large', unit: '' };
};

const kindOf = (value: unknown): string => {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number';
  return typeof value === 'boolean' ? 'true or false' : 'text';
};
