import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { hmac } from '../../crypto/ids.ts';
import { type Answer, createRevocableCache } from '../../revocable-cache.ts';
import type { SourcePerson } from '../connector.ts';

/** An upstream access token that was found valid. */
export interface TokenVerdict {
  readonly person: SourcePerson;
  /** Epoch seconds. */
  readonly expiresAt?: number;
  /** Epoch milliseconds: the upstream is asked again from then on. */
  readonly askAgainAt?: number;
}

type Ask = () => Promise<TokenVerdict | undefined>;

/**
 * Remembers the verdicts on upstream access tokens, never past their expiry: for a minute at most, or for as long as the
 * source says where only the upstream knows whether a token was revoked. Only valid tokens
 * are remembered; a refused token is sent to the upstream again. Tokens are kept as keyed hashes.
 */
export interface VerdictCache {
  /**
   * The verdict on a token, asked for unless it is known. Callers at the same time share one question.
   * @param scope names the connector that asks; no other sees its verdicts
   */
  find(scope: string, token: string, ask: Ask): Promise<TokenVerdict | undefined>;
  /** Empties the cache; an answer in progress is still given to its callers, but not kept. */
  clear(): void;
}

export interface VerdictCacheParts {
  readonly clock: Clock;
  readonly limit: number;
}

/** Of a token that was checked here. */
const keptMs = 60_000;

export const createVerdictCache = ({ clock, limit }: VerdictCacheParts): VerdictCache => {
  const secret = randomBytes(32);
  const cache = createRevocableCache<TokenVerdict | undefined>(clock, limit);

  const answerOf = async (ask: Ask): Promise<Answer<TokenVerdict | undefined>> => {
    const askedAt = clock.now();
    const verdict = await ask();
    if (verdict === undefined) return { value: verdict };
    const { expiresAt = Number.POSITIVE_INFINITY, askAgainAt = askedAt + keptMs } = verdict;
    return { value: verdict, keep: { forMs: Math.min(askAgainAt, expiresAt * 1000) - askedAt } };
  };

  return {
    find: async (scope, token, ask) => {
      const key = hmac(secret, scope, token);
      return cache.get(key) ?? cache.ask(key, { owner: scope, ask: () => answerOf(ask) });
    },
    clear: cache.clear,
  };
};
