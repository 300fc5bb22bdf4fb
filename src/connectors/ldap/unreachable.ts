import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';

/** The one message that callers outside this folder see; the log has `detail` and `cause`. */
export const unreachable = (detail: string, cause?: unknown): AppError =>
  new AppError('unavailable', 'The directory cannot be reached', {
    detail,
    ...definedOnly({ cause }),
  });

export const detailOf = (error: unknown): string => {
  if (error instanceof AppError) return error.detail ?? error.message;
  return error instanceof Error ? error.message : 'it failed without a word';
};
