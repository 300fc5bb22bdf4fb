import type { Clock } from '../clock.ts';
import type { Storage } from '../storage/storage.ts';
import { startTenantWork, type TenantWorkParts } from './tenant-work.ts';

export interface EndedEmailsParts extends TenantWorkParts {
  readonly storage: Pick<Storage, 'tenantsWithEndedEmails'>;
  readonly clock: Clock;
}

/** Removes e-mail addresses that can no longer be put back, with the passwords and factors that are kept beside them. */
export const startEndedEmails = ({
  storage,
  clock,
  ...parts
}: EndedEmailsParts): { close(): Promise<void> } =>
  startTenantWork(
    {
      find: () => storage.tenantsWithEndedEmails(clock.now()),
      work: ({ forgetEndedEmails }) => forgetEndedEmails(),
      texts: {
        done: 'e-mail addresses that can no longer be put back were removed',
        failed: 'e-mail addresses that can no longer be put back could not be removed yet',
        notFound: 'e-mail addresses that can no longer be put back could not be found yet',
      },
    },
    parts,
  );
