import type { mongo } from 'mongoose';
import type { Artifact, ArtifactWrite } from '../storage.ts';
import { artifactKey, fieldOf, keyOf, toDocument } from './artifact-documents.ts';
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

const remove = (tenant: string, { kind, id }: ArtifactWrite & { op: 'remove' }): Operation => ({
  replaceOne: {
    filter: { _id: artifactKey(tenant, kind, id), tenant },
    replacement: tombstone(tenant, kind),
  },
});

/** `$literal`, because a plain string that begins with `$` would be read as the name of a field. */
const literal = (value: unknown) => ({ $literal: value });

/**
 * One pipeline, so that the server decides and merges in one atomic step. All expressions of the stage see the
 * document as it was before.
 */
const mergeSession = (
  tenant: string,
  { artifact, removed, onlyIfStored = false }: ArtifactWrite & { op: 'mergeSession' },
  now: Date,
): Operation => {
  const { authorizations, ...plain } = toDocument(tenant, artifact);
  const isSame = {
    $and: [
      { $gt: ['$expiresAt', now] },
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
  const merged = { $mergeObjects: [kept, literal(authorizations ?? {})] };
  const replaced = authorizations === undefined ? '$$REMOVE' : literal(authorizations);
  return {
    updateOne: {
      filter: {
        _id: keyOf(tenant, artifact),
        tenant,
        ...(onlyIfStored ? { expiresAt: { $gt: now } } : {}),
      },
      update: [
        {
          $replaceWith: {
            $mergeObjects: [
              literal(plain),
              { _id: '$_id', authorizations: { $cond: [isSame, merged, replaced] } },
            ],
          },
        },
      ],
      upsert: !onlyIfStored,
    },
  };
};

const operationOf = (
  tenant: string,
  write: Exclude<ArtifactWrite, { op: 'removeByGrant' }>,
  now: Date,
): Operation => {
  if (write.op === 'put') return put(tenant, write.artifact);
  if (write.op === 'insert') return insert(tenant, write.artifact);
  if (write.op === 'mergeSession') return mergeSession(tenant, write, now);
  return remove(tenant, write);
};

/** What one trip writes: statements of one `update` command, or the removal of a grant's artifacts. */
export type WriteStep = { readonly operations: Operation[] } | { readonly grantId: string };

export const planWrites = (
  tenant: string,
  writes: readonly ArtifactWrite[],
  now: Date,
): readonly WriteStep[] => {
  const steps: WriteStep[] = [];
  let operations: Operation[] = [];
  for (const write of writes) {
    if (write.op === 'removeByGrant') {
      if (operations.length > 0) steps.push({ operations });
      operations = [];
      steps.push({ grantId: write.grantId });
    } else {
      operations.push(operationOf(tenant, write, now));
    }
  }
  if (operations.length > 0) steps.push({ operations });
  return steps;
};
