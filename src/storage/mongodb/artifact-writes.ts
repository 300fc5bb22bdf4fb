import type { mongo } from 'mongoose';
import { type PlannedWrite, planSessionRemovals, sessionIdLimit } from '../session-renewal.ts';
import type { Artifact, ArtifactWrite } from '../storage.ts';
import { artifactKey, fieldOf, fieldsOf, keyOf, toDocument } from './artifact-documents.ts';
import type { ArtifactDocument } from './documents.ts';

export type Operation = mongo.AnyBulkWriteOperation<ArtifactDocument>;

/** What is left of a removed artifact until the server deletes it: nothing of it, and expired. */
const tombstone = (tenant: string, kind: string): Omit<ArtifactDocument, '_id'> => ({
  tenant,
  kind,
  payload: '',
  expiresAt: new Date(0),
});

const put = (tenant: string, artifact: Artifact): Operation => ({
  replaceOne: {
    filter: { _id: keyOf(tenant, artifact), tenant },
    replacement: toDocument(tenant, artifact),
    upsert: true,
  },
});

const insert = (tenant: string, artifact: Artifact): Operation => ({
  updateOne: {
    filter: { _id: keyOf(tenant, artifact), tenant },
    update: { $setOnInsert: toDocument(tenant, artifact) },
    upsert: true,
  },
});

/** A statement of its own, because the id may be one of a session that a later write of the batch goes on with. */
const endSession = (tenant: string, id: string, spared?: string): Operation => ({
  replaceOne: {
    filter: { tenant, sids: id, ...(spared === undefined ? {} : { _id: { $ne: spared } }) },
    replacement: tombstone(tenant, 'Session'),
  },
});

/** `$literal`, because a plain string that begins with `$` would be read as the name of a field. */
const literal = (value: unknown) => ({ $literal: value });

const without = (array: string, dropped: readonly string[]) => ({
  $filter: { input: array, cond: { $not: [{ $in: ['$$this', literal(dropped)] }] } },
});

/**
 * One pipeline, so that the server decides and merges in one atomic step. All expressions of the stage see the
 * document as it was before.
 */
const mergeSession = (
  tenant: string,
  write: ArtifactWrite & { op: 'mergeSession' },
  context: { readonly now: Date; readonly removedIds: readonly string[] },
): Operation => {
  const { artifact, removed } = write;
  const { sids: _, authorizations, ...plain } = toDocument(tenant, artifact);
  const isSame = {
    $and: [
      { $gt: ['$expiresAt', context.now] },
      plain.account === undefined
        ? { $eq: [{ $type: '$account' }, 'missing'] }
        : { $eq: ['$account', literal(plain.account)] },
    ],
  };
  const kept =
    removed.length === 0
      ? '$authorizations'
      : {
          $arrayToObject: {
            $filter: {
              input: { $objectToArray: '$authorizations' },
              cond: { $not: [{ $in: ['$$this.k', literal(removed.map(fieldOf))] }] },
            },
          },
        };
  const given = fieldsOf(artifact.authorizations ?? {});
  const formerIds = { $cond: [isSame, without('$sids', [artifact.id, ...context.removedIds]), []] };
  const optional = { links: plain.links, account: plain.account };
  return {
    updateOne: {
      filter: { _id: keyOf(tenant, artifact), tenant },
      update: [
        {
          $set: {
            kind: 'Session',
            payload: literal(plain.payload),
            expiresAt: plain.expiresAt,
            ...Object.fromEntries(
              Object.entries(optional).map(([name, value]) => [
                name,
                value === undefined ? '$$REMOVE' : literal(value),
              ]),
            ),
            sids: { $slice: [{ $concatArrays: [literal([artifact.id]), formerIds] }, sessionIdLimit] },
            authorizations: {
              $cond: [
                isSame,
                { $mergeObjects: [kept, literal(given)] },
                authorizations === undefined ? '$$REMOVE' : literal(given),
              ],
            },
          },
        },
      ],
      upsert: true,
    },
  };
};

const removedSessionIds = (writes: readonly ArtifactWrite[]): readonly string[] =>
  writes.flatMap((write) => (write.op === 'remove' && write.kind === 'Session' ? [write.id] : []));

const operationsOf = (
  tenant: string,
  write: Exclude<PlannedWrite, { op: 'removeByGrant' }>,
  context: { readonly now: Date; readonly removedIds: readonly string[] },
): readonly Operation[] => {
  if (write.op === 'remove') {
    if (write.kind !== 'Session') {
      const filter = { _id: artifactKey(tenant, write.kind, write.id), tenant };
      return [{ replaceOne: { filter, replacement: tombstone(tenant, write.kind) } }];
    }
    const { sparedUid } = write;
    const spared = sparedUid === undefined ? undefined : artifactKey(tenant, 'Session', sparedUid);
    return [endSession(tenant, write.id, spared)];
  }
  if (write.op === 'insert') return [insert(tenant, write.artifact)];
  const { artifact } = write;
  const main = write.op === 'put' ? put(tenant, artifact) : mergeSession(tenant, write, context);
  // An id belongs to one session: should another uid come under it, the former session ends.
  return artifact.kind === 'Session'
    ? [endSession(tenant, artifact.id, keyOf(tenant, artifact)), main]
    : [main];
};

/** What one trip writes: statements of one `update` command, or the removal of a grant's artifacts. */
export type WriteStep = { readonly operations: Operation[] } | { readonly grantId: string };

export const planWrites = (
  tenant: string,
  writes: readonly ArtifactWrite[],
  now: Date,
): readonly WriteStep[] => {
  const steps: WriteStep[] = [];
  const context = { now, removedIds: removedSessionIds(writes) };
  let operations: Operation[] = [];
  for (const write of planSessionRemovals(writes)) {
    if (write.op === 'removeByGrant') {
      if (operations.length > 0) steps.push({ operations });
      operations = [];
      steps.push({ grantId: write.grantId });
    } else {
      operations.push(...operationsOf(tenant, write, context));
    }
  }
  if (operations.length > 0) steps.push({ operations });
  return steps;
};
