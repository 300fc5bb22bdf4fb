import type { AccountRecord } from '../storage/storage.ts';

/** `deleting`: its person has asked for the deletion, and may still call it off. */
export type AccountStatus = 'enabled' | 'disabled' | 'locked' | 'deleting';

export const statusOf = ({
  disabledAt,
  lockedAt,
  deleteAt,
}: Pick<AccountRecord, 'disabledAt' | 'lockedAt' | 'deleteAt'>): AccountStatus => {
  if (disabledAt !== undefined) return 'disabled';
  if (lockedAt !== undefined) return 'locked';
  return deleteAt === undefined ? 'enabled' : 'deleting';
};
