// Wrong answers to the question for a factor: those of all methods and places are counted together, in the account.
import type { AccountRecord } from '../../storage/storage.ts';
import type { FactorPatch } from './factor-change.ts';

const guesses = { allowed: 10, windowMs: 3_600_000 } as const;

type Guessed = Pick<AccountRecord, 'factorGuesses'>;

/** Epoch milliseconds; undefined while answers are checked. */
export const throttledUntil = ({ factorGuesses }: Guessed, nowMs: number): number | undefined =>
  factorGuesses !== undefined && factorGuesses.count >= guesses.allowed && nowMs < factorGuesses.endsAt
    ? factorGuesses.endsAt
    : undefined;

export const countGuess = ({ factorGuesses: before }: Guessed, nowMs: number): FactorPatch => ({
  factorGuesses:
    before !== undefined && nowMs < before.endsAt
      ? { ...before, count: before.count + 1 }
      : { count: 1, endsAt: nowMs + guesses.windowMs },
});

/** After it was counted: is no further answer checked? */
export const isLastGuess = ({ factorGuesses }: Guessed): boolean => factorGuesses?.count === guesses.allowed;
