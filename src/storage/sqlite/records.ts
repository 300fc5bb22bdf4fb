import type {
  AuditRecord,
  AuditRecords,
  CounterState,
  Counters,
  KeyRecord,
  KeyRecords,
  PasswordGrantReport,
  PasswordGrantUsage,
} from '../storage-records.ts';
import type { Connection } from './connection.ts';

/** Records whose actor or object is one account: two indexes, merged. @param behind narrows both halves */
const auditOf = (behind: string): string =>
  `SELECT at, id, value FROM audit INDEXED BY audit_actor
    WHERE tenant = ?1 AND json_extract(value, '$.actor') = ?2 ${behind}
  UNION ALL SELECT at, id, value FROM audit INDEXED BY audit_object
    WHERE tenant = ?1 AND json_extract(value, '$.object') = ?2 AND json_extract(value, '$.actor') IS NOT ?2 ${behind}
  ORDER BY at DESC, id DESC LIMIT ?3`;

export const recordSql = {
  listKeys: 'SELECT value FROM keys WHERE tenant = ? ORDER BY slot',
  keyInSlot: 'SELECT value FROM keys WHERE tenant = ? AND slot = ?',
  insertKey: 'INSERT INTO keys (tenant, slot, value) VALUES (?, ?, ?)',
  addToCounter: `INSERT INTO counters (tenant, key, count, ends_at) VALUES (?1, ?2, ?3, ?4 + ?5)
    ON CONFLICT (tenant, key) DO UPDATE SET
      count = CASE WHEN ends_at <= ?5 THEN excluded.count ELSE count + excluded.count END,
      ends_at = CASE WHEN ends_at <= ?5 THEN excluded.ends_at ELSE ends_at END
    RETURNING count, ends_at AS endsAt`,
  findCounter: 'SELECT count, ends_at AS endsAt FROM counters WHERE tenant = ? AND key = ? AND ends_at > ?',
  resetCounter: 'DELETE FROM counters WHERE tenant = ? AND key = ?',
  recordUse: `INSERT INTO usage (tenant, client_id, sub, count, last_used_at) VALUES (?, ?, ?, 1, ?)
    ON CONFLICT (tenant, client_id, sub) DO UPDATE SET
      count = count + 1, last_used_at = max(last_used_at, excluded.last_used_at)`,
  reportUse: `SELECT client_id AS clientId, sum(count) AS count, max(last_used_at) AS lastUsedAt,
    count(*) AS distinctUsers FROM usage WHERE tenant = ? GROUP BY client_id ORDER BY client_id`,
  appendAudit: 'INSERT INTO audit (tenant, id, at, value) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  listAudit: 'SELECT value FROM audit WHERE tenant = ? ORDER BY at DESC, id DESC LIMIT ?',
  listAuditBefore: `SELECT a.value FROM audit a JOIN audit b ON b.tenant = a.tenant AND b.id = ?
    WHERE a.tenant = ? AND (a.at, a.id) < (b.at, b.id) ORDER BY a.at DESC, a.id DESC LIMIT ?`,
  listAuditOf: auditOf(''),
  listAuditOfBefore: auditOf('AND (at, id) < (SELECT at, id FROM audit WHERE tenant = ?1 AND id = ?4)'),
} as const;

const toValue = <T>(row: unknown): T => JSON.parse((row as { value: string }).value);

export const createKeys = (connection: Connection, tenant: string): KeyRecords => ({
  list: () =>
    connection.read('key.list', (sql) =>
      sql(recordSql.listKeys)
        .all(tenant)
        .map((row) => toValue<KeyRecord>(row)),
    ),

  putIfAbsent: (key) =>
    connection.write('key.putIfAbsent', (sql) => {
      const stored = sql(recordSql.keyInSlot).get(tenant, key.slot);
      if (stored !== undefined) return toValue<KeyRecord>(stored);
      sql(recordSql.insertKey).run(tenant, key.slot, JSON.stringify(key));
      return { ...key };
    }),
});

export const createCounters = (connection: Connection, tenant: string): Counters => ({
  add: (key, { points, windowMs, nowMs }) =>
    connection.write('counter.add', (sql) => ({
      ...(sql(recordSql.addToCounter).get(tenant, key, points, windowMs, nowMs) as CounterState),
    })),

  find: (key, nowMs) =>
    connection.read('counter.find', (sql) => {
      const row = sql(recordSql.findCounter).get(tenant, key, nowMs) as CounterState | undefined;
      return row === undefined ? undefined : { ...row };
    }),

  reset: (key) =>
    connection.write('counter.reset', (sql) => {
      sql(recordSql.resetCounter).run(tenant, key);
    }),
});

export const createUsage = (connection: Connection, tenant: string): PasswordGrantUsage => ({
  record: ({ clientId, sub, nowMs }) =>
    connection.write('usage.record', (sql) => {
      sql(recordSql.recordUse).run(tenant, clientId, sub, nowMs);
    }),

  report: () =>
    connection.read('usage.report', (sql) =>
      sql(recordSql.reportUse)
        .all(tenant)
        .map((row) => ({ ...(row as PasswordGrantReport) })),
    ),
});

export const createAudit = (connection: Connection, tenant: string): AuditRecords => ({
  append: (record) =>
    connection.write('audit.append', (sql) => {
      sql(recordSql.appendAudit).run(tenant, record.id, record.at, JSON.stringify(record));
    }),

  list: ({ sub, beforeId, limit }) =>
    connection.read('audit.list', (sql) => {
      const ofAll = (): unknown[] =>
        beforeId === undefined
          ? sql(recordSql.listAudit).all(tenant, limit)
          : sql(recordSql.listAuditBefore).all(beforeId, tenant, limit);
      const ofOne = (account: string): unknown[] =>
        beforeId === undefined
          ? sql(recordSql.listAuditOf).all(tenant, account, limit)
          : sql(recordSql.listAuditOfBefore).all(tenant, account, limit, beforeId);
      return (sub === undefined ? ofAll() : ofOne(sub)).map((row) => toValue<AuditRecord>(row));
    }),
});
