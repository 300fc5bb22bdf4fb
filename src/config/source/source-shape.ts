import { z } from 'zod';
import { durationSeconds, plainText } from '../parsing/field-types.ts';
import { mappingSchema } from './mapping-schema.ts';
import { emailDomain } from './source-field-types.ts';

const day = 86_400;

export const sourceId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, {
    error: 'is not an id; write small letters, digits and hyphens, at most 31, a letter or digit first',
  })
  .meta({
    description:
      'Name of the source; part of its address for upstreams and of the key of its people: after renaming a source, its people get new accounts.',
  });

/** The keys of every source. */
export const localShape = {
  displayName: plainText(100).optional().meta({ description: 'Name shown to people. By default the id.' }),
  domains: z
    .array(emailDomain())
    .default([])
    .meta({ description: 'E-mail domains whose people sign in here.', examples: [['example.com']] }),
  clients: z
    .array(z.string())
    .optional()
    .meta({ description: 'client_ids whose people may sign in here. Without: all clients.' }),
  trustedEmailDomains: z.array(emailDomain()).default([]).meta({
    description:
      'E-mail domains about which this source is believed: an account whose verified address is in one of them is linked to a person whose address this source says is verified.',
  }),
};

/** The keys of every source except the local one, whose claims, groups and roles need no mapping. */
export const remoteShape = {
  ...localShape,
  mapping: mappingSchema.default([]).meta({
    description: 'What becomes of the values of the source, in order, after the built-in mapping.',
  }),
  adopt: z
    .union([z.boolean(), z.literal('takeover')], { error: 'is not right; write false, true or takeover' })
    .default(false)
    .meta({
      description:
        'true keeps the hash of each password that the source accepted, for the day the source is taken out of the file; takeover lets that hash decide from then on.',
    }),
  recheck: durationSeconds({ min: 10, max: 7 * day })
    .prefault('5m')
    .meta({ description: 'People with live sessions are looked up again after so long.' }),
  degraded: z
    .strictObject({
      sessions: durationSeconds({ min: 0, max: 7 * day })
        .prefault('30m')
        .meta({ description: 'How long sessions go on with what was known last.' }),
    })
    .prefault({})
    .meta({ description: 'What holds while the source cannot be reached.' }),
  revealLock: z.boolean().default(false).meta({
    description: 'The login page says that an account is locked, whatever password was typed.',
  }),
};

/** Of sources that may say roles themselves. */
export const trustRoles = z.boolean().optional().meta({
  description:
    'true: roles and groups that the source says count as they stand. Without: roles come from mapping steps alone, and groups of an upstream have the id of the source in front (corp:staff).',
});
