import { type Clock, epochSeconds } from '../../clock.ts';
import { isTooSoon, slowDownSeconds } from '../polling.ts';
import type { Artifact, ArtifactRef, Artifacts, ArtifactWrite, Loaded } from '../storage.ts';
import { accountSql, toAccount } from './account-rows.ts';
import { type ArtifactRow, toArtifact, toValues } from './artifact-rows.ts';
import { artifactSql } from './artifact-sql.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

/** kind, id: the first values of `toValues`, which a replacement keeps. */
const columnsOfKey = 2;

/** The place in front of every sign-in. */
const beforeAll = { signedInAt: Number.MAX_SAFE_INTEGER, id: '' };

interface Scope {
  readonly tenant: string;
  readonly now: number;
}

const findRow = (sql: Statements, { tenant, now }: Scope, ref: ArtifactRef): ArtifactRow | undefined => {
  const row =
    'userCode' in ref
      ? sql(artifactSql.byUserCode).get(tenant, ref.userCode, now)
      : sql(artifactSql.byId).get(tenant, ref.kind, ref.id, now);
  return row as ArtifactRow | undefined; // the statements select the columns of a row
};

const distinct = (values: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(values.filter((value) => value !== undefined)),
];

const load = (sql: Statements, scope: Scope, refs: readonly ArtifactRef[]): Loaded => {
  const find = (ref: ArtifactRef): readonly Artifact[] => {
    const row = findRow(sql, scope, ref);
    return row === undefined ? [] : [toArtifact(row)];
  };
  const found = refs.flatMap(find);
  const artifacts = [
    ...new Map(found.map((artifact) => [`${artifact.kind} ${artifact.id}`, artifact])).values(),
  ];
  const accounts = distinct(artifacts.map(({ accountId }) => accountId)).map((sub) =>
    toAccount(sql(accountSql.bySub).get(scope.tenant, sub)),
  );
  return {
    artifacts,
    linkedArtifacts: [
      ...distinct(artifacts.map(({ grantId }) => grantId)).flatMap((id) => find({ kind: 'Grant', id })),
      ...distinct(artifacts.map(({ sessionUid }) => sessionUid)).flatMap((id) =>
        find({ kind: 'Session', id }),
      ),
    ],
    linkedAccounts: accounts.filter((account) => account !== undefined),
  };
};

const removeExpiredUserCode = (sql: Statements, scope: Scope, { userCode }: Artifact): void => {
  if (userCode !== undefined) sql(artifactSql.removeExpiredUserCode).run(scope.tenant, userCode, scope.now);
};

const put = (sql: Statements, scope: Scope, artifact: Artifact): void => {
  removeExpiredUserCode(sql, scope, artifact);
  sql(artifactSql.put).run(scope.tenant, ...toValues(artifact));
};

const insert = (sql: Statements, scope: Scope, artifact: Artifact): boolean => {
  removeExpiredUserCode(sql, scope, artifact);
  const { changes } = sql(artifactSql.insert).run(scope.tenant, ...toValues(artifact));
  return Number(changes) === 1;
};

const mergeSession = (sql: Statements, scope: Scope, write: ArtifactWrite & { op: 'mergeSession' }): void => {
  const { artifact } = write;
  const stored = findRow(sql, scope, { kind: 'Session', id: artifact.id });
  if (stored === undefined) {
    if (write.onlyIfStored !== true) put(sql, scope, artifact);
    return;
  }
  const isLater = (stored.signed_in_at ?? 0) > (artifact.signedInAt ?? 0);
  if (stored.account_id !== (artifact.accountId ?? null)) {
    if (!isLater) put(sql, scope, artifact);
    return;
  }
  const authorizations = new Map(Object.entries(toArtifact(stored).authorizations ?? {}));
  for (const clientId of write.removed) authorizations.delete(clientId);
  for (const [clientId, value] of Object.entries(artifact.authorizations ?? {})) {
    authorizations.set(clientId, value);
  }
  put(sql, scope, {
    ...(isLater ? toArtifact(stored) : artifact),
    authorizations: Object.fromEntries(authorizations),
  });
};

