import type { Audit } from '../../audit/audit.ts';
import type { ApiKeyRecord, ApiKeyRecords } from '../../storage/storage-api-keys.ts';
import type { Revocations } from '../revocations.ts';
import { type KeyActor, keyEvent } from './key-event.ts';

/**
 * Undefined when there is no such key.
 * @throws AppError `unavailable`; a change that cannot be recorded is not made
 */
export type RevokeKey = (id: string, by: KeyActor) => Promise<ApiKeyRecord | undefined>;

export interface RevokeKeyParts {
  readonly records: Pick<ApiKeyRecords, 'find' | 'remove'>;
  readonly revocations: Pick<Revocations, 'publish'>;
  readonly audit: Audit;
}

/** It needs no secrets and no rules of the tenant. */
export const createRevokeKey =
  ({ records, revocations, audit }: RevokeKeyParts): RevokeKey =>
  async (id, by) => {
    const key = await records.find(id);
    if (key === undefined || (by.owner !== undefined && key.sub !== by.owner)) return undefined;
    await audit.noteBefore({ ...keyEvent('key.revoke', key, by), outcome: 'success' });
    const removed = await records.remove(id);
    await revocations.publish({ what: 'key', id, reason: 'key.revoke' });
    return removed;
  };
