/** The reason why the service gave no answer; the client may see all of it but `cause`, which is for the log. */
export interface TargetFailure {
  readonly status: 408 | 502 | 504;
  readonly code: 'request_timeout' | 'bad_gateway' | 'gateway_timeout';
  readonly description: string;
  readonly cause: unknown;
}

export const unreachable = (cause: unknown): TargetFailure => ({
  status: 502,
  code: 'bad_gateway',
  description: 'The service cannot be reached, or gave no answer that can be passed on',
  cause,
});

export const tooSlow = (cause: unknown): TargetFailure => ({
  status: 504,
  code: 'gateway_timeout',
  description: 'The service did not answer in time',
  cause,
});

export const clientTooSlow = (cause: unknown): TargetFailure => ({
  status: 408,
  code: 'request_timeout',
  description: 'The request did not arrive in time',
  cause,
});

export const failureOf = (error: NodeJS.ErrnoException): TargetFailure =>
  error.code === 'ETIMEDOUT' || error.code === 'UND_ERR_CONNECT_TIMEOUT'
    ? tooSlow(error)
    : unreachable(error);

const closedUnderUs: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** The error of a kept connection that the service has closed, which is noticed only when we write. */
export const isClosedUnderUs = ({ code }: NodeJS.ErrnoException): boolean => closedUnderUs.has(code);
