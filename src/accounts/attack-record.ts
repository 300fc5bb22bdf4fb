// Attacks that were noticed and refused, for the audit record. What an address causes is bounded, since a flood must not
// fill the disk.
import type { Audit } from '../audit/audit.ts';
import type { TenantThrottle } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { addressBucket } from './address-bucket.ts';
import type { Throttle } from './throttle.ts';

export interface NoticedAttack {
  readonly action:
    | 'code.replay'
    | 'code.misuse'
    | 'device_code.replay'
    | 'device_code.misuse'
    | 'refresh_token.reuse'
    | 'refresh_token.misuse'
    | 'client.assertion'
    | 'gateway.assertion'
    | 'gateway.certificate'
    | 'token_exchange.subject_token'
    | 'sign_in.upstream'
    | 'sign_in.passkey';
  /** For the operator: what was wrong, or what was done about it. */
  readonly reason: string;
  /** Of the person whose tokens or codes these are. */
  readonly sub?: string;
  readonly clientId?: string;
  readonly address: string;
  readonly requestId?: string;
}

/** Never rejects: the refusal stands without a record. */
export type NoteAttack = (attack: NoticedAttack) => Promise<void>;

export interface AttackRecordParts {
  readonly throttle: Pick<Throttle, 'spend'>;
  readonly limits: Pick<TenantThrottle, 'address'>;
  readonly audit: Audit;
}

export const createAttackRecord =
  ({ throttle, limits, audit }: AttackRecordParts): NoteAttack =>
  async ({ action, reason, sub, clientId, address, requestId }) => {
    const key = `attack/${action}/address/${addressBucket(address)}`;
    // a store that cannot count cannot keep the record either, and the log has the line of `audit.note`
    const verdict = await throttle.spend(key, limits.address).catch(() => undefined);
    if (verdict !== undefined && !verdict.isAllowed && !verdict.isFirstRefusal) return;
    await audit.note({
      action,
      outcome: 'failure',
      actor: 'unknown',
      address,
      reason,
      ...definedOnly({ object: sub, clientId, requestId }),
    });
  };
