import { z } from 'zod';
import { plainText } from '../parsing/field-types.ts';
import { isPointer, pointerWords, readPattern } from '../parsing/patterns.ts';
import { pattern } from './source-field-types.ts';

/** Claims about a token or a sign-in, which Drawbridge sets itself. */
const ownClaims: ReadonlySet<string> = new Set(
  'acr act amr at_hash aud auth_time azp c_hash client_id cnf events exp iat iss jti may_act nbf nonce s_hash scope sid sub typ'.split(
    ' ',
  ),
);

const name = () => plainText(100);

const target = () =>
  name().refine((value) => !ownClaims.has(value), {
    error: 'is a claim that Drawbridge makes itself; choose another name',
  });

const rename = z.strictObject({
  rename: name()
    .refine((value) => !value.startsWith('/') || isPointer(value), { error: pointerWords })
    .meta({
      description: 'Value to move. A JSON pointer such as /address/country reads inside a JSON value.',
    }),
  to: target().meta({ description: 'New name, such as email, username, groups or a claim.' }),
});

const prefix = z.strictObject({
  prefix: name().meta({ description: 'Name of the values that get a prefix.' }),
  with: z.string().min(1).max(100).meta({ description: 'The prefix, such as "ldap:".' }),
});

const regex = z
  .strictObject({
    regex: name().meta({ description: 'Name of the values that are rewritten.' }),
    pattern: pattern().meta({ description: 'RE2 pattern; values that do not match are not changed.' }),
    replace: z.string().max(500).meta({ description: 'Replacement for the match; $1 is the first group.' }),
  })
  .superRefine((step, context) => {
    const read = readPattern(step.pattern);
    if (!read.ok) return;
    const asked = [...step.replace.replaceAll('$$', '').matchAll(/\$(\d)/g)].map(([, group]) =>
      Number(group),
    );
    const missing = asked.find((group) => group > read.groups || group === 0);
    if (missing === undefined) return;
    const message = `names the group ${missing}, and the pattern has ${read.groups}; put brackets round what is wanted, or write $$ for a $`;
    context.addIssue({ code: 'custom', path: ['replace'], message });
  });

const drop = z.strictObject({
  drop: name().meta({ description: 'Name of the values that are removed.' }),
  pattern: pattern().optional().meta({ description: 'RE2 pattern: only values that match are removed.' }),
});

const role = z
  .strictObject({
    role: plainText(200).meta({ description: 'Role to add.' }),
    of: name().default('groups').meta({ description: 'Name of the values that are compared.' }),
    equals: z
      .string()
      .max(1000)
      .optional()
      .meta({ description: 'Adds the role if one value is exactly this.' }),
    pattern: pattern().optional().meta({ description: 'RE2 pattern, instead of equals.' }),
  })
  .refine((step) => (step.equals === undefined) !== (step.pattern === undefined), {
    error: 'says not who gets it, or says it twice; write equals: or pattern:, one of them',
  });

const fallback = z.strictObject({
  default: target().meta({ description: 'Name of the value that is set if the source has none.' }),
  value: z.unknown().refine((value) => value !== undefined, { error: 'is missing; write the value' }),
});

/** The key that names the step comes first: faults are those of the step that was meant. */
export const mappingSchema = z
  .array(
    z.union([rename, prefix, regex, drop, role, fallback], {
      error: 'is not a step; write one that begins with rename, prefix, regex, drop, role or default',
    }),
  )
  .max(100)
  .meta({ id: 'mapping' });

export type MappingFile = z.infer<typeof mappingSchema>;
