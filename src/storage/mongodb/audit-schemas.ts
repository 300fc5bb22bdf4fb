import { createSchema, number, text } from './schema-parts.ts';

/** The audit record, its chain, and how far it was delivered. */
export const createAuditSchemas = () => {
  const audit = createSchema('audit', {
    tenant: text,
    id: text,
    at: number,
    action: text,
    outcome: text,
    actor: text,
    actorKind: String,
    channel: String,
    object: String,
    address: String,
    userAgent: String,
    session: String,
    clientId: String,
    reason: String,
    requestId: String,
    errorId: String,
    isMarked: Boolean,
  });
  audit.index({ tenant: 1, at: -1, _id: -1 });
  audit.index({ tenant: 1, actor: 1, at: -1, _id: -1 });
  audit.index({ tenant: 1, object: 1, at: -1, _id: -1 });
  audit.index({ tenant: 1, at: 1, _id: 1 }, { partialFilterExpression: { isMarked: null } });
  const auditLinks = createSchema('auditLinks', {
    tenant: text,
    seq: number,
    recordId: text,
    record: text,
    digest: text,
    hash: text,
    mac: text,
  });
  auditLinks.index({ tenant: 1, seq: 1 }, { unique: true });
  auditLinks.index({ tenant: 1, recordId: 1 }, { unique: true });
  auditLinks.index({ record: 1 });
  const auditCheckpoints = createSchema('auditCheckpoints', {
    tenant: text,
    seq: number,
    at: number,
    jws: text,
  });
  auditCheckpoints.index({ tenant: 1, seq: 1 }, { unique: true });
  const auditStreams = createSchema('auditStreams', {
    tenant: text,
    target: text,
    seq: number,
    failures: number,
    nextAttemptAt: number,
    lastAttemptAt: Number,
    lastOutcome: String,
    holder: text,
    leaseUntil: number,
  });
  return { audit, auditLinks, auditCheckpoints, auditStreams };
};
