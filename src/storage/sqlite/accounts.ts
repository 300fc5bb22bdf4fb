import type { AccountRecord, AccountRecords } from '../storage.ts';
import { accountSql, toAccount } from './account-rows.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

const isAnyNameTaken = (
  sql: Statements,
  tenant: string,
  { sub, logins, identityKeys = [] }: AccountRecord,
): boolean => {
  const isTaken = (ownerSql: string) => (name: string) => {
    const owner = sql(ownerSql).get(tenant, name) as { sub: string } | undefined;
    return owner !== undefined && owner.sub !== sub;
  };
  return logins.some(isTaken(accountSql.loginOwner)) || identityKeys.some(isTaken(accountSql.identityOwner));
};

const setNames = (
  sql: Statements,
  tenant: string,
  { sub, logins, identityKeys = [] }: AccountRecord,
): void => {
  sql(accountSql.removeLogins).run(tenant, sub);
  for (const login of new Set(logins)) sql(accountSql.addLogin).run(tenant, login, sub);
  sql(accountSql.removeIdentities).run(tenant, sub);
  for (const key of new Set(identityKeys)) sql(accountSql.addIdentity).run(tenant, key, sub);
};

/** Inserts or replaces. False when a login or identity key belongs to another account; nothing is written then. */
export const putAccount = (sql: Statements, tenant: string, account: AccountRecord): boolean => {
  if (isAnyNameTaken(sql, tenant, account)) return false;
  const { identityKeys = [], ...plain } = account;
  const stored = identityKeys.length === 0 ? plain : account;
  sql(accountSql.put).run(tenant, account.sub, JSON.stringify(stored));
  setNames(sql, tenant, account);
  return true;
};

export const createAccounts = (connection: Connection, tenant: string): AccountRecords => ({
  findBySub: (sub) =>
    connection.read('account.findBySub', (sql) => toAccount(sql(accountSql.bySub).get(tenant, sub))),

  findByLogin: (login) =>
    connection.read('account.findByLogin', (sql) => toAccount(sql(accountSql.byLogin).get(tenant, login))),

  findByIdentity: (identityKey) =>
    connection.read('account.findByIdentity', (sql) =>
      toAccount(sql(accountSql.byIdentity).get(tenant, identityKey)),
    ),

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

  list: ({ afterSub, origin, limit }) =>
    connection.read('account.list', (sql) =>
      sql(origin === undefined ? accountSql.list : accountSql.listSystem)
        .all(tenant, afterSub ?? '', limit)
        .map(toAccount)
        .filter((account) => account !== undefined),
    ),

  count: () =>
    connection.read('account.count', (sql) => (sql(accountSql.count).get(tenant) as { n: number }).n),

  dueForDeletion: ({ nowMs, limit }) =>
    connection.read('account.dueForDeletion', (sql) =>
      sql(accountSql.dueForDeletion)
        .all(tenant, nowMs, limit)
        .flatMap((row) => toAccount(row) ?? []),
    ),

  withEndedEmails: ({ nowMs, limit }) =>
    connection.read('account.withEndedEmails', (sql) =>
      sql(accountSql.withEndedEmails)
        .all(tenant, nowMs, limit)
        .flatMap((row) => toAccount(row) ?? []),
    ),
});

const tenantsDue =
  (name: string, text: string) =>
  (connection: Connection, nowMs: number): Promise<readonly string[]> =>
    connection.read(name, (sql) =>
      (sql(text).all(nowMs) as { tenant: string }[]).map(({ tenant }) => tenant),
    );

export const tenantsWithDueDeletions = tenantsDue('deletion.tenants', accountSql.tenantsWithDueDeletions);
export const tenantsWithEndedEmails = tenantsDue('endedEmails.tenants', accountSql.tenantsWithEndedEmails);
