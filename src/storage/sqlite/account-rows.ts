import type { AccountRecord } from '../storage.ts';

/** As in the indexes. */
const deleteAt = "json_extract(value, '$.deleteAt')";
const emailUntil = "json_extract(value, '$.formerEmails[0].until')";

const dueBy = (time: string): string =>
  `SELECT value FROM accounts WHERE tenant = ? AND ${time} <= ? ORDER BY ${time} LIMIT ?`;

/** Skips from one tenant that has such accounts to the next. */
const tenantsDueBy = (time: string): string => `WITH RECURSIVE found (tenant) AS (
      SELECT ''
      UNION ALL
      SELECT (SELECT a.tenant FROM accounts a WHERE a.tenant > found.tenant AND ${time} IS NOT NULL
        ORDER BY a.tenant LIMIT 1)
      FROM found WHERE found.tenant IS NOT NULL
    ) SELECT tenant FROM found WHERE EXISTS (SELECT 1 FROM accounts a
      WHERE a.tenant = found.tenant AND ${time} <= ?)`;

export const accountSql = {
  bySub: 'SELECT value FROM accounts WHERE tenant = ? AND sub = ?',
  byLogin: `SELECT a.value FROM logins l JOIN accounts a ON a.tenant = l.tenant AND a.sub = l.sub
    WHERE l.tenant = ? AND l.login = ?`,
  byIdentity: `SELECT a.value FROM identities i JOIN accounts a ON a.tenant = i.tenant AND a.sub = i.sub
    WHERE i.tenant = ? AND i.key = ?`,
  identityOwner: 'SELECT sub FROM identities WHERE tenant = ? AND key = ?',
  loginOwner: 'SELECT sub FROM logins WHERE tenant = ? AND login = ?',
  insert: 'INSERT INTO accounts (tenant, sub, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  put: 'INSERT INTO accounts (tenant, sub, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  addLogin: 'INSERT INTO logins (tenant, login, sub) VALUES (?, ?, ?)',
  removeLogins: 'DELETE FROM logins WHERE tenant = ? AND sub = ?',
  addIdentity: 'INSERT INTO identities (tenant, key, sub) VALUES (?, ?, ?)',
  removeIdentities: 'DELETE FROM identities WHERE tenant = ? AND sub = ?',
  list: 'SELECT value FROM accounts WHERE tenant = ? AND sub > ? ORDER BY sub LIMIT ?',
  listSystem: `SELECT value FROM accounts WHERE tenant = ? AND sub > ? AND json_extract(value, '$.origin') = 'system'
    ORDER BY sub LIMIT ?`,
  dueForDeletion: dueBy(deleteAt),
  tenantsWithDueDeletions: tenantsDueBy(deleteAt),
  withEndedEmails: dueBy(emailUntil),
  tenantsWithEndedEmails: tenantsDueBy(emailUntil),
  count: 'SELECT count(*) AS n FROM accounts WHERE tenant = ?',
} as const;

export const toAccount = (row: unknown): AccountRecord | undefined =>
  row === undefined ? undefined : JSON.parse((row as { value: string }).value);
