import type { Clock } from '../../clock.ts';
import type { Connection } from './connection.ts';

const tenantTables = ['artifacts', 'accounts', 'keys', 'counters', 'usage', 'audit'] as const;
type TenantTable = (typeof tenantTables)[number];

/** So many rows a step: a writer of a request never waits long behind the housekeeping. */
const rowsPerStep = 500;

const primaryKeys: Readonly<Record<TenantTable, string>> = {
  artifacts: 'tenant, kind, id',
  accounts: 'tenant, sub',
  keys: 'tenant, slot',
  counters: 'tenant, key',
  usage: 'tenant, client_id, sub',
  audit: 'tenant, id',
};

const deleteSome = (table: TenantTable, condition: string): string =>
  `DELETE FROM ${table} WHERE (${primaryKeys[table]}) IN
    (SELECT ${primaryKeys[table]} FROM ${table} WHERE ${condition} LIMIT ${rowsPerStep})`;

/** Skips from one tenant to the next through the primary key instead of reading all rows. */
const tenantsOf = (table: TenantTable): string => `
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

export const sweep = async (connection: Connection, clock: Clock): Promise<number> => {
  const now = clock.now();
  const artifacts = deleteSome('artifacts', 'expires_at <= ?');
  const counters = deleteSome('counters', 'ends_at <= ?');
  return (
    (await deleteAll(connection, { name: 'sweep', text: artifacts, values: [Math.floor(now / 1000)] })) +
    (await deleteAll(connection, { name: 'sweep', text: counters, values: [now] }))
  );
};

export const dropEphemeral = async (connection: Connection): Promise<void> => {
  for (const table of ['artifacts', 'counters'] as const) {
    await deleteAll(connection, { name: 'dropEphemeral', text: deleteSome(table, 'TRUE'), values: [] });
  }
};
