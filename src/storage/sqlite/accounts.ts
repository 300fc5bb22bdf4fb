import type { AccountRecord, AccountRecords } from '../storage.ts';
import { accountSql, toAccount } from './account-rows.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

const isAnyLoginTaken = (sql: Statements, tenant: string, account: AccountRecord): boolean =>
  account.logins.some((login) => {
    const owner = sql(accountSql.loginOwner).get(tenant, login) as { sub: string } | undefined;
    return owner !== undefined && owner.sub !== account.sub;
  });

const setLogins = (sql: Statements, tenant: string, account: AccountRecord): void => {
  sql(accountSql.removeLogins).run(tenant, account.sub);
  for (const login of new Set(account.logins)) sql(accountSql.addLogin).run(tenant, login, account.sub);
};

/** Inserts or replaces. False when a login belongs to somebody else; nothing is written then. */
export const putAccount = (sql: Statements, tenant: string, account: AccountRecord): boolean => {
  if (isAnyLoginTaken(sql, tenant, account)) return false;
  sql(accountSql.put).run(tenant, account.sub, JSON.stringify(account));
  setLogins(sql, tenant, account);
  return true;
};

export const createAccounts = (connection: Connection, tenant: string): AccountRecords => ({
  findBySub: (sub) =>
    connection.read('account.findBySub', (sql) => toAccount(sql(accountSql.bySub).get(tenant, sub))),

  findByLogin: (login) =>
    connection.read('account.findByLogin', (sql) => toAccount(sql(accountSql.byLogin).get(tenant, login))),

  insert: (account) =>
    connection.write('account.insert', (sql) => {
      if (sql(accountSql.bySub).get(tenant, account.sub) !== undefined) return false;
      return putAccount(sql, tenant, account);
    }),

  update: (sub, patch, expectedVersion) =>
    connection.write('account.update', (sql) => {
      const stored = toAccount(sql(accountSql.bySub).get(tenant, sub));
      if (stored === undefined) return false;
      if (expectedVersion !== undefined && stored.version !== expectedVersion) return false;
      const {
        sub: _sub,
        createdAt: _createdAt,
        version: _version,
        ...changes
      } = patch as Partial<AccountRecord>;
      return putAccount(sql, tenant, { ...stored, ...changes, version: stored.version + 1 });
    }),

  list: ({ afterSub, limit }) =>
    connection.read('account.list', (sql) =>
      sql(accountSql.list)
        .all(tenant, afterSub ?? '', limit)
        .map(toAccount)
        .filter((account) => account !== undefined),
    ),

  count: () =>
    connection.read('account.count', (sql) => (sql(accountSql.count).get(tenant) as { n: number }).n),
});
