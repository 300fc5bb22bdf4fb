// What several operations share: the forms of names and apps.
import { z } from 'zod';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { accountClientId, findClient } from '../../oidc/provider/clients.ts';

/** As in `readPlainText` of the accounts, written so that other languages read the pattern too. */
const notPlain = '\\u0000-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069';

/** Plain text of at most 100 characters, without a space in front. */
export const nameSchema = z.string().regex(new RegExp(`^[^\\s${notPlain}][^${notPlain}]{0,99}$`, 'u'), {
  error: 'a name is plain text of 1 to 100 characters',
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
