// What operations share: the forms of ids, times and refusals.
import { z } from 'zod';

/** As the table of addresses has it, and every id of ours. */
export const idSchema = z.string().regex(/^[\w-]{1,64}$/);

/** As in tokens. */
export const timeSchema = z.int().min(0).meta({ description: 'Seconds since 1970-01-01T00:00:00Z.' });

/** The `epoch milliseconds` of the store. */
export const toSeconds = (epochMs: number): number => Math.floor(epochMs / 1000);

export const problemSchema = z
  .object({
    error: z.string().meta({ description: 'A code for programs, such as `invalid_request`.' }),
    error_description: z.string().optional().meta({ description: 'A sentence for developers.' }),
    error_id: z.string().meta({ description: 'Also in the log of the server.' }),
  })
  .meta({ id: 'Problem' });

export const problemHeadersSchema = z.object({
  'x-error': z.string().meta({ description: 'What went wrong, a sentence.' }),
  'x-error-id': z.string().meta({ description: '`error_id` of the body.' }),
});
