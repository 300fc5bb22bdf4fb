import { AppError } from '../../errors.ts';
import type { AccountRecord } from '../storage.ts';
import type { ApiKeyRecord } from '../storage-api-keys.ts';
import type { AuditCheckpoint, AuditLink } from '../storage-audit-chain.ts';
import type { DeviceRecord } from '../storage-devices.ts';
import type { PictureRecord } from '../storage-pictures.ts';
import type { AuditRecord, StoredRecord } from '../storage-records.ts';
import { putAccount } from './accounts.ts';
import { putApiKey } from './api-keys.ts';
import type { Connection } from './connection.ts';
import { putDevice } from './devices.ts';
import { isUniqueViolation } from './errors.ts';
import { putPicture } from './pictures.ts';
import type { Statements } from './statements.ts';

const recordsPerStep = 200;

interface Source {
  readonly collection: StoredRecord['collection'];
  /** Selects tenant, key columns k1 and k2, and value after the given position. */
  readonly page: string;
}

const sources: readonly Source[] = [
  {
    collection: 'installation',
    page: `SELECT '' AS tenant, name AS k1, '' AS k2, value FROM installation
      WHERE ('', name, '') > (?, ?, ?) ORDER BY name LIMIT ?`,
  },
  {
    collection: 'keys',
    page: `SELECT tenant, slot AS k1, '' AS k2, value FROM keys
      WHERE (tenant, slot, '') > (?, ?, ?) ORDER BY tenant, slot LIMIT ?`,
  },
  {
    collection: 'accounts',
    page: `SELECT tenant, sub AS k1, '' AS k2, value FROM accounts
      WHERE (tenant, sub, '') > (?, ?, ?) ORDER BY tenant, sub LIMIT ?`,
  },
  {
    collection: 'usage',
    page: `SELECT tenant, client_id AS k1, sub AS k2,
        json_object('clientId', client_id, 'sub', sub, 'count', count, 'lastUsedAt', last_used_at) AS value
      FROM usage WHERE (tenant, client_id, sub) > (?, ?, ?) ORDER BY tenant, client_id, sub LIMIT ?`,
  },
  // before the records: a record that is written and linked meanwhile is then in the backup without its link, which is made anew
  {
    collection: 'auditCheckpoints',
    page: `SELECT tenant, CAST(seq AS TEXT) AS k1, '' AS k2, json_object('seq', seq, 'at', at, 'jws', jws) AS value
      FROM audit_checkpoints WHERE (tenant, seq) > (?1, CAST(?2 AS INTEGER)) ORDER BY tenant, seq LIMIT ?4`,
  },
  {
    collection: 'auditLinks',
    page: `SELECT tenant, CAST(seq AS TEXT) AS k1, '' AS k2, json_object('seq', seq, 'recordId', record_id,
        'digest', digest, 'hash', hash, 'mac', mac) AS value
      FROM audit_links WHERE (tenant, seq) > (?1, CAST(?2 AS INTEGER)) ORDER BY tenant, seq LIMIT ?4`,
  },
  {
    collection: 'audit',
    page: `SELECT tenant, id AS k1, '' AS k2, value FROM audit
      WHERE (tenant, id, '') > (?, ?, ?) ORDER BY tenant, id LIMIT ?`,
  },
  {
    collection: 'pictures',
    page: `SELECT tenant, sub AS k1, '' AS k2, json_object('sub', sub, 'id', id, 'data', data) AS value
      FROM pictures WHERE (tenant, sub, '') > (?, ?, ?) ORDER BY tenant, sub LIMIT ?`,
  },
  {
    collection: 'devices',
    page: `SELECT tenant, id AS k1, '' AS k2, json_patch('{}', json_object('id', id, 'sub', sub, 'clientId', client_id,
        'name', name, 'model', model, 'serial', serial, 'createdAt', created_at, 'lastSeenAt', last_seen_at,
        'grantId', grant_id, 'sessionId', session_id, 'expiresAt', expires_at)) AS value
      FROM devices WHERE (tenant, id, '') > (?, ?, ?) ORDER BY tenant, id LIMIT ?`,
  },
  {
    collection: 'apiKeys',
    page: `SELECT tenant, id AS k1, '' AS k2,
        json_patch(value, json_object('lastUsedAt', last_used_at, 'lastUsedFrom', last_used_from)) AS value
      FROM api_keys WHERE (tenant, id, '') > (?, ?, ?) ORDER BY tenant, id LIMIT ?`,
  },
];

