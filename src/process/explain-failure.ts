import { isAppError } from '../errors.ts';

/** The explanation of an error that ended the process, for the person who started it. */
export const explainFailure = (error: unknown): string => {
  if (isAppError(error)) {
    const because = error.cause instanceof Error ? `Because: ${error.cause.message}` : undefined;
    return [error.message, error.detail, because].filter((line) => line !== undefined).join('\n');
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `This is a fault in Drawbridge itself. Please report it with these lines:\n${stack}`;
};
