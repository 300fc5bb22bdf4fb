import type { AccountView } from './account-documents.ts';
import type { WriteStep } from './artifact-writes.ts';
import { commandReading, commandWriting, type RunCommand } from './commands.ts';
import type { ArtifactDocument } from './documents.ts';
import { RefusedWrite } from './errors.ts';
import { insertAll } from './insert-all.ts';
import { retryUpsert } from './limits.ts';

export interface LoadedDocument extends ArtifactDocument {
  readonly linkedArtifacts: readonly ArtifactDocument[];
  readonly linkedAccounts: readonly AccountView[];
}

/** The join runs by `_id`; an artifact without links joins nothing. */
const joins = [
  { $lookup: { from: 'artifacts', localField: 'links', foreignField: '_id', as: 'linkedArtifacts' } },
  { $lookup: { from: 'accounts', localField: 'account', foreignField: '_id', as: 'linkedAccounts' } },
];

/** One batch contains all results, because a ref has one document at most. */
export const findJoined = async (
  run: RunCommand,
  filter: object | undefined,
  limit: number,
): Promise<readonly LoadedDocument[]> => {
  const pipeline = [{ $match: filter }, ...joins];
  const { cursor } = await run({
    aggregate: 'artifacts',
    pipeline,
    cursor: { batchSize: limit + 1 },
    ...commandReading,
  });
  if (cursor === undefined || Number(cursor.id) !== 0) throw new Error('Too much was asked for in one load');
  return cursor.firstBatch as readonly LoadedDocument[]; // artifacts, with what the stages join
};

const updateAll = async (run: RunCommand, statements: readonly object[]): Promise<void> => {
  let rest = statements;
  await retryUpsert(async () => {
    const { writeErrors } = await run({
      update: 'artifacts',
      updates: rest,
      ordered: true,
      ...commandWriting,
    });
    const refusal = writeErrors?.[0];
    if (refusal === undefined) return;
    rest = rest.slice(refusal.index); // in order: all statements before it were executed
    throw new RefusedWrite(refusal);
  });
};

const removeByGrant = async (run: RunCommand, filter: { tenant: string; grantId: string }): Promise<void> => {
  const { writeErrors } = await run({
    delete: 'artifacts',
    deletes: [{ q: filter, limit: 0 }],
    ...commandWriting,
  });
  if (writeErrors?.[0] !== undefined) throw new RefusedWrite(writeErrors[0]);
};

export const runStep = (run: RunCommand, tenant: string, step: WriteStep): Promise<void> => {
  if ('documents' in step) return insertAll(run, { collection: 'artifacts', documents: step.documents });
  if ('statements' in step) return updateAll(run, step.statements);
  return removeByGrant(run, { tenant, grantId: step.grantId });
};
