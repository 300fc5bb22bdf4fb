import { isNativeError } from 'node:util/types';

/** The result of a check. The message of any finding but `ok` contains the remedy. */
export interface Finding {
  readonly about: string;
  readonly verdict: 'ok' | 'warning' | 'problem';
  readonly message: string;
}

type Find = (about: string, message: string) => Finding;

export const ok: Find = (about, message) => ({ about, verdict: 'ok', message });
export const warning: Find = (about, message) => ({ about, verdict: 'warning', message });
export const problem: Find = (about, message) => ({ about, verdict: 'problem', message });

/** `fetch failed` alone says nothing: its cause does. */
export const reasonOfFetch = (error: unknown): string => {
  const failure = isNativeError(error) && error.cause !== undefined ? error.cause : error;
  return isNativeError(failure) ? failure.message : String(failure);
};

/** The message for a check that failed with an error. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
