import { z } from 'zod';
import { tenantIdForm } from '../../protocol/tenant-id.ts';
import { durationSeconds, plainText } from '../parsing/field-types.ts';
import { isCanonicalPattern, patternWords } from './service-paths.ts';

/** A list that says something. */
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

/** Of services in the server's file, and of the limits in a tenant's. */
export const accessRuleSchema = z.strictObject({
  paths: someOf(path).meta({
    description:
      '/exact, /one/* for what is directly below, /below/** for that path and all below it. Without: every path.',
    examples: [['/orders', '/orders/**']],
  }),
  methods: someOf(method).meta({ description: 'HEAD goes with GET. Without: every method.' }),
  tenants: someOf(tenantName()).meta({ description: "The caller's tenant is one of these." }),
  roles: someOf(plainText(200)).meta({ description: 'The caller has one of these roles.' }),
  groups: someOf(plainText(1000)).meta({ description: 'The caller is in one of these groups.' }),
  scopes: someOf(plainText(200)).meta({
    description: "The caller's token has all of these scopes. Sessions and passwords have none.",
  }),
  audiences: someOf(plainText(2000)).meta({ description: "The caller's token is for one of these." }),
  clients: someOf(plainText(200)).meta({ description: "The caller's token was given to one of these." }),
  access: z.enum(['allow', 'anyone', 'deny']).default('allow').meta({
    description: 'allow: whoever is known; anyone: without an identity too; deny: nobody.',
  }),
  acr: someOf(plainText(500)).meta({
    description: 'The sign-in was of one of these classes, else the person is asked to sign in again.',
  }),
  amr: someOf(plainText(100)).meta({
    description: 'The sign-in used all of these methods (RFC 8176), else the person signs in again.',
  }),
  maxAge: durationSeconds({ min: 1, max: 365 * 86_400 })
    .optional()
    .meta({ description: 'The sign-in is no older, else the person is asked to sign in again.' }),
});

export const accessRulesSchema = z.array(accessRuleSchema).max(500).prefault([]);

export type AccessRuleFile = z.infer<typeof accessRuleSchema>;
