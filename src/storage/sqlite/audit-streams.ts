import { definedOnly } from '../../defined-only.ts';
import {
  type AuditStreamState,
  type AuditStreams,
  longestLeaseMs,
  longestPauseMs,
} from '../storage-audit-streams.ts';
import type { Connection } from './connection.ts';

const columns = 'target, seq, failures, next_attempt_at, last_attempt_at, last_outcome';

export const auditStreamSql = {
  claim: `INSERT INTO audit_streams (tenant, target, seq, failures, next_attempt_at, holder, lease_until)
      VALUES (?1, ?2, 0, 0, 0, ?3, ?4)
    ON CONFLICT (tenant, target) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
      WHERE (next_attempt_at <= ?5 OR next_attempt_at > ?5 + ${longestPauseMs})
        AND (lease_until <= ?5 OR lease_until > ?5 + ${longestLeaseMs} OR holder = excluded.holder)
    RETURNING ${columns}`,
  settle: `UPDATE audit_streams SET seq = ?, failures = ?, next_attempt_at = ?, last_attempt_at = ?, last_outcome = ?,
      lease_until = ? WHERE tenant = ? AND target = ? AND holder = ?`,
  list: `SELECT ${columns} FROM audit_streams WHERE tenant = ? ORDER BY target`,
} as const;

interface Row {
  readonly target: string;
  readonly seq: number;
  readonly failures: number;
  readonly next_attempt_at: number;
  readonly last_attempt_at: number | null;
  readonly last_outcome: string | null;
}

/** @param row of a statement that returns `columns` */
const toState = (row: unknown): AuditStreamState => {
  const { seq, failures, next_attempt_at, last_attempt_at, last_outcome } = row as Row;
  return {
    ...{ seq, failures, nextAttemptAt: next_attempt_at },
    ...definedOnly({ lastAttemptAt: last_attempt_at ?? undefined, lastOutcome: last_outcome ?? undefined }),
  };
};

export const createAuditStreams = (connection: Connection, tenant: string): AuditStreams => ({
  claim: (target, { holder, leaseUntilMs, nowMs }) =>
    connection.write('auditStream.claim', (sql) => {
      const row = sql(auditStreamSql.claim).get(tenant, target, holder, leaseUntilMs, nowMs);
      return row === undefined ? undefined : toState(row);
    }),

  settle: (target, state, { holder, leaseUntilMs }) =>
    connection.write('auditStream.settle', (sql) => {
      const { seq, failures, nextAttemptAt, lastAttemptAt = null, lastOutcome = null } = state;
      const values = [seq, failures, nextAttemptAt, lastAttemptAt, lastOutcome, leaseUntilMs];
      return Number(sql(auditStreamSql.settle).run(...values, tenant, target, holder).changes) === 1;
    }),

  list: () =>
    connection.read('auditStream.list', (sql) =>
      (sql(auditStreamSql.list).all(tenant) as Row[]).map((row) => ({
        target: row.target,
        ...toState(row),
      })),
    ),
});
