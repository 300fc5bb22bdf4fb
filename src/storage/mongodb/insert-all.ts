import { commandWriting, type RunCommand } from './commands.ts';
import { isDuplicateId, RefusedWrite } from './errors.ts';

interface Insertion {
  readonly collection: string;
  readonly documents: readonly { readonly _id: string }[];
}

/** One command. An id that exists belongs to its first writer; any other refusal is an error. */
export const insertAll = async (run: RunCommand, { collection, documents }: Insertion): Promise<void> => {
  const { writeErrors = [] } = await run({
    insert: collection,
    documents,
    ordered: false,
    ...commandWriting,
  });
  const refused = writeErrors
    .map((refusal) => new RefusedWrite(refusal))
    .find((error) => !isDuplicateId(error));
  if (refused !== undefined) throw refused;
};
