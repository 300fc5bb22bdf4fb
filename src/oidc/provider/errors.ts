import { errors } from 'oidc-provider';
import { type AppError, isAppError } from '../../errors.ts';

/** RFC 6585 section 4: too many requests. The waiting time is sent in `Retry-After`. */
export class TooManyRequests extends errors.OIDCProviderError {
  /** The app cannot do anything about it: the person sees our page. */
  override readonly allow_redirect = false;
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super(429, 'too_many_requests');
    this.error_description = `too many attempts, try again in ${retryAfterSeconds} seconds`;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * A server that Drawbridge needs does not answer, or a setting keeps it from doing so. Never redirected to a client: the
 * person sees our page.
 */
export class Unavailable extends errors.OIDCProviderError {
  override readonly allow_redirect = false;
  readonly retryAfterSeconds: number | undefined;

  constructor(cause: AppError) {
    const [status, code] = cause.isLasting
      ? ([500, 'server_error'] as const)
      : ([503, 'temporarily_unavailable'] as const);
    super(status, code, { cause });
    this.error_description = cause.isLasting
      ? cause.message
      : 'the service is temporarily unavailable, try again';
    this.expose = true;
    this.retryAfterSeconds = cause.isLasting ? undefined : (cause.retryAfterSeconds ?? 5);
    delete this.error_detail;
  }
}

/** RFC 8693 section 2.2.2: a subject token that is not acceptable is an `invalid_request`. */
export class InvalidSubjectToken extends errors.InvalidRequest {
  constructor() {
    super('the subject token is not valid');
  }
}

/** Converts our own errors into errors of the protocol. An unknown error is not converted: it becomes a 500. */
export const toProtocolError = (error: unknown): unknown => {
  if (isAppError(error, 'unavailable')) return new Unavailable(error);
  if (isAppError(error, 'throttled')) return new TooManyRequests(error.retryAfterSeconds ?? 60);
  return error;
};

/** Runs our own code inside of the provider, which can answer its own errors only. */
export const asProtocolErrors = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw toProtocolError(error);
  }
};

/** Seconds for the `Retry-After` header, when the error names them. */
export const retryAfterOf = (error: unknown): number | undefined =>
  error instanceof TooManyRequests || error instanceof Unavailable ? error.retryAfterSeconds : undefined;

/** The other direction, for work on the provider outside of its own routes. */
export const toAppError = (error: unknown): unknown => (error instanceof Unavailable ? error.cause : error);
