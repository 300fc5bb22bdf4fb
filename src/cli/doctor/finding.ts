/** What a check of the doctor found. A message about anything but `ok` says what to do. */
export interface Finding {
  readonly about: string;
  readonly verdict: 'ok' | 'warning' | 'problem';
  readonly message: string;
}

type Find = (about: string, message: string) => Finding;

export const ok: Find = (about, message) => ({ about, verdict: 'ok', message });
export const warning: Find = (about, message) => ({ about, verdict: 'warning', message });
export const problem: Find = (about, message) => ({ about, verdict: 'problem', message });

/** Words for a check that could not be made. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
