import { definedOnly } from '../../defined-only.ts';
import type { AccountRecord } from '../storage.ts';
import type { ApiKeyRecord, ApiKeyRecords } from '../storage-api-keys.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

const columns = 'k.value, k.last_used_at, k.last_used_from';

/** As in the index. */
const noticeAt = "json_extract(value, '$.noticeAt')";

export const apiKeySql = {
  put: `INSERT INTO api_keys (tenant, id, sub, value, only_of, expires_at, last_used_at, last_used_from)
    VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (tenant, id) DO UPDATE
    SET value = excluded.value, only_of = excluded.only_of, expires_at = excluded.expires_at`,
  find: `SELECT ${columns} FROM api_keys k WHERE k.tenant = ? AND k.id = ?`,
  onlyOf: 'SELECT id FROM api_keys WHERE tenant = ? AND only_of = ?',
  ofPublicId: 'SELECT id FROM api_key_secrets WHERE tenant = ? AND public_id = ?',
  findByPublicId: `SELECT ${columns}, a.value AS owner FROM api_key_secrets s
    JOIN api_keys k ON k.tenant = s.tenant AND k.id = s.id
    LEFT JOIN accounts a ON a.tenant = k.tenant AND a.sub = k.sub
    WHERE s.tenant = ? AND s.public_id = ?`,
  list: `SELECT ${columns} FROM api_keys k WHERE k.tenant = ? AND k.id > ? ORDER BY k.id LIMIT ?`,
  listOf: `SELECT ${columns} FROM api_keys k WHERE k.tenant = ? AND k.sub = ? AND k.id > ? ORDER BY k.id LIMIT ?`,
  expiring: `SELECT ${columns} FROM api_keys k WHERE k.tenant = ? AND k.expires_at < ?
    AND (k.expires_at, k.id) > (?, ?) ORDER BY k.expires_at, k.id LIMIT ?`,
  dueForNotice: `SELECT ${columns} FROM api_keys k WHERE k.tenant = ? AND ${noticeAt} <= ? ORDER BY ${noticeAt} LIMIT ?`,
  noticed: `UPDATE api_keys SET value = json_remove(value, '$.noticeAt') WHERE tenant = ? AND id = ? AND ${noticeAt} = ?`,
  /** Skips from one tenant that has such keys to the next. */
  tenantsWithDueNotices: `WITH RECURSIVE found (tenant) AS (
      SELECT ''
      UNION ALL
      SELECT (SELECT k.tenant FROM api_keys k WHERE k.tenant > found.tenant AND ${noticeAt} IS NOT NULL
        ORDER BY k.tenant LIMIT 1)
      FROM found WHERE found.tenant IS NOT NULL
    ) SELECT tenant FROM found WHERE EXISTS (SELECT 1 FROM api_keys k
      WHERE k.tenant = found.tenant AND ${noticeAt} <= ?)`,
  used: `UPDATE api_keys SET last_used_at = ?3, last_used_from = ?4
    WHERE tenant = ?1 AND id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?3 - ?5)`,
  remove: 'DELETE FROM api_keys WHERE tenant = ? AND id = ?',
  removeSecrets: 'DELETE FROM api_key_secrets WHERE tenant = ? AND id = ?',
  addSecret: 'INSERT INTO api_key_secrets (tenant, public_id, id) VALUES (?,?,?)',
} as const;

interface ApiKeyRow {
  readonly value: string;
  readonly last_used_at: number | null;
  readonly last_used_from: string | null;
}

const toApiKey = (row: unknown): ApiKeyRecord | undefined => {
  if (row === undefined) return undefined;
  const { value, last_used_at: lastUsedAt, last_used_from: lastUsedFrom } = row as ApiKeyRow;
  const uses = { lastUsedAt: lastUsedAt ?? undefined, lastUsedFrom: lastUsedFrom ?? undefined };
  return { ...JSON.parse(value), ...definedOnly(uses) };
};

