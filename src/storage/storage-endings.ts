// The part of the storage port for endings: events for our own processes, deliveries for the apps.
import type { QueueEntry } from './storage-queue.ts';

/**
 * One ending. `id`: the sub of an account, the id of a Session or Grant artifact, or the name of a key. `upstream`: what
 * sign-ins left there is to end: `id` is that of an UpstreamEnding artifact, or the sub for all that is kept.
 */
export interface RevocationEvent {
  readonly what: 'account' | 'session' | 'grant' | 'key' | 'client' | 'upstream';
  readonly id: string;
  /** For `session`, `grant` and `upstream`: the account of its owner. */
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

/** One logout token for one app (OpenID Connect Back-Channel Logout 1.0). */
export interface LogoutDelivery extends QueueEntry {
  readonly clientId: string;
  readonly sub: string;
  /** `sid` as the app knows it. */
  readonly sid: string;
  readonly reason: string;
}

/** A watcher that could not read for longer may have missed events: its `lost` is called. */
export const eventRetentionMs = 600_000;
