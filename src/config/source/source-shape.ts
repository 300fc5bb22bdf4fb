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
      'Id of the source. It is part of its addresses and of the key of its users: if it is renamed, the users get new accounts.',
  });

/** The keys of every source. */
export const localShape = {
  displayName: plainText(100)
    .optional()
    .meta({ description: 'Name of the source on pages. Default: the id.' }),
  domains: z
    .array(emailDomain())
    .default([])
    .meta({ description: 'E-mail domains whose users sign in at this source.', examples: [['example.com']] }),
  clients: z
    .array(z.string())
    .optional()
    .meta({ description: 'client_ids whose users may sign in at this source. Default: all clients.' }),
  trustedEmailDomains: z.array(emailDomain()).default([]).meta({
    description:
      'E-mail domains for which email_verified of this source is trusted. A user of this source is then linked to an account with the same verified e-mail address.',
  }),
};

/** The keys of every source except the local one, whose claims, groups and roles need no mapping. */
export const remoteShape = {
  ...localShape,
  logo: z
    .string()
    .optional()
    .meta({
      description:
        'Logo on the button of the source: an image file beside this file (svg, png, jpg, webp; at most 64 KiB), or an https URL. Presets have one.',
      examples: ['partner.svg'],
    }),
  mapping: mappingSchema.default([]).meta({
    description: 'Changes to the values of the source, in order, after the built-in mapping.',
  }),
  adopt: z
    .union([z.boolean(), z.literal('takeover')], { error: 'is not right; write false, true or takeover' })
    .default(false)
    .meta({
      description:
        'true: stores a hash of each accepted password, which is used after the source is removed from the file. takeover: uses that hash at once.',
    }),
  recheck: durationSeconds({ min: 10, max: 7 * day })
    .prefault('5m')
    .meta({ description: 'Interval after which a user with a session is looked up again.' }),
  degraded: z
    .strictObject({
      sessions: durationSeconds({ min: 0, max: 7 * day })
        .prefault('30m')
        .meta({ description: 'How long sessions continue with the last known data.' }),
    })
    .prefault({})
    .meta({ description: 'Behaviour while the source is unavailable.' }),
  revealLock: z.boolean().default(false).meta({
    description: 'true: the sign-in page says that an account is locked, whatever password was typed.',
  }),
};

/** Of sources that may say roles themselves. */
export const trustRoles = z.boolean().optional().meta({
  description:
    'true: roles and groups of the source are accepted as it sends them. false: roles come from mapping steps only, and groups of an upstream get the id of the source as prefix (corp:staff).',
});
