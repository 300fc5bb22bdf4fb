import type { Clock } from '../../clock.ts';
import {
  pendingUntil,
  type QueueEntry,
  type QueueOutcome,
  type StoredQueue,
  settledUntil,
} from '../storage-queue.ts';
import type { Connection } from './connection.ts';

/** The members of an entry that the queue does not know, each with its column. */
type OwnColumns<Entry extends QueueEntry> = Readonly<Record<Exclude<keyof Entry, keyof QueueEntry>, string>>;

export interface QueueTable<Entry extends QueueEntry> {
  readonly name: string;
  readonly own: OwnColumns<Entry>;
  /** Column that is emptied when an entry is settled. */
  readonly emptied?: string;
}

const sharedColumns = {
  id: 'id',
  createdAt: 'created_at',
  state: 'state',
  attempts: 'attempts',
  nextAttemptAt: 'next_attempt_at',
  lastAttemptAt: 'last_attempt_at',
  lastOutcome: 'last_outcome',
} as const satisfies Readonly<Record<keyof QueueEntry, string>>;

export const queueSql = <Entry extends QueueEntry>({ name, own, emptied }: QueueTable<Entry>) => {
  const fields = Object.values<string>({ ...sharedColumns, ...own });
  const columns = fields.join(', ');
  const empty = emptied === undefined ? '' : `, ${emptied} = CASE ?3 WHEN 'pending' THEN ${emptied} END`;
  return {
    add: `INSERT INTO ${name} (tenant, expires_at, ${columns}) VALUES (?,?${',?'.repeat(fields.length)})
      ON CONFLICT DO NOTHING`,
    claim: `UPDATE ${name} SET attempts = attempts + 1, next_attempt_at = ?3
      WHERE tenant = ?1 AND id = (SELECT id FROM ${name} WHERE tenant = ?1 AND state = 'pending'
        AND next_attempt_at <= ?2 AND expires_at > ?2 ORDER BY next_attempt_at LIMIT 1)
      RETURNING ${columns}`,
    settle: `UPDATE ${name} SET state = ?3, next_attempt_at = ?4, last_attempt_at = ?5, last_outcome = ?6,
      expires_at = coalesce(?7, expires_at)${empty} WHERE tenant = ?1 AND id = ?2 AND state <> 'delivered'`,
    list: `SELECT ${columns} FROM ${name} WHERE tenant = ? AND expires_at > ? ORDER BY id DESC LIMIT ?`,
    listBefore: `SELECT ${columns} FROM ${name}
      WHERE tenant = ? AND id < ? AND expires_at > ? ORDER BY id DESC LIMIT ?`,
    /** Skips from one tenant that has pending ones to the next. */
    tenantsWithDue: `WITH RECURSIVE found (tenant) AS (
        SELECT ''
        UNION ALL
        SELECT (SELECT q.tenant FROM ${name} q WHERE q.state = 'pending' AND q.tenant > found.tenant
          ORDER BY q.tenant LIMIT 1)
        FROM found WHERE found.tenant IS NOT NULL
      ) SELECT tenant FROM found WHERE EXISTS (SELECT 1 FROM ${name} q
        WHERE q.tenant = found.tenant AND q.state = 'pending' AND q.next_attempt_at <= ?1 AND q.expires_at > ?1)`,
  };
};

export type QueueSql = ReturnType<typeof queueSql>;

export interface QueueParts<Entry extends QueueEntry> {
  readonly table: QueueTable<Entry>;
  readonly texts: QueueSql;
  /** The queue in the names of trips: `delivery.add`. */
  readonly trip: string;
  readonly clock: Clock;
  readonly tenant: string;
}

type Row = Readonly<Record<string, string | number | null>>;

const membersOf = <Entry extends QueueEntry>(table: QueueTable<Entry>) =>
  Object.entries<string>({ ...sharedColumns, ...table.own });

/** From a row with the columns of the statement `list`. */
export const entryOf =
  <Entry extends QueueEntry>(table: QueueTable<Entry>) =>
  (row: unknown): Entry => {
    const present = membersOf(table).flatMap(([member, column]) => {
      const value = (row as Row)[column]; // the statements select these columns
      return value === null || value === undefined ? [] : [[member, value]];
    });
    return Object.fromEntries(present) as Entry; // the columns hold what `toValues` wrote
  };

export const createQueue = <Entry extends QueueEntry>(
  connection: Connection,
  { table, texts, trip, clock, tenant }: QueueParts<Entry>,
): StoredQueue<Entry> => {
  const members = membersOf(table);
  const toEntry = entryOf(table);
  /** In the order of the columns. */
  const toValues = (entry: Entry) => {
    const values = entry as unknown as Row; // texts and numbers alone
    return members.map(([member]) => values[member] ?? null);
  };
  return {
    add: (entries) =>
      connection.write(`${trip}.add`, (sql) => {
        for (const entry of entries)
          sql(texts.add).run(tenant, pendingUntil(entry.createdAt), ...toValues(entry));
      }),

    claim: (nowMs, leaseUntilMs) =>
      connection.write(`${trip}.claim`, (sql) => {
        const row = sql(texts.claim).get(tenant, nowMs, leaseUntilMs);
        return row === undefined ? undefined : toEntry(row);
      }),

    settle: (id, { state, nextAttemptAt, lastAttemptAt, lastOutcome }: QueueOutcome) =>
      connection.write(`${trip}.settle`, (sql) => {
        const expiresAt = state === 'pending' ? null : settledUntil(lastAttemptAt);
        sql(texts.settle).run(tenant, id, state, nextAttemptAt, lastAttemptAt, lastOutcome, expiresAt);
      }),

    list: ({ beforeId, limit }) =>
      connection.read(`${trip}.list`, (sql) => {
        const now = clock.now();
        const rows =
          beforeId === undefined
            ? sql(texts.list).all(tenant, now, limit)
            : sql(texts.listBefore).all(tenant, beforeId, now, limit);
        return rows.map(toEntry);
      }),
  };
};

export const tenantsWithDue = (
  connection: Connection,
  { texts, trip }: Pick<QueueParts<QueueEntry>, 'texts' | 'trip'>,
  nowMs: number,
): Promise<readonly string[]> =>
  connection.read(`${trip}.tenants`, (sql) =>
    (sql(texts.tenantsWithDue).all(nowMs) as { tenant: string }[]).map(({ tenant }) => tenant),
  );
