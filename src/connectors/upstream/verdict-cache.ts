import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Clock, cacheTime } from '../../clock.ts';
import { hmac } from '../../crypto/ids.ts';
import type { SourcePerson } from '../connector.ts';

/** An upstream access token that was found good. */
export interface TokenVerdict {
  readonly person: SourcePerson;
  /** Epoch seconds. */
  readonly expiresAt?: number;
}

type Ask = () => Promise<TokenVerdict | undefined>;

/**
 * What was found about upstream access tokens, for a minute at most and never past their expiry. Good verdicts
 * alone: a token that was refused is asked about again. Tokens are kept as keyed hashes.
 */
export interface VerdictCache {
  /**
   * The verdict on a token, asked for unless it is known. Callers at the same time share one question.
   * @param scope names the connector that asks; no other sees its verdicts
   */
  find(scope: string, token: string, ask: Ask): Promise<TokenVerdict | undefined>;
  /** Forgets everything; answers under way are given to those who wait for them, and not kept. */
  clear(): void;
}

export interface VerdictCacheParts {
  readonly clock: Clock;
  readonly limit: number;
}

const keptMs = 60_000;

interface Answer {
  readonly verdict: TokenVerdict | undefined;
}

export const createVerdictCache = ({ clock, limit }: VerdictCacheParts): VerdictCache => {
  const key = randomBytes(32);
  const time = cacheTime(clock);
  const answers = new LRUCache<string, Answer, Ask>({
    max: limit,
    perf: time,
    ttlResolution: 0,
    // an answer that is forgotten while it is under way is still given to those who wait
    ignoreFetchAbort: true,
    fetchMethod: async (id, _known, { context: ask, options, signal }) => {
      const askedAt = time.now();
      const verdict = await ask();
      const untilExpiry = (verdict?.expiresAt ?? Number.POSITIVE_INFINITY) * 1000 - clock.now();
      // lru-cache forgets when the age exceeds the TTL, and takes 0 for endless
      options.ttl = Math.min(keptMs - (time.now() - askedAt), untilExpiry) - 1;
      const isKept = verdict !== undefined && options.ttl > 0;
      if (!isKept && !signal.aborted) answers.delete(id);
      return { verdict };
    },
  });
  return {
    find: async (scope, token, ask) => {
      const { verdict } = await answers.forceFetch(hmac(key, scope, token), { context: ask });
      return verdict;
    },
    clear: () => answers.clear(),
  };
};
