import { z } from 'zod';

/** `accounts` of a tenant's file. */
export const accountsSchema = z.strictObject({
  usernameChange: z.boolean().default(false).meta({
    description:
      'true: users may change their user name. Only in tenants whose users are all in the local list.',
  }),
});
