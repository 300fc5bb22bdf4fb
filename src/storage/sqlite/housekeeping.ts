import type { Clock } from '../../clock.ts';
import { eventRetentionMs } from '../storage-endings.ts';
import type { Connection } from './connection.ts';

const tenantTables = [
  'artifacts',
  'accounts',
  'keys',
  'counters',
  'usage',
  'audit',
  'audit_links',
  'audit_checkpoints',
  'audit_streams',
  'deliveries',
  'mails',
  'devices',
  'pictures',
  'api_keys',
] as const;
type Table = (typeof tenantTables)[number] | 'events';

/** Rows for one step: a request that writes must not wait long for the housekeeping. */
const rowsPerStep = 500;

const primaryKeys: Readonly<Record<Table, string>> = {
  artifacts: 'tenant, kind, id',
  accounts: 'tenant, sub',
  keys: 'tenant, slot',
  counters: 'tenant, key',
  usage: 'tenant, client_id, sub',
  audit: 'tenant, id',
  audit_links: 'tenant, seq',
  audit_checkpoints: 'tenant, seq',
  audit_streams: 'tenant, target',
  deliveries: 'tenant, id',
  mails: 'tenant, id',
  devices: 'tenant, id',
  pictures: 'tenant, sub',
  api_keys: 'tenant, id',
  events: 'seq',
};

const deleteSome = (table: Table, condition: string): string =>
  `DELETE FROM ${table} WHERE (${primaryKeys[table]}) IN
    (SELECT ${primaryKeys[table]} FROM ${table} WHERE ${condition} LIMIT ${rowsPerStep})`;

/** Skips from one tenant to the next through the primary key instead of reading all rows. */
const tenantsOf = (table: Table): string => `
  WITH RECURSIVE found (tenant) AS (
    SELECT (SELECT tenant FROM ${table} ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT t.tenant FROM ${table} t WHERE t.tenant > found.tenant ORDER BY t.tenant LIMIT 1)
    FROM found WHERE found.tenant IS NOT NULL
  ) SELECT tenant FROM found WHERE tenant IS NOT NULL`;

export const listTenants = async (connection: Connection): Promise<readonly string[]> =>
  connection.read('listTenants', (sql) => {
    const rows = tenantTables.flatMap((table) => sql(tenantsOf(table)).all() as { tenant: string }[]);
    return [...new Set(rows.map(({ tenant }) => tenant))].sort();
  });

const deleteAll = async (
  connection: Connection,
  { name, text, values }: { name: string; text: string; values: readonly (string | number)[] },
): Promise<number> => {
  let total = 0;
  for (;;) {
    const removed = await connection.write(name, (sql) => Number(sql(text).run(...values).changes));
    total += removed;
    if (removed < rowsPerStep) return total;
  }
};

export const purgeTenant = async (connection: Connection, tenant: string): Promise<number> => {
  let total = 0;
  for (const table of tenantTables) {
    const text = deleteSome(table, 'tenant = ?');
    total += await deleteAll(connection, { name: 'purge', text, values: [tenant] });
  }
  return total;
};

/** The columns that hold the sub, in the order of removal. No index has them: this is rare, and runs in steps. */
const accountColumns = [
  ['artifacts', 'account_id'],
  ['api_keys', 'sub'],
  ['devices', 'sub'],
  ['pictures', 'sub'],
  ['mails', 'sub'],
  ['usage', 'sub'],
  ['accounts', 'sub'],
] as const;

export const purgeAccount = async (connection: Connection, tenant: string, sub: string): Promise<number> => {
  let total = 0;
  for (const [table, column] of accountColumns) {
    const text = deleteSome(table, `tenant = ? AND ${column} = ?`);
    total += await deleteAll(connection, { name: 'purge', text, values: [tenant, sub] });
  }
  return total;
};

export const sweep = async (connection: Connection, clock: Clock): Promise<number> => {
  const now = clock.now();
  const expired = [
    { text: deleteSome('artifacts', 'expires_at <= ?'), values: [Math.floor(now / 1000)] },
    { text: deleteSome('counters', 'ends_at <= ?'), values: [now] },
    { text: deleteSome('events', 'published_at <= ?'), values: [now - eventRetentionMs] },
    { text: deleteSome('deliveries', 'expires_at <= ?'), values: [now] },
    { text: deleteSome('mails', 'expires_at <= ?'), values: [now] },
    { text: deleteSome('devices', 'expires_at <= ?'), values: [now] },
  ];
  let total = 0;
  for (const step of expired) total += await deleteAll(connection, { name: 'sweep', ...step });
  return total;
};

export const dropEphemeral = async (connection: Connection): Promise<void> => {
  for (const table of ['artifacts', 'counters'] as const) {
    await deleteAll(connection, { name: 'dropEphemeral', text: deleteSome(table, 'TRUE'), values: [] });
  }
};
