import { z } from 'zod';
import { durationSeconds, emailAddress } from '../parsing/field-types.ts';

const day = 86_400;

/** `apiKeys` of a tenant's file. */
export const apiKeysSchema = z.strictObject({
  maximumAge: durationSeconds({ min: 3600, max: 3650 * day })
    .prefault('365d')
    .meta({ description: 'The longest life of a key, and the one that it has if nobody says otherwise.' }),
  allowNonExpiring: z
    .boolean()
    .default(false)
    .meta({ description: 'true: keys of system users may be made that do not expire.' }),
  onePerSystemUser: z.boolean().default(false).meta({
    description:
      'true: a system user has one key at most; another one takes its place (npx --no drawbridge api-key reassign).',
  }),
  rotationOverlap: durationSeconds({ min: 0, max: 90 * day })
    .prefault('7d')
    .meta({ description: 'How long the old secret of a key is still accepted after a rotation.' }),
  verification: z.enum(['mail', 'off']).default('off').meta({
    description:
      'mail: a key that somebody makes for themselves is refused until they present a code that is sent to their verified e-mail address. Needs own, and a mail server (mail of the server), except in demo tenants.',
  }),
  contact: emailAddress().optional().meta({
    description:
      'Address for mails that a key of a system user expires, if the user has none. Needs a mail server.',
  }),
  own: z
    .strictObject({
      services: z.array(z.string().min(1)).min(1).max(50).meta({
        description: 'Names of services behind the gateway.',
      }),
    })
    .optional()
    .meta({
      description:
        'People may make keys for themselves, for these services. Absent: nobody has keys of their own.',
    }),
});
