import type { AccountRecord } from '../storage/storage.ts';

export type AccountStatus = 'enabled' | 'disabled' | 'locked';

export const statusOf = ({
  disabledAt,
  lockedAt,
}: Pick<AccountRecord, 'disabledAt' | 'lockedAt'>): AccountStatus => {
  if (disabledAt !== undefined) return 'disabled';
  return lockedAt === undefined ? 'enabled' : 'locked';
};
