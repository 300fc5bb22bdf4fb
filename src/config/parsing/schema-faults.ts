import type { z } from 'zod';
import type { FaultPath, PathFault } from './fault.ts';
import { findNearest } from './nearest.ts';

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly PathFault[] };

/**
 * Parses, and gives all that is wrong in words an operator can act on. No value is ever repeated in them, as it may
 * be a secret.
 */
export const parseBySchema = <S extends z.ZodType>(schema: S, value: unknown): Parsed<z.output<S>> => {
  const result = schema.safeParse(value, { error: explain });
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, faults: result.error.issues.flatMap((issue) => toPathFaults(schema, value, issue)) };
};

const toPathFaults = (schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue): readonly PathFault[] => {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'invalid_union') {
    const { node, value: inner } = nodeAt(schema, value, path);
    const meant = isUnionSchema(node) ? issue.errors[findMeant(node.options, inner)] : undefined;
    // Of a union, only the option that was meant has something to say.
    if (meant !== undefined)
      return meant.flatMap((one) => toPathFaults(schema, value, { ...one, path: [...path, ...one.path] }));
  }
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  const at = nodeAt(schema, value, path);
  const object = meantOption(at.node, at.value);
  const known = isObjectSchema(object) ? Object.keys(object.shape) : [];
  return issue.keys.map((key) => ({ path: [...path, key], atKey: true, message: unknownKey(key, known) }));
};

const unknownKey = (key: string, known: readonly string[]): string => {
  const nearest = findNearest(key, known);
  if (nearest !== undefined) return `is not a known key; did you mean ${nearest}?`;
  return known.length === 0
    ? 'is not a known key; remove it'
    : `is not a known key; remove it, or write one of ${[...known].sort().join(', ')}`;
};

/** Words for what a schema does not word itself. */
const explain = (issue: z.core.$ZodRawIssue): string | undefined => {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = typeWords[issue.expected] ?? issue.expected;
      if (issue.input === undefined || issue.input === null) return `is missing; write ${wanted}`;
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

/** What of the schema and of the value is at a path. */
const nodeAt = (
  schema: z.ZodType,
  value: unknown,
  path: FaultPath,
): { readonly node: unknown; readonly value: unknown } => {
  let node: unknown = unwrap(schema);
  let inner = value;
  for (const step of path) {
    const holder = meantOption(node, inner);
    if (isObjectSchema(holder)) node = unwrap(holder.shape[step]);
    else if (isRecordSchema(holder)) node = unwrap(holder.valueType);
    else node = isArraySchema(holder) ? unwrap(holder.element) : undefined;
    inner = (inner as Readonly<Record<string | number, unknown>> | null | undefined)?.[step]; // whatever it is, the schema looked there
  }
  return { node, value: inner };
};

const meantOption = (node: unknown, value: unknown): unknown =>
  isUnionSchema(node) ? unwrap(node.options[findMeant(node.options, value)]) : node;

/**
 * The option of a union that somebody had in mind: the only mapping, or the one whose first key is there and, where it
 * is a fixed word like `type`, has that value.
 * @returns its index, or -1
 */
const findMeant = (options: readonly unknown[], value: unknown): number => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return -1;
  const mappings = options.map(unwrap).map((option) => (isObjectSchema(option) ? option : undefined));
  const isOnly = mappings.filter((mapping) => mapping !== undefined).length === 1;
  return mappings.findIndex((mapping) => {
    if (mapping === undefined) return false;
    const [key = '', telling] = Object.entries(mapping.shape)[0] ?? [];
    if (isOnly) return true;
    if (!Object.hasOwn(value, key)) return false;
    return !isLiteralSchema(telling) || telling.values.has((value as Readonly<Record<string, unknown>>)[key]); // just found there
  });
};

const unwrap = (schema: unknown): unknown => {
  let inner = schema;
  for (;;) {
    if (hasMethod(inner, 'unwrap') && !isArraySchema(inner)) inner = inner.unwrap();
    else if (typeof inner === 'object' && inner !== null && 'in' in inner) inner = inner.in;
    else return inner;
  }
};

const hasMethod = (value: unknown, name: 'unwrap'): value is { readonly unwrap: () => unknown } =>
  typeof value === 'object' && value !== null && name in value;

const isObjectSchema = (value: unknown): value is { readonly shape: Readonly<Record<string, unknown>> } =>
  typeof value === 'object' && value !== null && 'shape' in value;

const isArraySchema = (value: unknown): value is { readonly element: unknown } =>
  typeof value === 'object' && value !== null && 'element' in value;

const isRecordSchema = (value: unknown): value is { readonly valueType: unknown } =>
  typeof value === 'object' && value !== null && 'valueType' in value;

const isUnionSchema = (value: unknown): value is { readonly options: readonly unknown[] } =>
  typeof value === 'object' && value !== null && 'options' in value && Array.isArray(value.options);

const isLiteralSchema = (value: unknown): value is { readonly values: ReadonlySet<unknown> } =>
  typeof value === 'object' && value !== null && 'values' in value && value.values instanceof Set;
