import { type Clock, epochSeconds } from '../../clock.ts';
import { isTooSoon, slowDownSeconds } from '../polling.ts';
import { type PlannedWrite, planSessionRemovals, sessionIdLimit } from '../session-renewal.ts';
import type { Artifact, ArtifactKind, ArtifactRef, Artifacts, ArtifactWrite } from '../storage.ts';
import { accountSql, toAccount } from './account-rows.ts';
import { type ArtifactRow, artifactKey, toArtifact, toValues } from './artifact-rows.ts';
import { artifactSql } from './artifact-sql.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

/** kind, key, id: the first values of `toValues`, which a replacement keeps. */
const columnsOfKey = 3;

interface Scope {
  readonly tenant: string;
  readonly now: number;
}

const findKey = (
  sql: Statements,
  { tenant }: Scope,
  ref: { kind: ArtifactKind; id: string },
): string | undefined => {
  if (ref.kind !== 'Session') return ref.id;
  return (sql(artifactSql.keyOfSession).get(tenant, ref.id) as { key: string } | undefined)?.key;
};

const findByKey = (
  sql: Statements,
  { tenant, now }: Scope,
  ref: { kind: ArtifactKind; key: string | undefined },
) =>
  ref.key === undefined
    ? undefined
    : (sql(artifactSql.byKey).get(tenant, ref.kind, ref.key, now) as ArtifactRow | undefined);

const findArtifact = (sql: Statements, scope: Scope, ref: ArtifactRef): Artifact | undefined => {
  if ('userCode' in ref) {
    const row = sql(artifactSql.byUserCode).get(scope.tenant, ref.userCode, scope.now) as
      | ArtifactRow
      | undefined;
    return row === undefined ? undefined : toArtifact(row);
  }
  if ('uid' in ref) {
    const row = findByKey(sql, scope, { kind: 'Session', key: ref.uid });
    return row === undefined ? undefined : toArtifact(row);
  }
  const row = findByKey(sql, scope, { kind: ref.kind, key: findKey(sql, scope, ref) });
  return row === undefined ? undefined : toArtifact(row, ref.id);
};

const distinct = (values: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(values.filter((value) => value !== undefined)),
];

const load = (sql: Statements, scope: Scope, refs: readonly ArtifactRef[]) => {
  const found = refs.map((ref) => findArtifact(sql, scope, ref)).filter((artifact) => artifact !== undefined);
  const artifacts = [
    ...new Map(found.map((artifact) => [`${artifact.kind} ${artifact.id}`, artifact])).values(),
  ];
  const linked = [
    ...distinct(artifacts.map(({ grantId }) => grantId)).map((key) =>
      findByKey(sql, scope, { kind: 'Grant', key }),
    ),
    ...distinct(artifacts.map(({ sessionUid }) => sessionUid)).map((key) =>
      findByKey(sql, scope, { kind: 'Session', key }),
    ),
  ];
  const accounts = distinct(artifacts.map(({ accountId }) => accountId)).map((sub) =>
    toAccount(sql(accountSql.bySub).get(scope.tenant, sub)),
  );
  return {
    artifacts,
    linkedArtifacts: linked.filter((row) => row !== undefined).map((row) => toArtifact(row)),
    linkedAccounts: accounts.filter((account) => account !== undefined),
  };
};

/** An id belongs to one session: should another uid come under it, the former session ends. */
const addSessionId = (sql: Statements, scope: Scope, artifact: Artifact): void => {
  const key = artifactKey(artifact);
  const formerKey = findKey(sql, scope, artifact);
  if (formerKey !== undefined && formerKey !== key) {
    sql(artifactSql.remove).run(scope.tenant, 'Session', formerKey);
  }
  sql(artifactSql.addSessionId).run(scope.tenant, artifact.id, key);
  sql(artifactSql.removeOldSessionIds).run(scope.tenant, key, sessionIdLimit);
};

const freeUserCode = (sql: Statements, scope: Scope, { userCode }: Artifact): void => {
  if (userCode !== undefined) sql(artifactSql.removeExpiredUserCode).run(scope.tenant, userCode, scope.now);
};

const put = (sql: Statements, scope: Scope, artifact: Artifact): void => {
  freeUserCode(sql, scope, artifact);
  sql(artifactSql.put).run(scope.tenant, ...toValues(artifact));
  if (artifact.kind !== 'Session') return;
  sql(artifactSql.removeSessionIds).run(scope.tenant, artifactKey(artifact));
  addSessionId(sql, scope, artifact);
};

