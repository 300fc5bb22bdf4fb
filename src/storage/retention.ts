const dayMs = 86_400_000;

/** A watcher that was away for longer has to be told that it may have missed something. */
export const eventRetentionMs = 600_000;

const pendingDeliveryMs = 7 * dayMs;
const settledDeliveryMs = 30 * dayMs;

/** Epoch milliseconds when a delivery that is still pending is given up. */
export const pendingUntil = (createdAt: number): number => createdAt + pendingDeliveryMs;

/** Epoch milliseconds until which the operator can read what came of it. */
export const settledUntil = (lastAttemptAt: number): number => lastAttemptAt + settledDeliveryMs;
