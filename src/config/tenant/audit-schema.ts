import { z } from 'zod';
import { durationSeconds } from '../parsing/field-types.ts';

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
});
