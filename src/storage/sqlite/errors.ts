import { diskFaultOf } from '../../disk-fault.ts';
import { AppError, isAppError } from '../../errors.ts';

const busy = 5;
const locked = 6;
/** BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB: caused by disk or another process. */
const troubles = new Set([busy, locked, 8, 10, 11, 13, 14, 15, 26]);
const uniqueViolations = new Set([1555, 2067]);

const propertyOf = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

/** The extended result code (https://www.sqlite.org/rescode.html). */
const resultCode = (error: unknown): number | undefined => {
  const code = propertyOf(error, 'errcode');
  return typeof code === 'number' ? code : undefined;
};

export const isBusy = (error: unknown): boolean => {
  const code = resultCode(error);
  return code !== undefined && ((code & 0xff) === busy || (code & 0xff) === locked);
};

export const isUniqueViolation = (error: unknown): boolean => uniqueViolations.has(resultCode(error) ?? 0);

const isClosed = (error: unknown): boolean => propertyOf(error, 'code') === 'ERR_INVALID_STATE';

/** Errors of the disk and of the lock become `unavailable`; any other error is a fault of ours and is not changed. */
export const toStoreError = (error: unknown): unknown => {
  if (isAppError(error)) return error;
  const code = resultCode(error);
  const foreseen = code !== undefined && (troubles.has(code & 0xff) || uniqueViolations.has(code));
  if (!foreseen && !isClosed(error)) return error;
  return new AppError('unavailable', 'The store cannot be reached', {
    cause: error,
    detail: [diskFaultOf(error), String(propertyOf(error, 'message'))].filter(Boolean).join(': '),
    retryAfterSeconds: 1,
  });
};

/** The folder of the store cannot be used. @returns undefined when the fault is ours */
export const folderFailure = (folder: string, error: unknown): AppError | undefined => {
  const fault = diskFaultOf(error);
  if (fault === undefined) return undefined;
  return new AppError(
    'unavailable',
    `The data in ${folder} cannot be used: ${fault}. The folder is set by DRAWBRIDGE_STORAGE__URL.`,
    { cause: error },
  );
};
