import type { Clock } from '../../clock.ts';
import { definedOnly } from '../../defined-only.ts';
import type { LogoutDeliveries, LogoutDelivery } from '../storage-endings.ts';
import { pendingUntil, settledUntil } from '../storage-endings.ts';
import type { Connection } from './connection.ts';

const columns =
  'id, client_id, sub, sid, reason, created_at, state, attempts, next_attempt_at, last_attempt_at, last_outcome';

export const deliverySql = {
  addDelivery: `INSERT INTO deliveries (tenant, expires_at, ${columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)
    ON CONFLICT DO NOTHING`,
  claimDelivery: `UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = ?3
    WHERE tenant = ?1 AND id = (SELECT id FROM deliveries WHERE tenant = ?1 AND state = 'pending'
      AND next_attempt_at <= ?2 AND expires_at > ?2 ORDER BY next_attempt_at LIMIT 1)
    RETURNING ${columns}`,
  settleDelivery: `UPDATE deliveries SET state = ?3, next_attempt_at = ?4, last_attempt_at = ?5, last_outcome = ?6,
    expires_at = coalesce(?7, expires_at) WHERE tenant = ?1 AND id = ?2 AND state <> 'delivered'`,
  listDeliveries: `SELECT ${columns} FROM deliveries WHERE tenant = ? AND expires_at > ? ORDER BY id DESC LIMIT ?`,
  listDeliveriesBefore: `SELECT ${columns} FROM deliveries
    WHERE tenant = ? AND id < ? AND expires_at > ? ORDER BY id DESC LIMIT ?`,
  /** Skips from one tenant that has pending ones to the next. */
  tenantsWithDue: `WITH RECURSIVE found (tenant) AS (
      SELECT ''
      UNION ALL
      SELECT (SELECT d.tenant FROM deliveries d WHERE d.state = 'pending' AND d.tenant > found.tenant
        ORDER BY d.tenant LIMIT 1)
      FROM found WHERE found.tenant IS NOT NULL
    ) SELECT tenant FROM found WHERE EXISTS (SELECT 1 FROM deliveries d
      WHERE d.tenant = found.tenant AND d.state = 'pending' AND d.next_attempt_at <= ?1 AND d.expires_at > ?1)`,
} as const;

interface DeliveryRow {
  readonly id: string;
  readonly client_id: string;
  readonly sub: string;
  readonly sid: string;
  readonly reason: string;
  readonly created_at: number;
  readonly state: LogoutDelivery['state'];
  readonly attempts: number;
  readonly next_attempt_at: number;
  readonly last_attempt_at: number | null;
  readonly last_outcome: string | null;
}

const toDelivery = (row: DeliveryRow): LogoutDelivery => ({
  id: row.id,
  clientId: row.client_id,
  sub: row.sub,
  sid: row.sid,
  reason: row.reason,
  createdAt: row.created_at,
  state: row.state,
  attempts: row.attempts,
  nextAttemptAt: row.next_attempt_at,
  ...definedOnly({
    lastAttemptAt: row.last_attempt_at ?? undefined,
    lastOutcome: row.last_outcome ?? undefined,
  }),
});

/** In the order of `columns`. */
const toValues = (delivery: LogoutDelivery) => [
  delivery.id,
  delivery.clientId,
  delivery.sub,
  delivery.sid,
  delivery.reason,
  delivery.createdAt,
  delivery.state,
  delivery.attempts,
  delivery.nextAttemptAt,
  delivery.lastAttemptAt ?? null,
  delivery.lastOutcome ?? null,
];

export const createDeliveries = (connection: Connection, clock: Clock, tenant: string): LogoutDeliveries => ({
  add: (deliveries) =>
    connection.write('delivery.add', (sql) => {
      for (const delivery of deliveries) {
        sql(deliverySql.addDelivery).run(tenant, pendingUntil(delivery.createdAt), ...toValues(delivery));
      }
    }),

  claim: (nowMs, leaseUntilMs) =>
    connection.write('delivery.claim', (sql) => {
      const row = sql(deliverySql.claimDelivery).get(tenant, nowMs, leaseUntilMs);
      return row === undefined ? undefined : toDelivery(row as DeliveryRow); // the statement returns `columns`
    }),

  settle: (id, { state, nextAttemptAt, lastAttemptAt, lastOutcome }) =>
    connection.write('delivery.settle', (sql) => {
      const expiresAt = state === 'pending' ? null : settledUntil(lastAttemptAt);
      const outcome = [state, nextAttemptAt, lastAttemptAt, lastOutcome, expiresAt];
      sql(deliverySql.settleDelivery).run(tenant, id, ...outcome);
    }),

  list: ({ beforeId, limit }) =>
    connection.read('delivery.list', (sql) => {
      const now = clock.now();
      const rows =
        beforeId === undefined
          ? sql(deliverySql.listDeliveries).all(tenant, now, limit)
          : sql(deliverySql.listDeliveriesBefore).all(tenant, beforeId, now, limit);
      return rows.map((row) => toDelivery(row as DeliveryRow)); // the statements select `columns`
    }),
});

export const tenantsWithDueDeliveries = (connection: Connection, nowMs: number): Promise<readonly string[]> =>
  connection.read('delivery.tenants', (sql) =>
    (sql(deliverySql.tenantsWithDue).all(nowMs) as { tenant: string }[]).map(({ tenant }) => tenant),
  );
