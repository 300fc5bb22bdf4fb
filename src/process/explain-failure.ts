import { diskFaultOf } from '../disk-fault.ts';
import { isAppError } from '../errors.ts';

/** The explanation of an error that ended the process, for the person who started it. */
export const explainFailure = (error: unknown): string => {
  if (isAppError(error)) {
    const because = error.cause instanceof Error ? `Because: ${error.cause.message}` : undefined;
    return [error.message, error.detail, because].filter((line) => line !== undefined).join('\n');
  }
  const fault = diskFaultOf(error);
  if (fault !== undefined) return `${pathOf(error)} cannot be used: ${fault}.\n${String(error)}`;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `This is a fault in Drawbridge itself. Please report it with these lines:\n${stack}`;
};

const pathOf = (error: unknown): string => {
  const { path, dest } = error as { path?: unknown; dest?: unknown }; // an error of a file, as the caller knows
  return [dest, path].find((name) => typeof name === 'string') ?? 'A file';
};
