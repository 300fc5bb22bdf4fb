import { z } from 'zod';
import { defaultIdentityBytes, identityHeaderNames } from '../../protocol/identity-headers.ts';
import { plainText, wholeNumber } from '../parsing/field-types.ts';

export const identitySchema = z.strictObject({
  headers: z
    .array(z.enum(identityHeaderNames))
    .min(1)
    .optional()
    .meta({
      description: 'The headers about the caller that the service gets. Default: all.',
      examples: [['Remote-User', 'Remote-Groups']],
    }),
  groups: z
    .array(plainText(200))
    .max(100)
    .optional()
    .meta({
      description:
        'Names of the groups that the service gets; * stands for any characters. Rules judge all groups. Default: all.',
      examples: [['orders-*', 'staff']],
    }),
  maxBytes: wholeNumber({ min: 2048, max: 65_536 }).default(defaultIdentityBytes).meta({
    description:
      'Maximum size of all headers about the caller. Above it roles and groups are cut, and the cut is marked.',
  }),
});
