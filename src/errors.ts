/** The kind of failure; each protocol maps these to its own answers in one place. */
export type AppErrorCode = 'invalid_request' | 'not_found' | 'forbidden' | 'throttled' | 'unavailable';

export interface AppErrorOptions {
  readonly cause?: unknown;
  /** Goes to the log only, never into an answer. */
  readonly detail?: string;
  readonly retryAfterSeconds?: number;
  /** Of `unavailable`: a setting here or there must be changed first, so no answer may call it temporary. */
  readonly isLasting?: boolean;
}

/**
 * Something outside this program failed, or the request was wrong and the calling code cannot repair it.
 * `message` may be shown to the client; `cause` and `detail` are for the log.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: AppErrorCode;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly isLasting: boolean;

  constructor(code: AppErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.isLasting = options.isLasting === true;
  }
}

export const isAppError = (error: unknown, code?: AppErrorCode): error is AppError =>
  error instanceof AppError && (code === undefined || error.code === code);
