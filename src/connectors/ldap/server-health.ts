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
  /** Operations that succeeded so far; to be read before an operation, for `failed`. */
  readonly successCount: number;
  succeeded(): void;
  /**
   * An operation failed. The failure is ignored when another operation succeeded since it began: then the operation was
   * slow, not the server.
   * @param successesBefore `successCount` when the operation began
   * @returns milliseconds of quarantine that begin now
   */
  failed(successesBefore: number): number | undefined;
  /** The probe succeeded: the server is in use again. */
  recovered(): void;
  /** The probe failed. */
  stillFails(): void;
}

export const createServerHealth = (clock: Clock): ServerHealth => {
  let successCount = 0;
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
    get successCount() {
      return successCount;
    },
    succeeded: () => {
      successCount += 1;
    },
    failed: (successesBefore) => {
      if (!isGood || successCount > successesBefore) return undefined;
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
