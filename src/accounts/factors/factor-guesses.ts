// Wrong answers to the question for a factor: those of all methods and places are counted together, in the account.
import type { AccountRecord } from '../../storage/storage.ts';
import type { FactorPatch } from './factor-change.ts';
import type { FactorThrottled } from './proven-factor.ts';

const guesses = { allowed: 10, windowMs: 3_600_000 } as const;

type Guessed = Pick<AccountRecord, 'factorGuesses'>;

/** Epoch milliseconds; undefined while answers are checked. */
export const throttledUntil = ({ factorGuesses }: Guessed, nowMs: number): number | undefined =>
  factorGuesses !== undefined && factorGuesses.count >= guesses.allowed && nowMs < factorGuesses.endsAt
    ? factorGuesses.endsAt
    : undefined;

/** @param until epoch milliseconds */
export const throttledBy = (until: number, nowMs: number): FactorThrottled => ({
  ok: false,
  reason: 'throttled',
  retryAfterSeconds: Math.ceil((until - nowMs) / 1000),
});

export const countGuess = ({ factorGuesses: before }: Guessed, nowMs: number): FactorPatch => ({
  factorGuesses:
    before !== undefined && nowMs < before.endsAt
      ? { ...before, count: before.count + 1 }
      : { count: 1, endsAt: nowMs + guesses.windowMs },
});

/** Why the answer was wrong, for the audit record, after it was counted. */
export const reasonOfGuess = ({ factorGuesses }: Guessed, fault: string): string =>
  factorGuesses?.count === guesses.allowed ? `${fault}, throttled from now on` : fault;
