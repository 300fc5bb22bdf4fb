import type { Clock } from '../../clock.ts';

const firstQuarantineMs = 1_000;
const longestQuarantineMs = 15_000;
/** A server that fails again so soon had not recovered: its quarantine still grows. */
const provenAfterMs = 60_000;

/** The known state of one server. It decides only, and has no effects. */
export interface ServerHealth {
  readonly isGood: boolean;
  /** The quarantine is over: the server may be probed once. */
  readonly isDue: boolean;
  /** To be taken before an operation, and given back when it failed. */
  mark(): number;
  succeeded(): void;
  /**
   * An operation failed. The failure is ignored when another operation succeeded since it began: then the operation was
   * slow, not the server.
   * @returns milliseconds of quarantine that begin now
   */
  failed(mark: number): number | undefined;
  /** The probe succeeded: the server is in use again. */
  recovered(): void;
  /** The probe failed. */
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
