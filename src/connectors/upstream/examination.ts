import { isAppError } from '../../errors.ts';
import type { SourceFinding } from '../connector.ts';

export type Note = (verdict: SourceFinding['verdict'], about: string, message: string) => void;

/** What an error says about itself; never its cause's data. */
export const reasonOf = (error: unknown): string => {
  if (isAppError(error)) return [error.message, error.detail].filter((text) => text !== undefined).join(': ');
  return error instanceof Error ? error.message : 'unknown';
};
