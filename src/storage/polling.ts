/** RFC 8628 section 3.5: `slow_down` adds five seconds for this and all later polls. */
export const slowDownSeconds = 5;

/** A timer of the device may fire a little early, and the network may shift a poll. */
export const toleranceMs = 500;

export const isTooSoon = (sinceLastPollMs: number, intervalSeconds: number): boolean =>
  sinceLastPollMs < intervalSeconds * 1000 - toleranceMs;
