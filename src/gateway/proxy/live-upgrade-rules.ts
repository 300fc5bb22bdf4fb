// What becomes of a connection that was upgraded, after an event, at a sweep and after a new decision. Pure.
import type { Caller, Decision } from '../gateway-types.ts';
import type { News } from './missed-events.ts';

export type Verdict = 'cut' | 'check' | 'keep';

/** A connection as a sweep finds it. Moments are in milliseconds by `performance.now`. */
export interface SweptUpgrade {
  readonly caller?: Caller | undefined;
  readonly idleTimeoutMs: number;
  readonly movedAt: number;
  readonly nextCheckAt: number;
}

export interface Now {
  /** By `performance.now`: how long something lasts is no matter of dates. */
  readonly monotonicMs: number;
  /** Since the epoch, for what expires at a date. */
  readonly epochMs: number;
}

export const sweepVerdict = (
  { caller, idleTimeoutMs, movedAt, nextCheckAt }: SweptUpgrade,
  { monotonicMs, epochMs }: Now,
): Verdict => {
  if (monotonicMs - movedAt > idleTimeoutMs) return 'cut';
  if (caller?.expiresAt !== undefined && epochMs >= caller.expiresAt * 1000) {
    // a session that was used may live longer than was known
    return caller.method === 'session' ? 'check' : 'cut';
  }
  return monotonicMs >= nextCheckAt ? 'check' : 'keep';
};

/** What the connection depends on is gone: cut. Anything else about its person is a matter of a new decision. */
export const newsVerdict = (news: News, caller: Caller | undefined): Verdict => {
  if (news === 'lost') return 'check';
  const { tenant, what, id } = news;
  if (caller === undefined || tenant !== caller.tenant) return 'keep';
  if (caller.revocationIds.includes(id) || (what === 'client' && id === caller.clientId)) return 'cut';
  return id === caller.sub ? 'check' : 'keep';
};

/** Then the store or a source has been away for longer than a moment. */
const failedChecksAtMost = 2;

/** @param failedChecks in a row, this one included */
export const decisionVerdict = (
  decision: Decision,
  caller: Caller | undefined,
  failedChecks: number,
): Verdict => {
  if (decision.outcome === 'unavailable') return failedChecks >= failedChecksAtMost ? 'cut' : 'keep';
  return decision.outcome === 'allowed' && isSame(decision.caller, caller) ? 'keep' : 'cut';
};

const isSame = (now: Caller | undefined, before: Caller | undefined): boolean =>
  now?.tenant === before?.tenant && now?.sub === before?.sub;
