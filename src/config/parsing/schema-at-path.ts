import { z } from 'zod';
import type { FaultPath } from './fault.ts';

type Schema = z.core.$ZodType;

interface Place {
  /** Undefined where the schema has nothing at this path. */
  readonly schema: Schema | undefined;
  readonly value: unknown;
}

/** The schema that applies at a path, and the value there. Of a union, the option that was meant is taken. */
export const schemaAtPath = (root: Place, path: FaultPath): Place => {
  let schema = root.schema && unwrap(root.schema);
  let value = root.value;
  for (const step of path) {
    const child = childOf(findMeantOption(schema, value), step);
    schema = child && unwrap(child);
    value = (value as Readonly<Record<string | number, unknown>> | null | undefined)?.[step]; // zod found its issue in there
  }
  return { schema, value };
};

const childOf = (schema: Schema | undefined, step: string | number): Schema | undefined => {
  if (schema instanceof z.ZodObject) return schema.shape[step];
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return schema instanceof z.ZodArray ? schema.element : undefined;
};

/** Of a union the option that was meant, of any other schema the schema itself. */
export const findMeantOption = (schema: Schema | undefined, value: unknown): Schema | undefined => {
  if (!(schema instanceof z.ZodUnion)) return schema;
  const option = schema.options[findMeantIndex(schema.options, value)];
  return option && unwrap(option);
};

/**
 * The option of a union that the author of a mapping meant: the only one that takes a mapping, or the one
 * whose first key is there and, where that key is a fixed word like `type`, has that word.
 * @returns its index, or -1
 */
export const findMeantIndex = (options: readonly Schema[], value: unknown): number => {
  if (!isMapping(value)) return -1;
  const mappings = options.map((option) => {
    const inner = unwrap(option);
    return inner instanceof z.ZodObject ? inner : undefined;
  });
  if (mappings.filter((mapping) => mapping !== undefined).length === 1)
    return mappings.findIndex((mapping) => mapping !== undefined);
  return mappings.findIndex((mapping) => {
    const [key, first] = Object.entries<Schema>(mapping?.shape ?? {})[0] ?? [];
    if (key === undefined || !Object.hasOwn(value, key)) return false;
    return !(first instanceof z.ZodLiteral) || first.values.has(value[key] as z.core.util.Literal); // asked of any value
  });
};

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema of the written value, without the defaults and transformations around it. */
export const unwrap = (schema: Schema): Schema => {
  if (schema instanceof z.ZodPipe) return unwrap(schema.in);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return unwrap(schema.unwrap());
  return schema;
};
