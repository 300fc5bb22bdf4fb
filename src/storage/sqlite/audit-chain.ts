import type { AuditChainRecords, AuditCheckpoint, AuditLink } from '../storage-audit-chain.ts';
import type { AuditRecord } from '../storage-records.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

const linkColumns = 'seq, record_id AS recordId, digest, hash, mac';
const recordColumns = `a.value, l.seq, a.is_marked AS isMarked`;
const recordJoin = `audit a LEFT JOIN audit_links l ON l.tenant = a.tenant AND l.record_id = a.id`;

export const auditChainSql = {
  unmarked: `SELECT a.value, l.seq FROM audit a INDEXED BY audit_unmarked
    LEFT JOIN audit_links l ON l.tenant = a.tenant AND l.record_id = a.id
    WHERE a.tenant = ? AND a.is_marked IS NULL AND a.at <= ? ORDER BY a.at, a.id LIMIT ?`,
  insertLink: `INSERT INTO audit_links (tenant, seq, record_id, digest, hash, mac) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`,
  mark: 'UPDATE audit SET is_marked = 1 WHERE tenant = ? AND id = ?',
  lastLink: `SELECT ${linkColumns} FROM audit_links WHERE tenant = ? ORDER BY seq DESC LIMIT 1`,
  links: `SELECT ${linkColumns}, a.value FROM audit_links l LEFT JOIN audit a ON a.tenant = l.tenant AND a.id = l.record_id
    WHERE l.tenant = ? AND l.seq > ? ORDER BY l.seq LIMIT ?`,
  records: `SELECT ${recordColumns} FROM ${recordJoin} WHERE a.tenant = ? ORDER BY a.at, a.id LIMIT ?`,
  recordsAfter: `SELECT ${recordColumns} FROM ${recordJoin}
    WHERE a.tenant = ? AND (a.at, a.id) > (?, ?) ORDER BY a.at, a.id LIMIT ?`,
  insertCheckpoint:
    'INSERT INTO audit_checkpoints (tenant, seq, at, jws) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  lastCheckpoint: 'SELECT seq, at, jws FROM audit_checkpoints WHERE tenant = ? ORDER BY seq DESC LIMIT 1',
  checkpoints: 'SELECT seq, at, jws FROM audit_checkpoints WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?',
  checkpointUpTo: `SELECT seq, at, jws FROM audit_checkpoints WHERE tenant = ? AND seq <= ? AND at <= ?
    ORDER BY seq DESC LIMIT 1`,
  replaceCheckpoint: 'UPDATE audit_checkpoints SET at = ?, jws = ? WHERE tenant = ? AND seq = ? AND jws = ?',
  removeCheckpoints: 'DELETE FROM audit_checkpoints WHERE tenant = ? AND seq BETWEEN ? AND ?',
  removeLinks: 'DELETE FROM audit_links WHERE tenant = ? AND seq BETWEEN ? AND ?',
  removeRecord: 'DELETE FROM audit WHERE tenant = ? AND id = ?',
  tenantsWithUnmarked: `WITH RECURSIVE found (tenant) AS (
      SELECT (SELECT tenant FROM audit WHERE is_marked IS NULL AND tenant > '' AND at <= ?1 ORDER BY tenant LIMIT 1)
      UNION ALL
      SELECT (SELECT a.tenant FROM audit a WHERE a.is_marked IS NULL AND a.tenant > found.tenant AND a.at <= ?1
        ORDER BY a.tenant LIMIT 1)
      FROM found WHERE found.tenant IS NOT NULL
    ) SELECT tenant FROM found WHERE tenant IS NOT NULL`,
} as const;

interface RecordRow {
  readonly value: string;
  readonly seq: number | null;
  readonly isMarked: number | null;
}

type LinkRow = AuditLink & { readonly value: string | null };

const toRecord = (value: string): AuditRecord => JSON.parse(value) as AuditRecord; // written by `append` of the audit record

const insertLink = (sql: Statements, tenant: string, link: AuditLink): boolean => {
  const { seq, recordId, digest, hash, mac } = link;
  return Number(sql(auditChainSql.insertLink).run(tenant, seq, recordId, digest, hash, mac).changes) === 1;
};

