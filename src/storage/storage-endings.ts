// The part of the storage port for endings: events for our own processes, deliveries for the apps.
/** One ending. `id`: the sub of an account, the id of a Session or Grant artifact, or the name of a key. */
export interface RevocationEvent {
  readonly what: 'account' | 'session' | 'grant' | 'key' | 'client';
  readonly id: string;
  /** For `session` and `grant`: the account of its owner. */
  readonly sub?: string;
  /** E.g. `user.disable`, `signed_out`. */
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export type TenantEvent = RevocationEvent & { readonly tenant: string };

/** Its functions are called one after the other, never at the same time. */
export interface EventWatcher {
  readonly event: (event: TenantEvent) => void;
  readonly lost: () => void;
}

export interface RevocationEvents {
  /** Durable for minutes; see `Storage.watchEvents`. */
  publish(event: RevocationEvent): Promise<void>;
}

/**
 * One logout token for one app (OpenID Connect Back-Channel Logout 1.0): outbox and ledger in one. Absent seven days
 * after `createdAt` while it is pending, and 30 days after its last attempt once it is settled.
 */
export interface LogoutDelivery {
  /** Sorts by time of creation. */
  readonly id: string;
  readonly clientId: string;
  readonly sub: string;
  /** `sid` as the app knows it. */
  readonly sid: string;
  readonly reason: string;
  readonly createdAt: number;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Epoch milliseconds from which on it may be tried; pending ones only. */
  readonly nextAttemptAt: number;
  readonly lastAttemptAt?: number;
  /** The result of the last attempt, for the operator: an HTTP status or the code of an error. */
  readonly lastOutcome?: string;
}

export interface LogoutDeliveries {
  /** One trip for all; a delivery whose id exists already is not changed. */
  add(deliveries: readonly LogoutDelivery[]): Promise<void>;
  /**
   * Takes a delivery that is due and moves its `nextAttemptAt` to `leaseUntilMs`, so that only one instance has it;
   * `attempts` grows by one.
   */
  claim(nowMs: number, leaseUntilMs: number): Promise<LogoutDelivery | undefined>;
  /** Stores the result of the attempt; a delivery that is `delivered` stays so. */
  settle(
    id: string,
    outcome: {
      readonly state: LogoutDelivery['state'];
      readonly nextAttemptAt: number;
      readonly lastAttemptAt: number;
      readonly lastOutcome: string;
    },
  ): Promise<void>;
  /** Newest first. */
  list(page: { readonly beforeId?: string; readonly limit: number }): Promise<readonly LogoutDelivery[]>;
}

const dayMs = 86_400_000;

/** A watcher that could not read for longer may have missed events: its `lost` is called. */
export const eventRetentionMs = 600_000;

const pendingDeliveryMs = 7 * dayMs;
const settledDeliveryMs = 30 * dayMs;

/** Epoch milliseconds when a delivery that is still pending is given up. */
export const pendingUntil = (createdAt: number): number => createdAt + pendingDeliveryMs;

/** Epoch milliseconds until which the operator can read its result. */
export const settledUntil = (lastAttemptAt: number): number => lastAttemptAt + settledDeliveryMs;
