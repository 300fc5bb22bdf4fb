// Rules for an upgraded connection, after an event, at a sweep and after a new decision. Pure.
import type { Caller, Decision } from '../gateway-types.ts';
import type { News } from './missed-events.ts';

export type Verdict = 'cut' | 'check' | 'keep';

/** A connection at a sweep. Times are in milliseconds by `performance.now`. */
export interface SweptUpgrade {
  readonly caller?: Caller | undefined;
  readonly idleTimeoutMs: number;
  readonly movedAt: number;
  readonly nextCheckAt: number;
}

export interface Now {
  /** By `performance.now`, for durations. */
  readonly monotonicMs: number;
  /** Since the epoch, for expiries. */
  readonly epochMs: number;
}

export const sweepVerdict = (
  { caller, idleTimeoutMs, movedAt, nextCheckAt }: SweptUpgrade,
  { monotonicMs, epochMs }: Now,
): Verdict => {
  if (monotonicMs - movedAt > idleTimeoutMs) return 'cut';
  if (caller?.expiresAt !== undefined && epochMs >= caller.expiresAt * 1000) {
    // a session in use may live longer than its expiry known here
    return caller.method === 'session' ? 'check' : 'cut';
  }
  return monotonicMs >= nextCheckAt ? 'check' : 'keep';
};

/** The connection is closed when the proof that it depends on has ended. Other events cause a new decision. */
export const newsVerdict = (news: News, caller: Caller | undefined): Verdict => {
  if (news === 'lost') return 'check';
  const { tenant, what, id } = news;
  if (caller === undefined || tenant !== caller.tenant) return 'keep';
  if (caller.revocationIds.includes(id) || (what === 'client' && id === caller.clientId)) return 'cut';
  return id === caller.sub ? 'check' : 'keep';
};

/** After so many failures the store or a source is really unavailable. */
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
