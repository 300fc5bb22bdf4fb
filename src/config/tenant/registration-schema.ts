import { z } from 'zod';
import { plainText } from '../parsing/field-types.ts';
import { emailDomain, secretText, webAddress } from '../source/source-field-types.ts';

/** `registration` of a tenant's file. */
export const registrationSchema = z.strictObject({
  mode: z.enum(['invited', 'domains', 'open']).meta({
    description:
      'Who gets an account of their own: invited: those whom an operator invites (npx --no drawbridge user invite). domains: people with an e-mail address in one of domains, too. open: everybody with an e-mail address.',
  }),
  domains: z
    .array(emailDomain())
    .default([])
    .meta({ description: 'E-mail domains of the mode domains.', examples: [['acme.example']] }),
  roles: z.array(plainText(200)).default([]).meta({ description: 'Roles of new people.' }),
  groups: z.array(plainText(200)).default([]).meta({ description: 'Groups of new people.' }),
  check: z
    .strictObject({
      url: webAddress().meta({
        description: 'URL that is asked before a mail is sent; https, or http on a loopback address.',
      }),
      key: secretText('Key of the signature of the requests, at least 16 characters.'),
    })
    .optional()
    .meta({ description: 'A service of your own that allows or refuses each registration.' }),
});

export type RegistrationFile = z.infer<typeof registrationSchema>;
