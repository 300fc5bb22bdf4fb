// The part of the storage port about what has ended: events for our processes, deliveries for the apps.
/** What has ended. `id`: an account's sub, the id of a Session artifact, the id of a Grant artifact, a key's name. */
export interface RevocationEvent {
  readonly what: 'account' | 'session' | 'grant' | 'key' | 'client';
  readonly id: string;
  /** For `session` and `grant`: whose it was. */
  readonly sub?: string;
  /** E.g. `user.disable`, `signed_out`. */
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export type TenantEvent = RevocationEvent & { readonly tenant: string };

/** Called one after the other, never at once. */
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
  /** What came of the last attempt, for the operator: an HTTP status or an error's code. */
  readonly lastOutcome?: string;
}

export interface LogoutDeliveries {
  /** One trip for all; one whose id is there already is left as it is. */
  add(deliveries: readonly LogoutDelivery[]): Promise<void>;
  /**
   * Takes one that is due and moves its `nextAttemptAt` to `leaseUntilMs`, so that of any number of instances one
   * has it; `attempts` grows by one.
   */
  claim(nowMs: number, leaseUntilMs: number): Promise<LogoutDelivery | undefined>;
  /** Writes down what came of the attempt; one that is `delivered` stays so. */
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

/** A watcher that was away for longer may have missed something: its `lost` is called. */
export const eventRetentionMs = 600_000;

const pendingDeliveryMs = 7 * dayMs;
const settledDeliveryMs = 30 * dayMs;

/** Epoch milliseconds when a delivery that is still pending is given up. */
export const pendingUntil = (createdAt: number): number => createdAt + pendingDeliveryMs;

/** Epoch milliseconds until which the operator can read what came of it. */
export const settledUntil = (lastAttemptAt: number): number => lastAttemptAt + settledDeliveryMs;