const apply = (sql: Statements, scope: Scope, write: ArtifactWrite): void => {
  if (write.op === 'put') {
    const { artifact } = write;
    if (write.onlyIfStored !== true || findRow(sql, scope, artifact) !== undefined) put(sql, scope, artifact);
  } else if (write.op === 'insert') insert(sql, scope, write.artifact);
  else if (write.op === 'mergeSession') mergeSession(sql, scope, write);
  else if (write.op === 'remove') sql(artifactSql.remove).run(scope.tenant, write.kind, write.id);
  else sql(artifactSql.removeByGrant).run(scope.tenant, write.grantId);
};

export const createArtifacts = (connection: Connection, clock: Clock, tenant: string): Artifacts => {
  const scope = (): Scope => ({ tenant, now: epochSeconds(clock) });
  const listOf = (
    name: 'sessionsOf' | 'gatewaySessionsOf',
    accountId: string,
  ): Promise<readonly Artifact[]> =>
    connection.read(
      name,
      (sql) =>
        sql(artifactSql[name])
          .all(tenant, accountId, scope().now)
          .map((row) => toArtifact(row as ArtifactRow)), // the statement selects the columns of a row
    );
  return {
    load: (refs) => connection.read('load', (sql) => load(sql, scope(), refs)),

    write: (writes) =>
      connection.write('write', (sql) => {
        for (const write of writes) apply(sql, scope(), write);
      }),

    tryInsert: (artifact) =>
      connection.write('tryInsert', (sql) => {
        const now = scope();
        if (findRow(sql, now, { kind: artifact.kind, id: artifact.id }) !== undefined) return false;
        sql(artifactSql.remove).run(tenant, artifact.kind, artifact.id);
        return insert(sql, now, artifact);
      }),

    consume: (kind, id, nowMs) =>
      connection.write('consume', (sql) => {
        const now = scope();
        const row = findRow(sql, now, { kind, id });
        if (row === undefined) return undefined;
        if (row.consumed_at !== null) return { won: false, consumedAt: row.consumed_at };
        sql(artifactSql.consume).run(nowMs, tenant, kind, id, now.now);
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
        const row = findRow(sql, scope(), { kind: 'DeviceCode', id });
        if (row === undefined) return undefined;
        const interval = row.poll_interval ?? intervalSeconds;
        const tooSoon = row.polled_at !== null && isTooSoon(nowMs - row.polled_at, interval);
        sql(artifactSql.notePoll).run(nowMs, tooSoon ? interval + slowDownSeconds : interval, tenant, id);
        return { artifact: toArtifact(row), tooSoon };
      }),

    sessionsOf: (accountId) => listOf('sessionsOf', accountId),

    gatewaySessionsOf: (accountId) => listOf('gatewaySessionsOf', accountId),

    gatewaySessionsWith: (sessionIds, limit) =>
      connection.read(
        'gatewaySessionsWith',
        (sql) =>
          sql(artifactSql.gatewaySessionsWith)
            .all(tenant, JSON.stringify(sessionIds), scope().now, limit)
            .map((row) => toArtifact(row as ArtifactRow)), // the statement selects the columns of a row
      ),

    signInsOf: (accountId, { kind, after = beforeAll, limit }) =>
      connection.read(
        'signInsOf',
        (sql) =>
          sql(artifactSql[`signInsBy${kind}`])
            .all(tenant, accountId, after.signedInAt, after.id, scope().now, limit)
            .map((row) => toArtifact(row as ArtifactRow)), // the statement selects the columns of a row
      ),

    grantsOf: (accountId, { afterId = '', limit }) =>
      connection.read(
        'grantsOf',
        (sql) =>
          sql(artifactSql.grantsOf)
            .all(tenant, accountId, afterId, scope().now, limit)
            .map((row) => toArtifact(row as ArtifactRow)), // the statement selects the columns of a row
      ),

    tokensOfGrant: (grantId) =>
      connection.read(
        'tokensOfGrant',
        (sql) =>
          sql(artifactSql.tokensOfGrant)
            .all(tenant, grantId, scope().now)
            .map((row) => toArtifact(row as ArtifactRow)), // the statement selects the columns of a row
      ),
  };
};
