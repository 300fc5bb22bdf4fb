import { isAppError } from '../../errors.ts';
import type { SourceFinding } from '../connector.ts';

export type Note = (verdict: SourceFinding['verdict'], about: string, message: string) => void;

/** The description of an error itself, without the data of its cause. */
export const reasonOf = (error: unknown): string => {
  if (isAppError(error)) return [error.message, error.detail].filter((text) => text !== undefined).join(': ');
  return error instanceof Error ? error.message : 'unknown';
};
