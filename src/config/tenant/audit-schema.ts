import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { durationSeconds } from '../parsing/field-types.ts';
import { secretText, webAddress } from '../source/source-field-types.ts';

const day = 86_400;

/** `audit` of a tenant's file. */
export const auditSchema = z.strictObject({
  retention: durationSeconds({ min: day, max: 36_500 * day })
    .optional()
    .meta({
      description:
        'How long audit records are kept at least; a running server removes older ones within a day or so. Absent: they are never removed.',
      examples: ['365d'],
    }),
  stream: z
    .strictObject({
      webhook: z
        .strictObject({
          url: webAddress().meta({
            description:
              'URL that the records are sent to, in signed requests; https, or http on a loopback address.',
          }),
          secret: secretText('Key of the signatures, at least 16 characters.'),
        })
        .optional()
        .meta({ description: 'A system that takes records by HTTP.' }),
      file: z
        .string()
        .refine((path) => isAbsolute(path) && !path.includes('\0'), {
          error: 'is not an absolute path; write it from the root on, such as /var/log/drawbridge/acme.jsonl',
        })
        .optional()
        .meta({
          description: 'Absolute path of a file that gets each record as a line of JSON.',
          examples: ['/var/log/drawbridge/acme.jsonl'],
        }),
    })
    .refine(({ webhook, file }) => webhook !== undefined || file !== undefined, {
      error: 'is empty; write webhook or file, or remove it',
    })
    .optional()
    .meta({ description: 'Other systems that get all records in the order of the chain.' }),
});

export type AuditFile = z.infer<typeof auditSchema>;
