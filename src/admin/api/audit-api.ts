import { z } from 'zod';
import { verifyChain } from '../../audit/chain/verify-chain.ts';
import { fieldsOf } from '../../audit/formats/audit-fields.ts';
import { type AuditFormatName, auditFormatNames, auditFormats } from '../../audit/formats/audit-formats.ts';
import { eachAuditRecord } from '../../audit/read-audit.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AuditRecord } from '../../storage/storage-records.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { defineAdminOperation } from './operation.ts';
import { limitParameter, nextOf } from './paging.ts';

const text = z.string().optional();

const entrySchema = z
  .object({
    id: idSchema,
    at: timeSchema,
    action: z.string().meta({ description: 'Such as `sign_in.page`.' }),
    outcome: z.enum(['success', 'failure']),
    actor: z.string(),
    actor_kind: text,
    channel: text,
    object: text,
    address: text,
    user_agent: text,
    session: text,
    client_id: text,
    reason: text,
    request_id: text,
    error_id: text,
  })
  .meta({ id: 'AuditEntry' });

export const listAudit = defineAdminOperation({
  id: 'listAudit',
  method: 'GET',
  path: '/audit',
  permission: 'audit.read',
  summary: 'The newest audit records of a tenant',
  description:
    '`action` and `outcome` choose among up to 200 records that one request looks at: an answer may have few entries, or none, and `next` all the same.',
  parameters: {
    query: z.object({
      before: idSchema.optional().meta({ description: '`next` of the page before.' }),
      limit: limitParameter,
      sub: idSchema.optional().meta({ description: 'Only records whose actor or object is this account.' }),
      action: z.string().min(1).max(100).optional(),
      outcome: z.enum(['success', 'failure']).optional(),
    }),
  },
  answer: {
    description: 'Newest first.',
    schema: z.object({
      entries: z.array(entrySchema),
      next: idSchema.optional().meta({ description: 'There may be more: send it as `before`.' }),
    }),
  },
  handle: async ({ tenant, query: { before, limit, sub, action, outcome } }) => {
    const isFiltered = action !== undefined || outcome !== undefined;
    const size = isFiltered ? looked : limit;
    const page = { limit: size, ...definedOnly({ beforeId: before, sub }) };
    const found = await tenant.auditTrail.list(page);
    const chosen = found.filter(
      (record) =>
        (action === undefined || record.action === action) &&
        (outcome === undefined || record.outcome === outcome),
    );
    const entries = chosen.slice(0, limit);
    const rest = chosen.length > limit ? nextOf(entries, limit, idOf) : nextOf(found, size, idOf);
    return { entries: entries.map(toPublicEntry), ...rest };
  },
});

/** Records that one request looks at. */
const looked = 200;

const idOf = ({ id }: AuditRecord): string => id;

export const verifyAudit = defineAdminOperation({
  id: 'verifyAudit',
  method: 'GET',
  path: '/audit/verification',
  permission: 'audit.read',
  summary: 'Is the audit record as Drawbridge has written it?',
  description: 'Reads all of it, which takes a while. `drawbridge audit verify` says more of what it finds.',
  answer: {
    description: 'What was found.',
    schema: z
      .object({
        intact: z.boolean(),
        findings: z
          .array(z.object({ kind: z.string(), text: z.string(), id: text }))
          .meta({ description: 'At most 100.' }),
        records: z.int().min(0).meta({ description: 'Records in the chain.' }),
        first: z.int().min(0),
        last: z.int().min(0),
        waiting: z.int().min(0).meta({ description: 'Records that are not in the chain yet.' }),
        checkpoint: text.meta({ description: 'The last signed checkpoint, a JWS. Keep it elsewhere.' }),
      })
      .meta({ id: 'AuditVerification' }),
  },
  handle: async ({ tenant: { auditTrail } }) => {
    const { chain, keys } = auditTrail;
    const { findings, records, firstSeq, lastSeq, waiting, checkpoint } = await verifyChain({ chain, keys });
    return {
      intact: findings.length === 0,
      findings: findings.map(({ kind, text: words, id }) => ({ kind, text: words, ...definedOnly({ id }) })),
      ...{ records, first: firstSeq, last: lastSeq, waiting: waiting.count },
      ...definedOnly({ checkpoint: checkpoint?.jws }),
    };
  },
});

const mediaTypes: Readonly<Record<AuditFormatName, string>> = {
  json: 'application/x-ndjson',
  csv: 'text/csv',
  cef: 'text/plain',
};

export const exportAudit = defineAdminOperation({
  id: 'exportAudit',
  method: 'GET',
  path: '/audit/export',
  permission: 'audit.read',
  summary: 'The audit record as JSON lines, CSV or CEF, the oldest first',
  description: 'A connection that ends without the end of the body means that it is not whole.',
  parameters: {
    query: z.object({
      format: z.enum(auditFormatNames).default('json'),
      since: z.coerce.number().int().min(0).optional().meta({ description: 'Seconds: of then and later.' }),
      until: z.coerce.number().int().min(0).optional().meta({ description: 'Seconds: of then and before.' }),
    }),
  },
  answer: { description: 'One record a line.', types: Object.values(mediaTypes) },
  handle: async ({ ctx, tenant, parts, query: { format, since, until } }) => {
    ctx.type = `${mediaTypes[format]}; charset=utf-8`;
    const { definition, auditTrail } = tenant;
    const { head, toLine } = auditFormats(parts.version)[format];
    const span = { fromMs: msOf(since), untilMs: until === undefined ? undefined : until * 1000 + 999 };
    return (async function* lines() {
      if (head !== undefined) yield `${head}\n`;
      for await (const numbered of eachAuditRecord(auditTrail.chain, span))
        yield `${toLine({ tenant: definition.id, ...numbered })}\n`;
    })();
  },
});

const msOf = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000;

const toPublicEntry = (record: AuditRecord): z.input<typeof entrySchema> => {
  const { id, at, outcome } = record;
  const fields = fieldsOf({ tenant: '', record });
  const { action = '', actor = '', actorKind, channel, object, address, userAgent, session } = fields;
  const { clientId, reason, requestId, errorId } = fields;
  return {
    ...{ id, at: toSeconds(at), action, outcome, actor },
    ...definedOnly({
      ...{ actor_kind: actorKind, channel, object, address, user_agent: userAgent, session },
      ...{ client_id: clientId, reason, request_id: requestId, error_id: errorId },
    }),
  };
};
