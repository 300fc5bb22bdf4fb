// What operations say of the list of all by which a person is signed in.
import { z } from 'zod';
import { idSchema, timeSchema } from './api-schemas.ts';

/** `next` of a page, sent back as `cursor`. */
export const cursorSchema = z.string().regex(/^[\w-]{1,300}$/);

export const signInKindSchema = <const Kinds extends readonly [string, ...string[]]>(kinds: Kinds) =>
  z.enum(kinds).meta({
    description:
      "`session`: of a browser, or of a sign-in on an app's own page. `gateway_session`: begun by user name and password at a service. `refresh_token`: of an app, ends with no session.",
  });

/** The members of an entry beside its kind and its apps. */
export const signInMembers = {
  id: idSchema.meta({ description: 'Unique within the kind.' }),
  name: z.string().optional().meta({ description: 'Of a device; of a key its note.' }),
  signed_in_at: timeSchema.optional(),
  last_used_at: timeSchema.optional(),
  expires_at: timeSchema.optional(),
  address: z.string().optional().meta({ description: 'IP address of the sign-in.' }),
  browser: z.string().optional().meta({ description: 'Such as `Firefox`.' }),
  system: z.string().optional().meta({ description: 'Such as `Windows`.' }),
  amr: z.array(z.string()).optional().meta({ description: 'How the person signed in (RFC 8176).' }),
  services: z.array(z.string()).meta({
    description: 'Hosts of services behind the gateway; `*.example.com`: all below that domain.',
  }),
} as const;
