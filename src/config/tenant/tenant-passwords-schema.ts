import { z } from 'zod';
import { durationMs } from '../parsing/field-types.ts';
import { webAddress } from '../source/source-field-types.ts';

/** `passwords` of a tenant's file. */
export const passwordsSchema = z.strictObject({
  breached: z
    .strictObject({
      url: webAddress()
        .refine((value) => !value.includes('?'), { error: 'has a query; remove the ? and what follows' })
        .meta({
          description:
            'Address of the list, without /range/…: https://api.pwnedpasswords.com, or a copy of your own that answers the same. Five of the 40 digits of the SHA-1 hash of the password are sent to it.',
          examples: ['https://api.pwnedpasswords.com'],
        }),
      timeout: durationMs({ min: 100, max: 10_000 }).prefault('2s').meta({
        description:
          'How long the answer may take. After that, and while the list cannot be reached, the new password is accepted.',
      }),
    })
    .transform(({ url, timeout: timeoutMs }) => ({ url, timeoutMs }))
    .optional()
    .meta({
      description:
        'A list of passwords that have become public. New passwords that are on it are refused. Default: no list is asked.',
      examples: [{ url: 'https://api.pwnedpasswords.com' }],
    }),
});
