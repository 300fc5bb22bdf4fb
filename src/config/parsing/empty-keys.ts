import { z } from 'zod';
import type { FaultPath, PathFault } from './fault.ts';
import { schemaAtPath, unwrap } from './schema-at-path.ts';

const emptyWords = 'is empty; write a value, or remove the line';

/**
 * A key with nothing behind the colon is absent where lines below it belong to it: operators comment those out and keep the
 * key. Where one value was meant it was lost, and a default would stand in for it without a word.
 */
export const emptyValueFaults = (
  root: { readonly schema: z.ZodType; readonly value: unknown },
  emptyKeys: readonly FaultPath[],
): readonly PathFault[] =>
  emptyKeys
    .filter((path) => isSingleValue(root, path))
    .map((path) => ({ path, atKey: true, message: emptyWords }));

const isSingleValue = (
  root: { readonly schema: z.ZodType; readonly value: unknown },
  path: FaultPath,
): boolean => {
  const { schema } = schemaAtPath(root, path);
  if (schema === undefined) return false;
  const options = schema instanceof z.ZodUnion ? schema.options.map(unwrap) : [schema];
  // where a text is possible, it may be the one that was lost
  return options.some((option) => option instanceof z.ZodString) || !options.some(takesLines);
};

const takesLines = (schema: unknown): boolean =>
  schema instanceof z.ZodObject ||
  schema instanceof z.ZodArray ||
  schema instanceof z.ZodRecord ||
  schema instanceof z.ZodUnknown ||
  schema instanceof z.ZodLazy;
