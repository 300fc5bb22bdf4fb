import { AppError, isAppError } from '../../errors.ts';
import { cannotServeCodes, duplicateKey, primaryChangedCodes } from './error-codes.ts';

const propertyOf = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

/** The server found a document with the same value of a unique index. */
export const isDuplicate = (error: unknown): boolean => propertyOf(error, 'code') === duplicateKey;

/** True when it was the `_id`, not another unique index, that was taken. */
export const isDuplicateId = (error: unknown): boolean =>
  isDuplicate(error) && /index: _id_/.test(String(propertyOf(error, 'message')));

/** The error of one statement in the reply to a command; `index` is the position of the statement. */
export interface Refusal {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
}

export class RefusedWrite extends Error {
  readonly code: number;

  constructor({ code, errmsg }: Refusal) {
    super(errmsg);
    this.name = 'RefusedWrite';
    this.code = code;
  }
}

const serverErrors = ['MongoServerError', 'MongoBulkWriteError', 'MongoWriteConcernError', 'RefusedWrite'];

const isFromServer = (error: unknown): boolean => serverErrors.includes(String(propertyOf(error, 'name')));

/** The names of the driver's errors begin so; of them all, only `PoolClearedOnNetworkError` lacks `Mongo`. */
const ofDriver = /^(Mongo|PoolCleared)/;

/** When a connection ends while the driver writes to it, the driver throws the socket's own error. */
const brokenSockets: ReadonlySet<unknown> = new Set([
  ...['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'ERR_SOCKET_CLOSED'],
]);

const isBrokenSocket = (error: unknown): boolean => brokenSockets.has(propertyOf(error, 'code'));

/** The connection broke or the primary changed: it is unknown whether the command was executed; a retry may help. */
export const isBrokenOff = (error: unknown): boolean => {
  const name = String(propertyOf(error, 'name'));
  if (name === 'MongoNetworkTimeoutError') return false; // no time is left for another try
  return (
    isBrokenSocket(error) ||
    /^(Mongo(Network|PoolCleared)|PoolCleared)/.test(name) ||
    primaryChangedCodes.has(Number(propertyOf(error, 'code')))
  );
};

/** The store cannot serve now. Any other refusal of the server is a fault of ours. */
const isOutage = (error: unknown): boolean => {
  const name = String(propertyOf(error, 'name'));
  const code = propertyOf(error, 'code');
  // a batch of writes wraps an error of the driver's own, which has no code
  if (name === 'MongoBulkWriteError' && code === undefined)
    return isOutage(propertyOf(error, 'errorResponse'));
  // too few members of the replica set have confirmed the write
  if (name === 'MongoWriteConcernError') return true;
  // mongoose has no connection
  if (name === 'MongooseError') return true;
  if (isFromServer(error)) {
    // who expects a duplicate has handled it; here another writer was faster, and a retry may help
    if (isDuplicate(error)) return true;
    // the server says that it cannot serve
    return cannotServeCodes.has(Number(code));
  }
  // the connection broke under the driver
  if (isBrokenSocket(error)) return true;
  // we have called the driver wrongly
  if (name === 'MongoInvalidArgumentError' || name === 'MongoMissingDependencyError') return false;
  // the driver found no server, or lost it, or no time was left
  return ofDriver.test(name);
};

export const unavailable = (cause: unknown): AppError =>
  new AppError('unavailable', 'The store cannot be reached', {
    cause,
    detail: String(propertyOf(cause, 'message')),
    retryAfterSeconds: 1,
  });

/** The driver could not parse the URL or one of its options. */
export const isMalformedUrl = (error: unknown): boolean =>
  [
    'MongoParseError',
    'MongoRuntimeError',
    'MongoInvalidArgumentError',
    'MongoMissingCredentialsError',
  ].includes(String(propertyOf(error, 'name')));

export const malformedUrl = (cause: unknown): AppError =>
  new AppError('invalid_request', `The storage URL is wrong: ${String(propertyOf(cause, 'message'))}`, {
    cause,
  });

/** An outage of the connection or of the server becomes `unavailable`; any other error stays as it is. */
export const toStoreError = (error: unknown): unknown =>
  isAppError(error) || !isOutage(error) ? error : unavailable(error);