const insert = (sql: Statements, scope: Scope, artifact: Artifact): boolean => {
  if (artifact.kind === 'Session' && findKey(sql, scope, artifact) !== undefined) return false;
  freeUserCode(sql, scope, artifact);
  const { changes } = sql(artifactSql.insert).run(scope.tenant, ...toValues(artifact));
  if (Number(changes) === 0) return false;
  if (artifact.kind === 'Session') addSessionId(sql, scope, artifact);
  return true;
};

const mergeSession = (sql: Statements, scope: Scope, write: ArtifactWrite & { op: 'mergeSession' }): void => {
  const { artifact } = write;
  const stored = findByKey(sql, scope, { kind: 'Session', key: artifactKey(artifact) });
  if (stored === undefined || stored.account_id !== (artifact.accountId ?? null)) {
    put(sql, scope, artifact);
    return;
  }
  const authorizations = new Map(Object.entries(toArtifact(stored).authorizations ?? {}));
  for (const clientId of write.removed) authorizations.delete(clientId);
  for (const [clientId, value] of Object.entries(artifact.authorizations ?? {})) {
    authorizations.set(clientId, value);
  }
  const merged = { ...artifact, authorizations: Object.fromEntries(authorizations) };
  sql(artifactSql.put).run(scope.tenant, ...toValues(merged));
  addSessionId(sql, scope, artifact);
};

const remove = (sql: Statements, scope: Scope, write: PlannedWrite & { op: 'remove' }): void => {
  const key = findKey(sql, scope, write);
  if (key === undefined) return;
  if (write.sparedUid === key) sql(artifactSql.removeSessionId).run(scope.tenant, write.id);
  else sql(artifactSql.remove).run(scope.tenant, write.kind, key);
};

const apply = (sql: Statements, scope: Scope, write: PlannedWrite): void => {
  if (write.op === 'put') put(sql, scope, write.artifact);
  else if (write.op === 'insert') insert(sql, scope, write.artifact);
  else if (write.op === 'mergeSession') mergeSession(sql, scope, write);
  else if (write.op === 'remove') remove(sql, scope, write);
  else sql(artifactSql.removeByGrant).run(scope.tenant, write.grantId);
};

export const createArtifacts = (connection: Connection, clock: Clock, tenant: string): Artifacts => {
  const scope = (): Scope => ({ tenant, now: epochSeconds(clock) });
  return {
    load: (refs) => connection.read('load', (sql) => load(sql, scope(), refs)),

    write: (writes) =>
      connection.write('write', (sql) => {
        for (const write of planSessionRemovals(writes)) apply(sql, scope(), write);
      }),

    tryInsert: (artifact) =>
      connection.write('tryInsert', (sql) => {
        const now = scope();
        const key = artifactKey(artifact);
        if (findByKey(sql, now, { kind: artifact.kind, key }) !== undefined) return false;
        sql(artifactSql.remove).run(tenant, artifact.kind, key);
        return insert(sql, now, artifact);
      }),

    consume: (kind, id, nowMs) =>
      connection.write('consume', (sql) => {
        const now = scope();
        const key = findKey(sql, now, { kind, id });
        const row = findByKey(sql, now, { kind, key });
        if (row === undefined) return undefined;
        if (row.consumed_at !== null) return { won: false, consumedAt: row.consumed_at };
        sql(artifactSql.consume).run(nowMs, tenant, kind, row.key, now.now);
        return { won: true, consumedAt: nowMs };
      }),

    replaceInPhase: (artifact, from) =>
      connection.write('replaceInPhase', (sql) => {
        const { changes } = sql(artifactSql.replaceInPhase).run(
          ...toValues(artifact).slice(columnsOfKey),
          tenant,
          artifact.id,
          scope().now,
          JSON.stringify(from),
        );
        return Number(changes) === 1;
      }),

    poll: (id, nowMs, intervalSeconds) =>
      connection.write('poll', (sql) => {
        const row = findByKey(sql, scope(), { kind: 'DeviceCode', key: id });
        if (row === undefined) return undefined;
        const interval = row.poll_interval ?? intervalSeconds;
        const tooSoon = row.polled_at !== null && isTooSoon(nowMs - row.polled_at, interval);
        sql(artifactSql.notePoll).run(nowMs, tooSoon ? interval + slowDownSeconds : interval, tenant, id);
        return { artifact: toArtifact(row), tooSoon };
      }),
  };
};
