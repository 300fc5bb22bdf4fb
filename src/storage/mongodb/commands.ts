import type { mongo } from 'mongoose';
import { isBrokenOff, type Refusal } from './errors.ts';
import { commandLimitMs } from './limits.ts';

interface Reply {
  readonly cursor?: { readonly id: unknown; readonly firstBatch: readonly mongo.Document[] };
  readonly writeErrors?: readonly Refusal[];
}

export type RunCommand = (command: mongo.Document) => Promise<Reply>;

/** The options `reading` and `writing` of limits.ts, as fields of a command. */
export const commandReading = { readConcern: { level: 'majority' }, maxTimeMS: commandLimitMs } as const;
export const commandWriting = {
  writeConcern: { w: 'majority', j: true, wtimeout: commandLimitMs },
  maxTimeMS: commandLimitMs,
} as const;

/**
 * Sends a command as it is: the driver's cursors and bulk writes take more CPU time than the command itself. The
 * driver does not repeat such a command, so after a broken connection or a change of the primary it is sent a second
 * time here, once. That is safe, because each command sent here is idempotent: a document is replaced as a whole,
 * inserted if absent, merged by setting the same entries, or removed. A write of another request between the two
 * counts as an earlier one.
 */
export const createRunCommand = (database: mongo.Db): RunCommand => {
  const run = (command: mongo.Document): Promise<Reply> =>
    database.command(command, { enableUtf8Validation: false });
  return async (command) => {
    try {
      return await run(command);
    } catch (error) {
      if (!isBrokenOff(error)) throw error;
      return run(command);
    }
  };
};
