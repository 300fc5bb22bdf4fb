import { errors } from 'jose';
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { definedOnly } from '../../defined-only.ts';
import { AppError, isAppError } from '../../errors.ts';

/** An error in the answer of an upstream, or one that openid-client finds in it. Contains no token. */
export interface ProtocolFailure {
  /** The upstream's `error`, or a code of the library. */
  readonly code: string;
  /** Does the error come from the upstream itself? */
  readonly isAnswer: boolean;
  /** HTTP status of an answer. */
  readonly status?: number;
  /** Fit for the log. */
  readonly detail: string;
  /** The upstream's own text: for comparing, never to be shown or logged. */
  readonly description?: string;
  /** Microsoft Entra's numbers. */
  readonly numbers: readonly number[];
}

const unavailable = 'The identity provider gives no usable answer';

/**
 * Distinguishes a refusal of the upstream from an outage.
 * @throws AppError `unavailable` for an upstream that gives no answer, or none of the protocol; `throttled` from the
 * transport; the error itself when it is a fault of ours
 */
export const protocolFailure = (error: unknown): ProtocolFailure => {
  const known = findAppError(error);
  if (known !== undefined) throw known;
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError)
    return answered(
      error.error,
      error.error_description,
      error instanceof ResponseBodyError ? { ...error.cause, status: error.status } : {},
    );
  if (error instanceof WWWAuthenticateChallengeError)
    return answered(error.cause[0]?.parameters.error ?? 'unauthorized', undefined, { status: error.status });
  if (error instanceof errors.JOSEError) return library(error.code, error.message);
  if (!(error instanceof ClientError)) throw error;
  const reason = reasonOf(error);
  if (isNoAnswer(error.code, reason))
    throw new AppError('unavailable', unavailable, { cause: error, detail: reason });
  return library(error.code ?? 'client_error', reason);
};

/** The same, but a pause that the upstream asks for counts as an outage. */
export const failureOrOutage = (error: unknown): ProtocolFailure => {
  try {
    return protocolFailure(error);
  } catch (thrown) {
    throw asOutage(thrown);
  }
};

/** An upstream that asks for a pause cannot be used now. */
export const asOutage = (error: unknown): unknown =>
  isAppError(error, 'throttled')
    ? new AppError('unavailable', 'The identity provider cannot be reached', {
        cause: error,
        ...definedOnly({ retryAfterSeconds: error.retryAfterSeconds }),
      })
    : error;

/** Did the upstream answer in no form of the protocol, neither what was asked for nor an error? */
export const isForeignAnswer = (error: unknown): boolean => {
  const known = findAppError(error);
  return known === undefined
    ? error instanceof ClientError
    : known.code === 'unavailable' && known.cause === undefined;
};

/** For the log. */
export const reasonFor = (error: unknown): string => {
  try {
    return protocolFailure(error).detail;
  } catch (thrown) {
    return thrown instanceof AppError ? (thrown.detail ?? thrown.message) : String(thrown);
  }
};

/**
 * Does the upstream not authenticate our client? The code is `invalid_client` (RFC 6749 section 5.2), in GitHub
 * `incorrect_client_credentials`, and in Keycloak `unauthorized_client` with the status 401.
 */
export const isClientRefused = ({ code, status }: ProtocolFailure): boolean =>
  ['invalid_client', 'incorrect_client_credentials', 'unauthorized'].includes(code) ||
  (code === 'unauthorized_client' && status === 401);

/** RFC 6749 section 5.2: what an operator has to mend here or there; the person has no part in it. */
const clientRefusals: ReadonlySet<string> = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_request',
  'invalid_scope',
]);

/** Does the upstream refuse our client, its grant or its request, until a setting is changed? */
export const isRefusalOfUs = (failure: ProtocolFailure): boolean =>
  failure.isAnswer && (isClientRefused(failure) || clientRefusals.has(failure.code));

/** The upstream refuses us, not the person. */
export const refusedUs = (failure: ProtocolFailure): AppError =>
  isRefusalOfUs(failure)
    ? new AppError('unavailable', `The identity provider refuses Drawbridge (${failure.code})`, {
        detail: `${failure.detail}: check the client of this source, here and there`,
        isLasting: true,
      })
    : new AppError('unavailable', unavailable, { detail: failure.detail });

const reasonOf = ({ cause, message }: ClientError): string => {
  if (cause instanceof Error) return cause.message;
  return cause instanceof Response ? `${message}: ${cause.status}` : message;
};

const findAppError = (error: unknown): AppError | undefined => {
  for (let one = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth += 1)
    if (one instanceof AppError) return one;
  return undefined;
};

const answered = (
  code: string,
  description: string | undefined,
  body: { readonly error_codes?: unknown; readonly status?: number },
): ProtocolFailure => {
  const shown = printable(code);
  return {
    code,
    isAnswer: true,
    detail: description === undefined ? shown : `${shown}: ${printable(description)}`,
    ...definedOnly({ description, status: body.status }),
    numbers: Array.isArray(body.error_codes)
      ? body.error_codes.filter((number): number is number => typeof number === 'number')
      : [],
  };
};

const library = (code: string, reason: string): ProtocolFailure => ({
  code,
  isAnswer: false,
  detail: `${code}: ${printable(reason)}`,
  numbers: [],
});

/** An answer outside the protocol: a proxy's page, a redirect, a server that is not the one in the file. */
const isNoAnswer = (code: string | undefined, reason: string): boolean => {
  switch (code) {
    case 'OAUTH_RESPONSE_IS_NOT_JSON':
    case 'OAUTH_RESPONSE_IS_NOT_CONFORM':
    case 'OAUTH_HTTP_REQUEST_FORBIDDEN':
    case 'OAUTH_REQUEST_PROTOCOL_FORBIDDEN':
    case 'OAUTH_MISSING_SERVER_METADATA':
    case 'OAUTH_INVALID_SERVER_METADATA':
    case 'OAUTH_TIMEOUT':
    case 'OAUTH_ABORT':
      return true;
    default:
      return code === 'OAUTH_PARSE_ERROR' && reason.includes('"response"');
  }
};

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The text of an upstream may repeat a code or a token: parts that could be one are left out. */
const printable = (text: string): string =>
  text
    .slice(0, 500)
    .replace(/\p{Cc}/gu, ' ')
    .replace(/[\w\-.~+/=]{20,}/g, (word) => (uuid.test(word) || /^[a-z_]+$/i.test(word) ? word : '…'))
    .slice(0, 200);
