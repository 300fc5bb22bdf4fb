import type { AuditAction } from '../../audit/audit-actions.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';

/** The actor of a change, for the audit record. */
export interface KeyActor {
  /** A sub, or `cli`. */
  readonly actor: string;
  /** Only keys of this owner; absent: of all. */
  readonly owner?: string;
  /** Only this version of the key; absent: any. */
  readonly version?: number | undefined;
  readonly address?: string;
  readonly requestId?: string;
}

export const keyEvent = (
  action: AuditAction,
  { id, sub }: ApiKeyRecord,
  { owner: _owner, version: _version, ...by }: KeyActor,
) => ({
  ...by,
  action,
  object: `key ${id} of ${sub}`,
});
