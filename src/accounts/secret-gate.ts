import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { TenantThrottle } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { addressBucket } from './address-bucket.ts';
import { createBoundedCache } from './bounded-cache.ts';
import type { Throttle } from './throttle.ts';

/** A secret of the tenant's file that a machine has shown, after it was compared. */
export interface ShownSecret {
  readonly isRight: boolean;
  /** What it opens, for the audit record. */
  readonly action: string;
  readonly address: string;
  readonly requestId?: string;
}

export type SecretVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'credentials' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

export interface SecretGateParts {
  readonly throttle: Throttle;
  readonly limits: Pick<TenantThrottle, 'address'>;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Addresses that are blocked; past that many the oldest is looked up in the store again. */
const remembered = 10_000;

/**
 * Counts wrong secrets by address. A right one comes with each request of a machine and costs no trip to the store, so
 * which addresses have guessed too often is remembered here: from such an address the right secret is refused too, or
 * the answers would tell it. What another process of ours has counted is known here after one wrong guess.
 */
export const createSecretGate = (parts: SecretGateParts) => {
  const { throttle, limits, audit } = parts;
  const blocked = createBoundedCache<true>(parts.clock, remembered);

  const block = (bucket: string, retryAfterSeconds: number): SecretVerdict => {
    blocked.set(bucket, true, { ttl: retryAfterSeconds * 1000 });
    return { ok: false, reason: 'throttled', retryAfterSeconds };
  };

  return async (shown: ShownSecret): Promise<SecretVerdict> => {
    const bucket = addressBucket(shown.address);
    const leftMs = blocked.getRemainingTTL(bucket);
    if (leftMs > 0) return { ok: false, reason: 'throttled', retryAfterSeconds: Math.ceil(leftMs / 1000) };
    if (shown.isRight) return { ok: true };

    const { action, address, requestId } = shown;
    const verdict = await throttle.spend(`${action}/address/${bucket}`, limits.address);
    // one record a window for those that are blocked: a flood must not fill the disk
    if (verdict.isAllowed || verdict.isFirstRefusal) {
      await audit.note({
        action,
        outcome: 'failure',
        actor: 'unknown',
        address,
        reason: verdict.isAllowed ? 'wrong_secret' : 'throttled_address',
        ...definedOnly({ requestId }),
      });
    }
    return verdict.isAllowed
      ? { ok: false, reason: 'credentials' }
      : block(bucket, verdict.retryAfterSeconds);
  };
};
