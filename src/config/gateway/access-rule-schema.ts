import { z } from 'zod';
import { tenantIdForm } from '../../protocol/tenant-id.ts';
import { durationSeconds, plainText } from '../parsing/field-types.ts';
import { isCanonicalPattern, patternWords } from './service-paths.ts';

/** A list with at least one entry. */
const someOf = (item: z.ZodType<string>) =>
  z.array(item).min(1, { error: 'is empty; write at least one, or remove the line' }).max(500).optional();

export const tenantName = () =>
  z.string().regex(tenantIdForm, {
    error: 'is not the id of a tenant; write the name of its file without .yaml',
  });

const path = z.string().max(1000).refine(isCanonicalPattern, { error: patternWords });

const method = z.string().regex(/^[A-Z][A-Z-]{0,30}$/, {
  error: 'is not a method; write it in capital letters, such as GET',
});

/** A rule of a service in the server's file, or of a limit in a tenant's file. */
export const accessRuleSchema = z.strictObject({
  paths: someOf(path).meta({
    description:
      '/a: this path; /a/*: paths directly below /a; /a/**: /a and all paths below it. Default: every path.',
    examples: [['/orders', '/orders/**']],
  }),
  methods: someOf(method).meta({ description: 'HTTP methods. GET includes HEAD. Default: every method.' }),
  tenants: someOf(tenantName()).meta({ description: 'Ids of tenants: the caller belongs to one of them.' }),
  roles: someOf(plainText(200)).meta({ description: 'The caller has one of these roles.' }),
  groups: someOf(plainText(1000)).meta({ description: 'The caller is in one of these groups.' }),
  scopes: someOf(plainText(200)).meta({
    description: "The caller's access token has all of these scopes. Sessions and passwords have no scopes.",
  }),
  audiences: someOf(plainText(2000)).meta({
    description: "The caller's access token has one of these audiences.",
  }),
  clients: someOf(plainText(200)).meta({
    description: "The caller's access token was issued to one of these client_ids.",
  }),
  access: z.enum(['allow', 'anyone', 'deny']).default('allow').meta({
    description: 'allow: authenticated callers; anyone: also without authentication; deny: nobody.',
  }),
  acr: someOf(plainText(500)).meta({
    description:
      'acr values: the sign-in has one of these. Otherwise the user must sign in again (RFC 9470).',
  }),
  amr: someOf(plainText(100)).meta({
    description:
      'amr values (RFC 8176): the sign-in has all of these. Otherwise the user must sign in again.',
  }),
  maxAge: durationSeconds({ min: 1, max: 365 * 86_400 })
    .optional()
    .meta({ description: 'Maximum age of the sign-in. Otherwise the user must sign in again.' }),
});

export const accessRulesSchema = z.array(accessRuleSchema).max(500).prefault([]);

export type AccessRuleFile = z.infer<typeof accessRuleSchema>;
