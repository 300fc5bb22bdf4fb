import { STATUS_CODES } from 'node:http';
import { errorIdOfRequest } from '../current-request.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError, type AppErrorCode, isAppError } from '../errors.ts';

/** An error as the client may see it. */
export interface Problem {
  readonly status: number;
  /** Protocol error code or one of ours, such as `not_found`. */
  readonly code: string;
  /** Never a stack, a secret or a cause. */
  readonly description?: string;
  /** The same in the answer and in the log. */
  readonly errorId: string;
  readonly retryAfterSeconds?: number;
}

/** The same whether an address, its tenant or its host is unknown. */
export const nothingHere = (): AppError => new AppError('not_found', 'There is nothing at this address');

const statuses: Readonly<Record<AppErrorCode, number>> = {
  invalid_request: 400,
  forbidden: 403,
  not_found: 404,
  throttled: 429,
  unavailable: 503,
};

const defaultRetrySeconds = 5;

/** The one form of error ids: long enough that no two are the same, short enough to be read out on the telephone. */
export const newErrorId = (): string => errorIdOfRequest();

const codeOfStatus = (status: number): string =>
  (STATUS_CODES[status] ?? 'error').toLowerCase().replace(/[^a-z]+/g, '_');

/** koa, its body parser and send mark in their errors whether the client may see them (`expose`). */
const isExposed = (error: unknown): error is Error & { readonly status: number } =>
  error instanceof Error &&
  'expose' in error &&
  error.expose === true &&
  'status' in error &&
  typeof error.status === 'number' &&
  error.status >= 400 &&
  error.status < 500;

/** Converts anything that was thrown. An unknown error is a fault of ours: 500, without any detail. */
export const problemOf = (error: unknown): Problem => {
  const errorId = newErrorId();
  if (isAppError(error)) {
    const status = error.isLasting ? 500 : statuses[error.code];
    const isTemporary = status === 429 || status === 503;
    const retryAfterSeconds = error.retryAfterSeconds ?? (isTemporary ? defaultRetrySeconds : undefined);
    return {
      status,
      code: error.isLasting ? 'misconfigured' : error.code,
      description: error.message,
      errorId,
      ...definedOnly({ retryAfterSeconds }),
    };
  }
  if (isExposed(error)) {
    return { status: error.status, code: codeOfStatus(error.status), description: error.message, errorId };
  }
  return { status: 500, code: 'server_error', errorId };
};

/** Header values are ASCII on one line. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 300);

/** The code is never the whole `x-error`: programs read it in the body. */
const sentenceOf = ({ status, code, description }: Omit<Problem, 'errorId'>): string => {
  if (description !== undefined && description !== '') return description;
  return status >= 500
    ? 'The server could not answer; its log says why, under the error id'
    : `The request was refused: ${code.replaceAll('_', ' ')}`;
};

/** `x-error` and `x-error-id` as docs/errors.md says, and `Retry-After` (RFC 9110 section 10.2.3). */
export const problemHeaders = (problem: Problem): Readonly<Record<string, string>> => ({
  'x-error': headerText(sentenceOf(problem)),
  'x-error-id': problem.errorId,
  ...(problem.retryAfterSeconds === undefined
    ? {}
    : { 'Retry-After': String(Math.max(1, Math.ceil(problem.retryAfterSeconds))) }),
});

/** RFC 9457; `code` and `error_id` are ours. The type `about:blank`: the status says what kind of problem it is. */
export const problemDetails = ({
  status,
  code,
  description,
  errorId,
}: Problem): Readonly<Record<string, string | number>> => ({
  type: 'about:blank',
  title: STATUS_CODES[status] ?? 'Error',
  status,
  ...definedOnly({ detail: description }),
  code,
  error_id: errorId,
});

/** The answer to a program. */
export const problemBody = ({ code, description, errorId }: Problem): Readonly<Record<string, string>> => ({
  error: code,
  ...definedOnly({ error_description: description }),
  error_id: errorId,
});
