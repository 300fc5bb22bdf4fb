import type { Clock } from '../../clock.ts';

const firstQuarantineMs = 1_000;
const longestQuarantineMs = 15_000;
/** A server that fails again so soon was never well: its quarantine goes on growing. */
const provenAfterMs = 60_000;

/** What is known of one server. Decides only; does nothing. */
export interface ServerHealth {
  readonly isGood: boolean;
  /** The quarantine is over: one look at the server may be had. */
  readonly isDue: boolean;
  /** To be taken before an operation, and given back when it failed. */
  mark(): number;
  succeeded(): void;
  /**
   * An operation failed. It means nothing when another one succeeded since it began: the operation was slow then, not
   * the server.
   * @returns milliseconds of quarantine that begin now
   */
  failed(mark: number): number | undefined;
  /** The look at it went well: it is in use again. */
  recovered(): void;
  /** The look at it failed. */
  stillFails(): void;
}

export const createServerHealth = (clock: Clock): ServerHealth => {
  let successes = 0;
  let failures = 0;
  let isGood = true;
  let goodSince = Number.NEGATIVE_INFINITY;
  let quarantineEndsAt = 0;

  const quarantine = (): number => {
    const forMs = Math.min(longestQuarantineMs, firstQuarantineMs * 2 ** failures);
    failures += 1;
    isGood = false;
    quarantineEndsAt = clock.now() + forMs;
    return forMs;
  };

  return {
    get isGood() {
      return isGood;
    },
    get isDue() {
      return !isGood && clock.now() >= quarantineEndsAt;
    },
    mark: () => successes,
    succeeded: () => {
      successes += 1;
    },
    failed: (mark) => {
      if (!isGood || successes > mark) return undefined;
      if (clock.now() - goodSince > provenAfterMs) failures = 0;
      return quarantine();
    },
    recovered: () => {
      isGood = true;
      goodSince = clock.now();
    },
    stillFails: () => {
      quarantine();
    },
  };
};
