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
    .meta({ description: 'What to move; a JSON pointer such as /address/country reads inside of one.' }),
  to: target().meta({ description: 'Its new name, such as email, username, groups or a claim.' }),
});

const prefix = z.strictObject({
  prefix: name().meta({ description: 'Whose values get something put before them.' }),
  with: z.string().min(1).max(100).meta({ description: 'What is put before them, such as "ldap:".' }),
});

const regex = z
  .strictObject({
    regex: name().meta({ description: 'Whose values are rewritten.' }),
    pattern: pattern().meta({ description: 'RE2; values that do not match stay as they are.' }),
    replace: z.string().max(500).meta({ description: 'What the match becomes; $1 is the first group.' }),
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
  drop: name().meta({ description: 'What is left out.' }),
  pattern: pattern().optional().meta({ description: 'RE2: only the values that match are left out.' }),
});

const role = z
  .strictObject({
    role: plainText(200).meta({ description: 'The role that is given.' }),
    of: name().default('groups').meta({ description: 'Where one of the values must fit.' }),
    equals: z.string().max(1000).optional().meta({ description: 'The value, to the letter.' }),
    pattern: pattern().optional().meta({ description: 'RE2, in place of equals.' }),
  })
  .refine((step) => (step.equals === undefined) !== (step.pattern === undefined), {
    error: 'says not who gets it, or says it twice; write equals: or pattern:, one of them',
  });

const fallback = z.strictObject({
  default: target().meta({ description: 'What is filled in when the source has no value.' }),
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
