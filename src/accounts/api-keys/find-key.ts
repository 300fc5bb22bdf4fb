import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { type ApiKeyParts, readApiKey } from '../../crypto/api-key.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { ApiKeyRecord, ApiKeyRecords } from '../../storage/storage-api-keys.ts';
import type { Accounts } from '../account-types.ts';
import type { RunAfterAnswer } from '../after-answer.ts';
import { findActiveAccount } from '../standing.ts';
import { isOver } from './key-lifetimes.ts';
import { withinTenant } from './key-limits.ts';
import type { KeySecrets } from './key-secrets.ts';

export interface FoundKey {
  readonly key: ApiKeyRecord;
  /** As it is now; `grantedBy` says what of it the key has. */
  readonly owner: AccountRecord;
  /** Epoch milliseconds; absent: it does not expire. */
  readonly expiresAt?: number;
}

export interface KeyUse {
  readonly address: string;
  readonly requestId: string;
}

/**
 * The key and its owner: one trip, unless the source of the owner is due to be asked. Undefined when nobody has this key, it is
 * over, or its owner may hold no tokens. Its networks and services are the caller's to check. The use is
 * noted afterwards, once a minute.
 * @throws AppError `unavailable`
 */
export type FindKey = (presented: ApiKeyParts, use: KeyUse) => Promise<FoundKey | undefined>;

export interface FindKeyParts {
  readonly definition: Pick<TenantDefinition, 'demo' | 'sources' | 'apiKeys'>;
  readonly records: Pick<ApiKeyRecords, 'findByPublicId' | 'used'>;
  readonly secrets: Pick<KeySecrets, 'match'>;
  readonly recheck: Accounts['recheck'];
  readonly runAfterAnswer: RunAfterAnswer;
  readonly clock: Clock;
}

const minimumGapMs = 60_000;

export const createFindKey =
  (parts: FindKeyParts): FindKey =>
  async (presented, { address, requestId }) => {
    const { records, secrets, clock } = parts;
    const found = await records.findByPublicId(presented.publicId);
    if (found === undefined) return undefined;
    const { key } = found;
    const nowMs = clock.now();
    const secret = secrets.match(key, presented, nowMs);
    if (secret === undefined || isOver(key, nowMs)) return undefined;
    const owner = await findActiveAccount(parts, found.owner);
    if (owner === undefined) return undefined;
    if (nowMs - (key.lastUsedAt ?? 0) >= minimumGapMs)
      parts.runAfterAnswer({
        what: 'the use of an API key is noted',
        requestId,
        work: () => records.used(key.id, { nowMs, address, minimumGapMs }),
      });
    const ends = [key.expiresAt, secret.expiresAt].filter((end) => end !== undefined);
    return {
      key: withinTenant(key, parts.definition.apiKeys),
      owner,
      ...(ends.length === 0 ? {} : { expiresAt: Math.min(...ends) }),
    };
  };

/** The same by what was presented as a key. One with a typing error is refused without a look at the store. */
export const findWrittenKey = async (
  findKey: FindKey,
  written: string,
  use: KeyUse,
): Promise<FoundKey | undefined> => {
  const presented = readApiKey(written);
  return presented === undefined ? undefined : findKey(presented, use);
};
