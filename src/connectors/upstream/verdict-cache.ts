import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { hmac } from '../../crypto/ids.ts';
import type { SourcePerson } from '../connector.ts';
import { createBoundedMap } from './bounded-map.ts';

/** An upstream access token that was found good. */
export interface TokenVerdict {
  readonly person: SourcePerson;
  /** Epoch seconds. */
  readonly expiresAt?: number;
}

/**
 * What was found about upstream access tokens, for a minute at most and never past their expiry. Good verdicts
 * alone: a token that was refused is asked about again. Tokens are kept as keyed hashes.
 */
export interface VerdictCache {
  /**
   * The verdict on a token, asked for unless it is known. Callers at the same time share one question.
   * @param scope names the connector that asks; no other sees its verdicts
   */
  find(
    scope: string,
    token: string,
    ask: () => Promise<TokenVerdict | undefined>,
  ): Promise<TokenVerdict | undefined>;
  /** Forgets all about a person (the subject at the source), or everything; answers under way are not kept. */
  forget(subject?: string): void;
}

export interface VerdictCacheParts {
  readonly clock: Clock;
  readonly limit: number;
}

const keptMs = 60_000;

interface Kept {
  readonly verdict: TokenVerdict;
  readonly untilMs: number;
}

export const createVerdictCache = ({ clock, limit }: VerdictCacheParts): VerdictCache => {
  const key = randomBytes(32);
  const kept = createBoundedMap<Kept & { readonly id: string }>(limit);
  const asked = new Map<string, Promise<TokenVerdict | undefined>>();
  let generation = 0;

  const answer = async (
    id: string,
    ask: () => Promise<TokenVerdict | undefined>,
  ): Promise<TokenVerdict | undefined> => {
    const since = generation;
    const askedAt = clock.now();
    const verdict = await ask();
    if (verdict === undefined || since !== generation) return verdict;
    const untilMs = Math.min(askedAt + keptMs, (verdict.expiresAt ?? Number.POSITIVE_INFINITY) * 1000);
    if (untilMs > clock.now()) kept.set(id, { id, verdict, untilMs });
    return verdict;
  };

  return {
    find: (scope, token, ask) => {
      const id = hmac(key, scope, token);
      const known = kept.get(id);
      const now = clock.now();
      if (known !== undefined && now < known.untilMs && known.untilMs - now <= keptMs)
        return Promise.resolve(known.verdict);
      kept.delete(id);
      const underWay = asked.get(id);
      if (underWay !== undefined) return underWay;
      const question = answer(id, ask).finally(() => {
        if (asked.get(id) === question) asked.delete(id);
      });
      asked.set(id, question);
      return question;
    },
    forget: (subject) => {
      generation += 1;
      asked.clear();
      if (subject === undefined) kept.clear();
      else
        for (const { id, verdict } of [...kept.values()])
          if (verdict.person.subject === subject) kept.delete(id);
    },
  };
};
