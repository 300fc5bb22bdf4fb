import { z } from 'zod';
import type { PersonAuditEntry } from '../../audit/person-audit.ts';
import { definedOnly } from '../../defined-only.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { defineOperation } from './operation.ts';

const entrySchema = z
  .object({
    id: idSchema,
    at: timeSchema,
    action: z.string().meta({ description: 'Such as `sign_in.page`.' }),
    outcome: z.enum(['success', 'failure']),
    by: z.enum(['person', 'administrator', 'source', 'unknown']).meta({
      description:
        '`source`: the directory or provider of the person. `unknown`: somebody who tried, which may have been the person.',
    }),
    address: z.string().optional().meta({ description: 'Of what the person did.' }),
    client_id: z.string().optional(),
    reason: z.string().optional(),
  })
  .meta({ id: 'AuditEntry' });

const pageSize = 50;

export const listOwnAudit = defineOperation({
  id: 'listOwnAudit',
  method: 'GET',
  path: '/audit',
  summary: 'What was done by the person, and with their account',
  acceptsKeys: 'people',
  parameters: {
    query: z.object({ before: idSchema.optional().meta({ description: '`next` of the page before.' }) }),
  },
  answer: {
    description: 'Up to 50 entries, newest first. With `next`, there may be more.',
    schema: z.object({ entries: z.array(entrySchema), next: idSchema.optional() }),
  },
  handle: async ({ tenant, person, query }) => {
    const found = await tenant.personAudit.list({
      sub: person.sub,
      limit: pageSize,
      ...definedOnly({ beforeId: query.before }),
    });
    const next = found.length === pageSize ? found.at(-1)?.id : undefined;
    return { entries: found.map(toPublic), ...definedOnly({ next }) };
  },
});

const toPublic = ({ at, clientId, ...entry }: PersonAuditEntry): z.input<typeof entrySchema> => ({
  ...entry,
  at: toSeconds(at),
  ...definedOnly({ client_id: clientId }),
});
