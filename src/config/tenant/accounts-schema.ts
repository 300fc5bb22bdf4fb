import { z } from 'zod';
import { durationSeconds } from '../parsing/field-types.ts';

/** `accounts` of a tenant's file. */
export const accountsSchema = z.strictObject({
  usernameChange: z.boolean().default(false).meta({
    description:
      'true: users may change their user name. Only in tenants whose users are all in the local list.',
  }),
  deletion: z
    .strictObject({
      allowed: z.enum(['local', 'everyone', 'nobody']).default('local').meta({
        description:
          'Who may delete their own account. local: people who are kept here alone. everyone: also people of a directory or another provider; what is kept of them here is deleted, and their next sign-in there makes a new account. nobody: an operator deletes accounts (npx --no drawbridge user delete).',
      }),
      grace: durationSeconds({ min: 3600, max: 90 * 86_400 })
        .prefault('7d')
        .meta({
          description:
            'Time between the request and the deletion. Nobody is signed in to the account meanwhile; a sign-in calls the deletion off.',
        }),
    })
    .prefault({})
    .meta({ description: 'The deletion of accounts by the people whose accounts they are.' }),
});
