import type { Clock } from '../clock.ts';
import type { Storage } from '../storage/storage.ts';
import { startTenantWork, type TenantWorkParts } from './tenant-work.ts';

export interface KeyNoticesParts extends TenantWorkParts {
  readonly storage: Pick<Storage, 'tenantsWithDueKeyNotices'>;
  readonly clock: Clock;
}

/** Writes the mails that API keys expire. Each is released by the process that marks its key. */
export const startKeyNotices = ({ storage, clock, ...parts }: KeyNoticesParts): { close(): Promise<void> } =>
  startTenantWork(
    {
      find: () => storage.tenantsWithDueKeyNotices(clock.now()),
      work: ({ notifyOfExpiry }) => notifyOfExpiry(),
      texts: {
        failed: 'mails about API keys that expire could not be written yet',
        notFound: 'API keys that expire could not be found yet',
      },
    },
    parts,
  );
