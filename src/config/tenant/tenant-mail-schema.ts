import { z } from 'zod';
import { emailAddress } from '../parsing/field-types.ts';

/** `mail` of a tenant's file. */
export const tenantMailSchema = z.strictObject({
  from: emailAddress()
    .optional()
    .meta({ description: "Sender. Default: mail.from of the server. The sender's name is the displayName." }),
  replyTo: emailAddress()
    .optional()
    .meta({ description: 'Address for answers. Default: none beside the sender.' }),
});

/** `recovery` of a tenant's file. */
export const recoverySchema = z.strictObject({
  password: z.enum(['mail', 'off']).default('off').meta({
    description:
      'mail: people who have forgotten their password choose a new one, with a link or code that is sent to their e-mail address. Needs a mail server (mail of the server), except in demo tenants.',
  }),
});
