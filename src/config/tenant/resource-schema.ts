import { z } from 'zod';
import { builtInScopes, isScopeName } from '../../protocol/scopes.ts';
import { signingAlgorithms } from '../../protocol/signature-algorithms.ts';
import { durationSeconds, parseUrl, plainText } from '../parsing/field-types.ts';
import { groupChoice } from './group-choice.ts';
import { localText } from './local-text.ts';

const identifierWords =
  'is not a resource identifier; write an absolute URI without fragment, such as https://api.example.com/orders';

/** An entry of `resources` of a tenant's file. */
export const resourceSchema = z.strictObject({
  identifier: z
    .string()
    .max(2000)
    .refine((value) => parseUrl(value) !== undefined && !/[#\s]/.test(value), { error: identifierWords })
    .meta({
      description:
        'Absolute URI that clients send as `resource` (RFC 8707); the audience of the access tokens.',
    }),
  name: localText(() => plainText(200))
    .optional()
    .meta({ description: 'Name of the resource on the consent page: a text, or one for each language.' }),
  scopes: z
    .record(
      z
        .string()
        .refine(isScopeName, { error: 'is not a scope; write a name without spaces and quotes' })
        .refine((name) => !(builtInScopes as readonly string[]).includes(name), {
          error: `is a scope that every tenant has; choose a name of its own, such as orders:read`,
        }),
      localText(() => plainText(300)),
    )
    .default({})
    .meta({
      description:
        'Scopes of the resource, each with its text on the consent page, or one for each language.',
      examples: [{ read: { en: 'Read your orders', de: 'Ihre Bestellungen lesen' } }],
    }),
  format: z
    .enum(['jwt', 'opaque'])
    .default('jwt')
    .meta({ description: 'jwt: the API verifies access tokens itself. opaque: the API introspects them.' }),
  signingAlgorithm: z.enum(signingAlgorithms).default('EdDSA').meta({
    description: 'Signature algorithm of the JWTs; choose one that the JWT library of the API supports.',
  }),
  typ: z.enum(['at+jwt', 'JWT']).default('at+jwt').meta({
    description: 'Header typ of the JWTs: at+jwt (RFC 9068), or JWT for libraries that accept no other.',
  }),
  lifetime: durationSeconds({ min: 30, max: 24 * 3600 })
    .prefault('1h')
    .meta({ description: 'Lifetime of the access tokens.' }),
  groups: groupChoice('Groups in the JWTs, for the scope groups.'),
  introspectedBy: z
    .array(z.string())
    .default([])
    .meta({ description: 'client_ids that may introspect the access tokens.' }),
  clients: z
    .array(z.string())
    .optional()
    .meta({ description: 'client_ids that may request the resource. Default: all clients of the tenant.' }),
});

export type ResourceFile = z.infer<typeof resourceSchema>;
