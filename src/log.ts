import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

export interface LogSettings {
  readonly level: string;
}

const secretNames = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'client_secret',
  'client_assertion',
  'refresh_token',
  'access_token',
  'id_token',
  'token',
  'code_verifier',
  'device_code',
  'user_code',
];

/** One JSON line an event, to `destination` or standard output. Secrets by name are masked as a last resort. */
export const createLog = (settings: LogSettings, destination?: DestinationStream): Log =>
  pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretNames.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: '[secret]' },
    },
    ...(destination === undefined ? [] : [destination]),
  );
