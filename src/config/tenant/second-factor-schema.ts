import { z } from 'zod';
import type { PathFault } from '../parsing/fault.ts';
import { dateMs, durationSeconds, plainText } from '../parsing/field-types.ts';
import { reference } from '../parsing/name-references.ts';

const names = (of: string) => z.array(plainText(200)).default([]).meta({ description: of });

export const secondFactorSchema = z.strictObject({
  methods: z
    .array(z.enum(['totp', 'passkey', 'email']))
    .default(['totp', 'passkey'])
    .meta({
      description:
        'What users may set up. totp: an authenticator app (RFC 6238). passkey: a passkey or security key (WebAuthn). email: people who have neither and a verified e-mail address get a code by mail, if a second factor is demanded of them. An empty list: no second factors, also not those that are set up already.',
    }),
  passwordless: z.boolean().default(true).meta({
    description:
      'true: a passkey is enough to sign in, without name and password, if the device has verified the user (PIN, fingerprint, face).',
  }),
  required: z
    .strictObject({
      everyone: z.boolean().default(false).meta({ description: 'true: all users of the tenant.' }),
      roles: names('Users with one of these roles.'),
      groups: names('Users in one of these groups.'),
      clients: names('client_ids: users who sign in to one of these clients.'),
    })
    .prefault({})
    .meta({
      description:
        'Who must have a second factor. Users without one set it up at their next sign-in. Whoever has one is always asked for it.',
    }),
  rememberBrowser: durationSeconds({ min: 3600, max: 90 * 86_400 })
    .optional()
    .meta({
      description:
        'Users may choose not to be asked again in the same browser for so long. Without it they are asked at each sign-in.',
      examples: ['30d'],
    }),
  deadline: dateMs()
    .optional()
    .meta({
      description:
        'ISO date (UTC) until which users of whom a second factor is required may sign in without setting it up.',
      examples: ['2027-06-30'],
    }),
});

export type SecondFactorFile = z.infer<typeof secondFactorSchema>;

/** @param clients the client_ids of the file; undefined where not all can be known */
export const checkSecondFactor = (
  { methods, required, deadline }: SecondFactorFile,
  clients: ReadonlySet<string> | undefined,
): readonly PathFault[] => {
  const isRequired =
    required.everyone || [required.roles, required.groups, required.clients].some((list) => list.length > 0);
  return [
    ...required.clients.flatMap((id, index) => reference(['required', 'clients', index], id, clients)),
    ...(isRequired && methods.length === 0
      ? [
          {
            path: ['methods'],
            message: 'is empty, but required demands a second factor; write [totp, passkey]',
          },
        ]
      : []),
    ...(methods.length > 0 && methods.every((method) => method === 'email')
      ? [
          {
            path: ['methods'],
            message:
              'holds email alone, so people without a verified address could set up nothing; write [totp, passkey, email]',
          },
        ]
      : []),
    ...(deadline !== undefined && !isRequired
      ? [{ path: ['deadline'], message: 'is of no use while required names nobody; remove it' }]
      : []),
  ].map(({ path, ...fault }) => ({ ...fault, path: ['secondFactor', ...path] }));
};
