// The part of the storage port that is queue and ledger in one: what is to be delivered, and what came of each attempt.

/** Absent seven days after `createdAt` while it is pending or kept, and 30 days after its last attempt once it is settled. */
export interface QueueEntry {
  /** Sorts by time of creation. */
  readonly id: string;
  readonly createdAt: number;
  /** `kept`: never attempted, only to be read. */
  readonly state: 'pending' | 'delivered' | 'failed' | 'kept';
  readonly attempts: number;
  /** Epoch milliseconds from which on it may be tried; pending ones only. */
  readonly nextAttemptAt: number;
  readonly lastAttemptAt?: number;
  /** The result of the last attempt, for the operator: a status of the receiver or the code of an error. */
  readonly lastOutcome?: string;
}

export interface QueuePage {
  readonly beforeId?: string;
  readonly limit: number;
}

export interface QueueOutcome {
  readonly state: Exclude<QueueEntry['state'], 'kept'>;
  readonly nextAttemptAt: number;
  readonly lastAttemptAt: number;
  readonly lastOutcome: string;
}

export interface StoredQueue<Entry extends QueueEntry> {
  /** One trip for all; an entry whose id exists already is not changed. */
  add(entries: readonly Entry[]): Promise<void>;
  /**
   * Takes an entry that is due and moves its `nextAttemptAt` to `leaseUntilMs`, so that only one instance has it;
   * `attempts` grows by one.
   */
  claim(nowMs: number, leaseUntilMs: number): Promise<Entry | undefined>;
  /** Stores the result of the attempt; an entry that is `delivered` stays so. */
  settle(id: string, outcome: QueueOutcome): Promise<void>;
  /** Newest first. */
  list(page: QueuePage): Promise<readonly Entry[]>;
}

const dayMs = 86_400_000;
const pendingMs = 7 * dayMs;
const settledMs = 30 * dayMs;

/** Epoch milliseconds from which on an entry that was never settled is absent. */
export const pendingUntil = (createdAt: number): number => createdAt + pendingMs;

/** Epoch milliseconds until which the operator can read its result. */
export const settledUntil = (lastAttemptAt: number): number => lastAttemptAt + settledMs;
