import { settleMs } from '../audit/chain/seal-chain.ts';
import type { Clock } from '../clock.ts';
import type { Storage } from '../storage/storage.ts';
import { startTenantWork, type TenantWorkParts } from './tenant-work.ts';

export interface AuditSealingParts extends TenantWorkParts {
  readonly storage: Pick<Storage, 'tenantsWithUnmarkedAudit'>;
  readonly clock: Clock;
}

/** Puts the audit records of all tenants into their chains, behind the requests that have written them. */
export const startAuditSealing = ({
  storage,
  clock,
  ...parts
}: AuditSealingParts): { close(): Promise<void> } =>
  startTenantWork(
    {
      find: () => storage.tenantsWithUnmarkedAudit(clock.now() - settleMs),
      work: ({ auditChain }) => auditChain.seal(),
      texts: {
        failed: 'audit records could not be put into the chain yet',
        notFound: 'audit records that are not in a chain could not be found yet',
      },
    },
    parts,
  );
