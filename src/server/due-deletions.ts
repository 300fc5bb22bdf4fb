import type { Clock } from '../clock.ts';
import type { Storage } from '../storage/storage.ts';
import { startTenantWork, type TenantWorkParts } from './tenant-work.ts';

export interface DueDeletionsParts extends TenantWorkParts {
  readonly storage: Pick<Storage, 'tenantsWithDueDeletions'>;
  readonly clock: Clock;
}

/**
 * Removes the accounts whose people have asked for it, when their time has come. Each account is removed by the process that
 * claims it.
 */
export const startDueDeletions = ({
  storage,
  clock,
  ...parts
}: DueDeletionsParts): { close(): Promise<void> } =>
  startTenantWork(
    {
      find: () => storage.tenantsWithDueDeletions(clock.now()),
      work: ({ deletion }) => deletion.removeDue(),
      texts: {
        done: 'accounts were deleted, as their people had asked',
        failed: 'accounts that are to be deleted could not be deleted yet',
        notFound: 'accounts that are to be deleted could not be found yet',
      },
    },
    parts,
  );