/** Inserts or replaces, and keeps the use of the one that is replaced. False when a public id or the place of an only key is taken. */
export const putApiKey = (sql: Statements, tenant: string, key: ApiKeyRecord): boolean => {
  const { lastUsedAt, lastUsedFrom, ...stored } = key;
  const isElsewhere = (row: unknown): boolean => row !== undefined && (row as { id: string }).id !== key.id;
  if (key.isOnly === true && isElsewhere(sql(apiKeySql.onlyOf).get(tenant, key.sub))) return false;
  for (const { publicId } of key.secrets)
    if (isElsewhere(sql(apiKeySql.ofPublicId).get(tenant, publicId))) return false;
  sql(apiKeySql.put).run(
    tenant,
    key.id,
    key.sub,
    JSON.stringify(stored),
    key.isOnly === true ? key.sub : null,
    key.expiresAt ?? null,
    lastUsedAt ?? null,
    lastUsedFrom ?? null,
  );
  sql(apiKeySql.removeSecrets).run(tenant, key.id);
  for (const { publicId } of key.secrets) sql(apiKeySql.addSecret).run(tenant, publicId, key.id);
  return true;
};

export const createApiKeys = (connection: Connection, tenant: string): ApiKeyRecords => ({
  insert: (key) =>
    connection.write('apiKey.insert', (sql) =>
      sql(apiKeySql.find).get(tenant, key.id) === undefined ? putApiKey(sql, tenant, key) : false,
    ),

  find: (id) => connection.read('apiKey.find', (sql) => toApiKey(sql(apiKeySql.find).get(tenant, id))),

  findByPublicId: (publicId) =>
    connection.read('apiKey.findByPublicId', (sql) => {
      const row = sql(apiKeySql.findByPublicId).get(tenant, publicId);
      const key = toApiKey(row);
      if (key === undefined) return undefined;
      const { owner } = row as { readonly owner: string | null };
      return owner === null ? { key } : { key, owner: JSON.parse(owner) as AccountRecord };
    }),

  list: ({ sub, afterId = '', limit }) =>
    connection.read('apiKey.list', (sql) => {
      const rows =
        sub === undefined
          ? sql(apiKeySql.list).all(tenant, afterId, limit)
          : sql(apiKeySql.listOf).all(tenant, sub, afterId, limit);
      return rows.flatMap((row) => toApiKey(row) ?? []);
    }),

  expiring: ({ beforeMs, after = { expiresAt: 0, id: '' }, limit }) =>
    connection.read('apiKey.expiring', (sql) =>
      sql(apiKeySql.expiring)
        .all(tenant, beforeMs, after.expiresAt, after.id, limit)
        .flatMap((row) => toApiKey(row) ?? []),
    ),

  replace: (key) =>
    connection.write('apiKey.replace', (sql) => {
      const stored = toApiKey(sql(apiKeySql.find).get(tenant, key.id));
      return stored?.version === key.version - 1 && putApiKey(sql, tenant, key);
    }),

  dueForNotice: ({ nowMs, limit }) =>
    connection.read('apiKey.dueForNotice', (sql) =>
      sql(apiKeySql.dueForNotice)
        .all(tenant, nowMs, limit)
        .flatMap((row) => toApiKey(row) ?? []),
    ),

  noticed: (id, at) =>
    connection.write('apiKey.noticed', (sql) => sql(apiKeySql.noticed).run(tenant, id, at).changes === 1),

  used: (id, { nowMs, address, minimumGapMs }) =>
    connection.write('apiKey.used', (sql) => {
      sql(apiKeySql.used).run(tenant, id, nowMs, address, minimumGapMs);
    }),

  remove: (id) =>
    connection.write('apiKey.remove', (sql) => {
      const stored = toApiKey(sql(apiKeySql.find).get(tenant, id));
      if (stored !== undefined) sql(apiKeySql.remove).run(tenant, id);
      return stored;
    }),
});

export const tenantsWithDueKeyNotices = (connection: Connection, nowMs: number): Promise<readonly string[]> =>
  connection.read('apiKey.noticeTenants', (sql) =>
    (sql(apiKeySql.tenantsWithDueNotices).all(nowMs) as { tenant: string }[]).map(({ tenant }) => tenant),
  );
