import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { tlsFaultOf } from '../tls-fault.ts';

/** The one message that callers outside this folder see; the log has `detail` and `cause`. */
export const unreachable = (detail: string, cause?: unknown): AppError =>
  new AppError('unavailable', 'The directory cannot be reached', {
    detail,
    ...definedOnly({ cause }),
  });

export interface Misfit {
  /** For the person and their administrator; names no entry. */
  readonly reason: string;
  /** For the log. */
  readonly detail: string;
  readonly cause?: unknown;
}

/** The directory answers, but a setting there or here does not let it answer what a sign-in needs. */
export const misconfigured = ({ reason, detail, cause }: Misfit): AppError =>
  new AppError('unavailable', `The directory is not set up for this sign-in: ${reason}`, {
    detail,
    isLasting: true,
    ...definedOnly({ cause }),
  });

/** A connection or an operation failed. A certificate that is not accepted stays so until somebody changes it. */
export const failed = (what: string, cause: unknown): AppError => {
  const fault = tlsFaultOf(cause);
  return fault === undefined
    ? unreachable(`${what}: ${detailOf(cause)}`, cause)
    : misconfigured({
        reason: `TLS fails (${fault.code})`,
        detail: `${what}: ${detailOf(cause)} (${fault.code}): ${fault.advice}`,
        cause,
      });
};

export const detailOf = (error: unknown): string => {
  if (error instanceof AppError) return error.detail ?? error.message;
  return error instanceof Error ? error.message : 'it failed without a word';
};