export const createAuditChain = (connection: Connection, tenant: string): AuditChainRecords => ({
  unmarked: ({ untilMs, limit }) =>
    connection.read('auditChain.unmarked', (sql) =>
      (sql(auditChainSql.unmarked).all(tenant, untilMs, limit) as RecordRow[]).map(({ value, seq }) => ({
        record: toRecord(value),
        isLinked: seq !== null,
      })),
    ),

  append: (links) =>
    connection.write('auditChain.append', (sql) => links.every((link) => insertLink(sql, tenant, link))),

  mark: (recordIds) =>
    connection.write('auditChain.mark', (sql) => {
      for (const id of recordIds) sql(auditChainSql.mark).run(tenant, id);
    }),

  last: () =>
    connection.read('auditChain.last', (sql) => {
      const row = sql(auditChainSql.lastLink).get(tenant) as AuditLink | undefined;
      return row === undefined ? undefined : { ...row };
    }),

  links: ({ afterSeq, limit }) =>
    connection.read('auditChain.links', (sql) =>
      (sql(auditChainSql.links).all(tenant, afterSeq, limit) as LinkRow[]).map(({ value, ...link }) => ({
        link,
        record: value === null ? undefined : toRecord(value),
      })),
    ),

  records: ({ after, limit }) =>
    connection.read('auditChain.records', (sql) => {
      const rows =
        after === undefined
          ? sql(auditChainSql.records).all(tenant, limit)
          : sql(auditChainSql.recordsAfter).all(tenant, after.at, after.id, limit);
      return (rows as RecordRow[]).map(({ value, seq, isMarked }) => ({
        record: toRecord(value),
        seq: seq ?? undefined,
        isMarked: isMarked !== null,
      }));
    }),

  insertCheckpoint: (checkpoint) =>
    connection.write('auditChain.insertCheckpoint', (sql) => {
      const { seq, at, jws } = checkpoint;
      return Number(sql(auditChainSql.insertCheckpoint).run(tenant, seq, at, jws).changes) === 1;
    }),

  lastCheckpoint: () =>
    connection.read('auditChain.lastCheckpoint', (sql) => {
      const row = sql(auditChainSql.lastCheckpoint).get(tenant) as AuditCheckpoint | undefined;
      return row === undefined ? undefined : { ...row };
    }),

  checkpoints: ({ afterSeq, limit }) =>
    connection.read('auditChain.checkpoints', (sql) =>
      (sql(auditChainSql.checkpoints).all(tenant, afterSeq, limit) as AuditCheckpoint[]).map((row) => ({
        ...row,
      })),
    ),

  checkpointUpTo: ({ seq, untilMs }) =>
    connection.read('auditChain.checkpointUpTo', (sql) => {
      const row = sql(auditChainSql.checkpointUpTo).get(tenant, seq, untilMs) as AuditCheckpoint | undefined;
      return row === undefined ? undefined : { ...row };
    }),

  replaceCheckpoint: ({ seq, at, jws }, previousJws) =>
    connection.write('auditChain.replaceCheckpoint', (sql) => {
      const { changes } = sql(auditChainSql.replaceCheckpoint).run(at, jws, tenant, seq, previousJws);
      return Number(changes) === 1;
    }),

  removeCheckpoints: ({ fromSeq, toSeq }) =>
    connection.write('auditChain.removeCheckpoints', (sql) => {
      sql(auditChainSql.removeCheckpoints).run(tenant, fromSeq, toSeq);
    }),

  removeLinks: ({ fromSeq, toSeq }) =>
    connection.write('auditChain.removeLinks', (sql) => {
      sql(auditChainSql.removeLinks).run(tenant, fromSeq, toSeq);
    }),

  removeRecords: (recordIds) =>
    connection.write('auditChain.removeRecords', (sql) => {
      for (const id of recordIds) sql(auditChainSql.removeRecord).run(tenant, id);
    }),
});

export const tenantsWithUnmarkedAudit = (
  connection: Connection,
  untilMs: number,
): Promise<readonly string[]> =>
  connection.read('auditChain.tenants', (sql) =>
    (sql(auditChainSql.tenantsWithUnmarked).all(untilMs) as { readonly tenant: string }[]).map(
      ({ tenant }) => tenant,
    ),
  );
