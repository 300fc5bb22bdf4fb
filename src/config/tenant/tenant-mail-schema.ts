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
