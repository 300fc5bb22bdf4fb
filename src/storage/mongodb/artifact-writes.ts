import type { Artifact, ArtifactWrite } from '../storage.ts';
import { artifactKey, fieldOf, keyOf, toDocument } from './artifact-documents.ts';
import type { ArtifactDocument } from './documents.ts';

/** One statement of an `update` command. */
interface Statement {
  readonly q: object;
  readonly u: object;
  readonly upsert?: boolean;
}

/** A removed artifact stays as an expired document without content until the server deletes it. */
const tombstone = (tenant: string, kind: string): Omit<ArtifactDocument, '_id'> => ({
  tenant,
  kind,
  payload: '',
  expiresAt: new Date(0),
});

const put = (
  tenant: string,
  { artifact, onlyIfStored = false }: ArtifactWrite & { op: 'put' },
  now: Date,
): Statement => ({
  q: { _id: keyOf(tenant, artifact), tenant, ...(onlyIfStored ? { expiresAt: { $gt: now } } : {}) },
  u: toDocument(tenant, artifact),
  upsert: !onlyIfStored,
});

const insert = (tenant: string, artifact: Artifact): Statement => ({
  q: { _id: keyOf(tenant, artifact), tenant },
  u: { $setOnInsert: toDocument(tenant, artifact) },
  upsert: true,
});

const remove = (tenant: string, { kind, id }: ArtifactWrite & { op: 'remove' }): Statement => ({
  q: { _id: artifactKey(tenant, kind, id), tenant },
  u: tombstone(tenant, kind),
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
): Statement => {
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
  const isLater = {
    $and: [{ $gt: ['$expiresAt', now] }, { $gt: ['$signedInAt', artifact.signedInAt ?? 0] }],
  };
  const merged = { $mergeObjects: [kept, literal(authorizations ?? {})] };
  const replaced = authorizations === undefined ? '$$REMOVE' : literal(authorizations);
  return {
    q: { _id: keyOf(tenant, artifact), tenant, ...(onlyIfStored ? { expiresAt: { $gt: now } } : {}) },
    u: [
      {
        $replaceWith: {
          $mergeObjects: [
            { $cond: [isLater, '$$ROOT', literal(plain)] },
            {
              _id: '$_id',
              authorizations: {
                $cond: [isSame, merged, { $cond: [isLater, '$authorizations', replaced] }],
              },
            },
          ],
        },
      },
    ],
    upsert: !onlyIfStored,
  };
};

type StatementWrite = Exclude<ArtifactWrite, { op: 'removeByGrant' }>;
type InsertWrite = ArtifactWrite & { op: 'insert' };

const statementOf = (tenant: string, write: StatementWrite, now: Date): Statement => {
  if (write.op === 'put') return put(tenant, write, now);
  if (write.op === 'insert') return insert(tenant, write.artifact);
  if (write.op === 'mergeSession') return mergeSession(tenant, write, now);
  return remove(tenant, write);
};

/** The commands of one trip. */
export type WriteStep =
  | { readonly documents: readonly ArtifactDocument[] }
  | { readonly statements: readonly Statement[] }
  | { readonly grantId: string };

const isInsert = (write: StatementWrite): write is InsertWrite => write.op === 'insert';

/** Artifacts that are only inserted, such as tokens, use `insert`: it costs less than an `update` that may insert. */
const stepOf = (tenant: string, writes: readonly StatementWrite[], now: Date): WriteStep =>
  writes.every(isInsert)
    ? {
        documents: writes.map(({ artifact }) => ({
          _id: keyOf(tenant, artifact),
          ...toDocument(tenant, artifact),
        })),
      }
    : { statements: writes.map((write) => statementOf(tenant, write, now)) };

export const planWrites = (
  tenant: string,
  writes: readonly ArtifactWrite[],
  now: Date,
): readonly WriteStep[] => {
  const steps: WriteStep[] = [];
  let together: StatementWrite[] = [];
  const finish = (): void => {
    if (together.length > 0) steps.push(stepOf(tenant, together, now));
    together = [];
  };
  for (const write of writes) {
    if (write.op === 'removeByGrant') {
      finish();
      steps.push({ grantId: write.grantId });
    } else {
      together.push(write);
    }
  }
  finish();
  return steps;
};
