import { AppError, isAppError } from '../../errors.ts';

const duplicateKey = 11000;

/**
 * Answers of a server that is there but cannot serve now: time limits, stepping down, shutting down, a write
 * concern that could not be met, no right to do it. Everything else that a server refuses is a fault of ours.
 */
const troubles = new Set([
  ...[
    6, 7, 8, 13, 18, 24, 50, 63, 64, 89, 91, 100, 112, 133, 134, 150, 189, 202, 234, 262, 290, 314, 317, 358,
  ],
  ...[9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 14031, 46841],
]);

const propertyOf = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

/** The server found a document with the same value of a unique index. */
export const isDuplicate = (error: unknown): boolean => propertyOf(error, 'code') === duplicateKey;

/** True when it was the `_id`, not another unique index, that was taken. */
export const isDuplicateId = (error: unknown): boolean =>
  isDuplicate(error) && /index: _id_/.test(String(propertyOf(error, 'message')));

/** What the reply to a command says of one of its statements; `index` is the statement's place. */
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

/** Where a connection ends while the driver writes to it, the error of the socket comes through as it is. */
const brokenSockets: ReadonlySet<unknown> = new Set([
  ...['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'ERR_SOCKET_CLOSED'],
]);

const isBrokenSocket = (error: unknown): boolean => brokenSockets.has(propertyOf(error, 'code'));

/** The primary stepped down or is shutting down. */
const changes = new Set([91, 189, 10107, 11600, 11602, 13435, 13436]);

/** The connection broke or the primary changed: whether it was done nobody knows, and asking again may help. */
export const isBrokenOff = (error: unknown): boolean => {
  const name = String(propertyOf(error, 'name'));
  if (name === 'MongoNetworkTimeoutError') return false; // no time is left for another try
  return (
    isBrokenSocket(error) ||
    /^Mongo(Network|PoolCleared)/.test(name) ||
    changes.has(Number(propertyOf(error, 'code')))
  );
};

const isTrouble = (error: unknown): boolean => {
  const name = String(propertyOf(error, 'name'));
  const isWrapper = name === 'MongoBulkWriteError' && propertyOf(error, 'code') === undefined;
  if (isWrapper) return isTrouble(propertyOf(error, 'errorResponse'));
  if (name === 'MongoWriteConcernError' || name === 'MongooseError') return true;
  if (isFromServer(error)) return troubles.has(Number(propertyOf(error, 'code'))) || isDuplicate(error);
  if (isBrokenSocket(error)) return true;
  const isOurs = name === 'MongoInvalidArgumentError' || name === 'MongoMissingDependencyError';
  return name.startsWith('Mongo') && !isOurs;
};

export const unavailable = (cause: unknown): AppError =>
  new AppError('unavailable', 'The store cannot be reached', {
    cause,
    detail: String(propertyOf(cause, 'message')),
    retryAfterSeconds: 1,
  });

/** The driver could make no sense of the URL or of one of its options. */
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

/** Troubles on the way to the server and of the server become `unavailable`; anything else stays as it is. */
export const toStoreError = (error: unknown): unknown =>
  isAppError(error) || !isTrouble(error) ? error : unavailable(error);
