import type { Audit } from '../audit/audit.ts';
import type { AuditAction } from '../audit/audit-actions.ts';
import type { Clock } from '../clock.ts';
import type { TenantThrottle } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { addressBucket } from './address-bucket.ts';
import { createBoundedCache } from './bounded-cache.ts';
import type { Throttle } from './throttle.ts';

/** A secret of the tenant's file that a machine has presented, after the comparison. */
export interface ShownSecret {
  readonly isRight: boolean;
  /** The object that it gives access to, for the audit record. */
  readonly action: AuditAction;
  readonly address: string;
  readonly requestId?: string;
}

export type SecretVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'credentials' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

export interface SecretGateParts {
  readonly throttle: Pick<Throttle, 'spend'>;
  readonly limits: Pick<TenantThrottle, 'address'>;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Number of blocked addresses in memory; beyond it the oldest is looked up in the store again. */
const remembered = 10_000;

/**
 * Counts wrong secrets by address. A machine sends the right secret with each request, which must not cost a trip to
 * the store. So the addresses with too many wrong guesses are remembered here: from them the right secret is refused
 * too, or the answers would reveal it. The count of another process is known here after one wrong guess.
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
    // one record in each window for a blocked address: a flood must not fill the disk
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
