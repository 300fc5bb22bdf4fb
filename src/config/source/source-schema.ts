import { z } from 'zod';
import { durationMs } from '../parsing/field-types.ts';
import { ldapSourceSchema } from './ldap-source-schema.ts';
import { secretText, tlsSchema, webAddress } from './source-field-types.ts';
import { localShape, remoteShape, sourceId, trustRoles } from './source-shape.ts';
import { oauth2SourceSchema, oidcSourceSchema, presetSourceSchema } from './upstream-source-schema.ts';

const localSourceSchema = z.strictObject({
  type: z.literal('local').meta({ description: "The local list: users in Drawbridge's own store." }),
  id: sourceId,
  ...localShape,
  revealDisabled: z.boolean().default(false).meta({
    description:
      'true: the sign-in page says to a user with the right password that the account is disabled. It looks like a wrong password otherwise.',
  }),
});

const httpSourceSchema = z.strictObject({
  type: z.literal('http').meta({ description: 'A legacy system that checks passwords over HTTP.' }),
  id: sourceId,
  ...remoteShape,
  trustRoles,
  url: webAddress().meta({ description: 'URL to which user name and password are posted as JSON.' }),
  secret: secretText('Sent as a bearer token.').optional(),
  tls: tlsSchema.prefault({}).meta({ description: 'Certificates.' }),
  timeout: durationMs({ min: 100, max: 60_000 })
    .prefault('10s')
    .meta({ description: 'Time limit for one check.' }),
});

/** One entry of `sources`. The key that names the kind comes first: faults are those of the kind that was meant. */
export const sourceSchema = z.union(
  [
    presetSourceSchema,
    localSourceSchema,
    ldapSourceSchema,
    oidcSourceSchema,
    oauth2SourceSchema,
    httpSourceSchema,
  ],
  { error: 'is of no known kind; write type: local, ldap, oidc, oauth2 or http' },
);

export const sourcesSchema = z
  .array(sourceSchema)
  .min(1, { error: 'is empty; leave it out to keep people in the local list' })
  .max(20)
  .optional()
  .meta({
    description:
      'Where users are stored and authenticated. Password sources are asked in this order. Default: the local list.',
  });

export type SourceFile = z.infer<typeof sourceSchema>;
export type HttpSourceFile = z.infer<typeof httpSourceSchema>;
export type LocalSourceFile = z.infer<typeof localSourceSchema>;
