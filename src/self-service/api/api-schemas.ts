// What several operations share: the forms of ids, times, apps and refusals.
import { z } from 'zod';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { accountClientId, findClient } from '../../oidc/provider/clients.ts';

/** As the table of addresses has it, and every id of ours. */
export const idSchema = z.string().regex(/^[\w-]{1,64}$/);

/** As in `readPlainText` of the accounts, written so that other languages read the pattern too. */
const notPlain = '\\u0000-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069';

/** Plain text of at most 100 characters, without a space in front. */
export const nameSchema = z.string().regex(new RegExp(`^[^\\s${notPlain}][^${notPlain}]{0,99}$`, 'u'), {
  error: 'a name is plain text of 1 to 100 characters',
});

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

export const appSchema = z
  .object({ client_id: z.string(), client_name: z.string().optional() })
  .meta({ id: 'App' });

/** Without the account page, which is no app for people. */
export const appsOf = (
  definition: TenantDefinition,
  clientIds: readonly string[],
): z.input<typeof appSchema>[] =>
  clientIds
    .filter((id) => id !== accountClientId)
    .map((id) => ({
      client_id: id,
      ...definedOnly({ client_name: findClient(definition, id)?.metadata.client_name }),
    }));