interface PageRow {
  readonly tenant: string;
  readonly k1: string;
  readonly k2: string;
  readonly value: string;
}

/** The values of `installation` are plain text, all others JSON. */
const toRecord = (collection: StoredRecord['collection'], row: PageRow): StoredRecord => ({
  collection,
  tenant: row.tenant,
  key: collection === 'usage' ? JSON.stringify([row.k1, row.k2]) : row.k1,
  value: collection === 'installation' ? row.value : JSON.parse(row.value),
});

export async function* exportRecords(connection: Connection): AsyncIterable<StoredRecord> {
  for (const { collection, page } of sources) {
    let position: readonly [string, string, string] = ['', '', ''];
    for (;;) {
      const rows = await connection.read(
        'export',
        (sql) => sql(page).all(...position, recordsPerStep) as PageRow[],
      );
      for (const row of rows) yield toRecord(collection, row);
      const last = rows.at(-1);
      if (last === undefined) break;
      position = [last.tenant, last.k1, last.k2];
    }
  }
}

const refuse = (record: StoredRecord): never => {
  throw new AppError(
    'invalid_request',
    `The record ${record.collection} ${record.key} of tenant ${record.tenant} contradicts one that is stored; purge that tenant first`,
  );
};

const put = (sql: Statements, record: StoredRecord): void => {
  const { tenant, key, value } = record;
  if (record.collection === 'accounts') {
    if (!putAccount(sql, tenant, value as AccountRecord)) refuse(record);
  } else if (record.collection === 'keys') {
    sql('INSERT OR REPLACE INTO keys (tenant, slot, value) VALUES (?, ?, ?)').run(
      tenant,
      key,
      JSON.stringify(value),
    );
  } else if (record.collection === 'usage') {
    const use = value as { clientId: string; sub: string; count: number; lastUsedAt: number };
    sql(
      'INSERT OR REPLACE INTO usage (tenant, client_id, sub, count, last_used_at) VALUES (?, ?, ?, ?, ?)',
    ).run(tenant, use.clientId, use.sub, use.count, use.lastUsedAt);
  } else if (record.collection === 'audit') {
    sql('INSERT OR REPLACE INTO audit (tenant, id, at, value) VALUES (?, ?, ?, ?)').run(
      tenant,
      key,
      (value as AuditRecord).at,
      JSON.stringify(value),
    );
  } else if (record.collection === 'auditLinks') {
    const { seq, recordId, digest, hash, mac } = value as AuditLink;
    sql(
      'INSERT OR REPLACE INTO audit_links (tenant, seq, record_id, digest, hash, mac) VALUES (?, ?, ?, ?, ?, ?)',
    ).run(tenant, seq, recordId, digest, hash, mac);
  } else if (record.collection === 'auditCheckpoints') {
    const { seq, at, jws } = value as AuditCheckpoint;
    sql('INSERT OR REPLACE INTO audit_checkpoints (tenant, seq, at, jws) VALUES (?, ?, ?, ?)').run(
      tenant,
      seq,
      at,
      jws,
    );
  } else if (record.collection === 'pictures') {
    putPicture(sql, tenant, value as PictureRecord);
  } else if (record.collection === 'devices') {
    putDevice(sql, tenant, value as DeviceRecord);
  } else if (record.collection === 'apiKeys') {
    if (!putApiKey(sql, tenant, value as ApiKeyRecord)) refuse(record);
  } else {
    sql('INSERT OR REPLACE INTO installation (name, value) VALUES (?, ?)').run(key, value as string);
  }
};

const putOrRefuse = (sql: Statements, record: StoredRecord): void => {
  try {
    put(sql, record);
  } catch (error) {
    if (isUniqueViolation(error)) refuse(record);
    throw error;
  }
};

/** @throws AppError('invalid_request') when a record contradicts a stored one, such as by a login that is taken */
export const importRecords = async (
  connection: Connection,
  records: AsyncIterable<StoredRecord>,
): Promise<number> => {
  let total = 0;
  let batch: StoredRecord[] = [];
  const flush = async (): Promise<void> => {
    const step = batch;
    batch = [];
    await connection.write('import', (sql) => {
      for (const record of step) putOrRefuse(sql, record);
    });
    total += step.length;
  };
  for await (const record of records) {
    batch.push(record);
    if (batch.length === recordsPerStep) await flush();
  }
  if (batch.length > 0) await flush();
  return total;
};
