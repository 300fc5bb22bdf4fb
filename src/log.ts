import { type DestinationStream, type Logger, pino } from 'pino';
import { definedOnly } from './defined-only.ts';
import { AppError } from './errors.ts';

export type Log = Logger;

export interface LogSettings {
  readonly level: string;
}

const secretNames: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-api-secret',
  'password',
  'client_secret',
  'client_assertion',
  'refresh_token',
  'access_token',
  'id_token',
  'token',
  'subject_token',
  'secret',
  'code_verifier',
  'device_code',
  'user_code',
]);

/**
 * Writes one JSON line for each event, to `destination` or standard output. The fields of a line are chosen one by one;
 * as a last resort fields with the name of a secret are masked, two levels deep.
 */
export const createLog = (settings: LogSettings, destination?: DestinationStream): Log =>
  pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => withoutSecrets(fields, 2) },
      serializers: { err: (error: unknown) => describeError(error) },
    },
    ...(destination === undefined ? [] : [destination]),
  );

const withoutSecrets = (fields: Record<string, unknown>, depth: number): Record<string, unknown> => {
  let masked = fields;
  for (const [name, value] of Object.entries(fields)) {
    const shown = secretNames.has(name)
      ? '[secret]'
      : isPlain(value) && depth > 1
        ? withoutSecrets(value, depth - 1)
        : value;
    if (shown === value) continue;
    if (masked === fields) masked = { ...fields };
    masked[name] = shown;
  }
  return masked;
};

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly detail?: string;
  readonly cause?: LoggedError;
}

const causesShown = 5;

/**
 * Only the fields of an error that are known to be harmless: libraries attach requests, contexts and bodies to their
 * errors, and pino's own serializer would print them.
 */
const describeError = (error: unknown, depth = causesShown): LoggedError => {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'something that is no Error was thrown' };
  const { code } = error as { code?: unknown }; // of the system, or AppError's
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...definedOnly({ stack: error.stack }),
    ...(error instanceof AppError && error.detail !== undefined ? { detail: error.detail } : {}),
    ...(error.cause === undefined || depth === 0 ? {} : { cause: describeError(error.cause, depth - 1) }),
  };
};
