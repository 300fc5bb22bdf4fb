import { slackMs } from '../audit/chain/prune-chain.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Storage } from '../storage/storage.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';
import { startTenantWork, type TenantWorkParts } from './tenant-work.ts';

export interface AuditRetentionParts extends TenantWorkParts {
  readonly storage: Pick<Storage, 'forTenant'>;
  readonly tenants: TenantWorkParts['tenants'] & Pick<TenantRegistry<Tenant>, 'known'>;
  readonly clock: Clock;
}

/** Removes the audit records of all tenants whose retention is over. */
export const startAuditRetention = ({
  storage,
  clock,
  ...parts
}: AuditRetentionParts): { close(): Promise<void> } => {
  const hasOldRecords = async ({ id, audit }: TenantDefinition): Promise<boolean> => {
    if (audit.retentionSeconds === undefined) return false;
    const [oldest] = await storage.forTenant(id).auditChain.records({ limit: 1 });
    return oldest !== undefined && oldest.record.at <= clock.now() - audit.retentionSeconds * 1000 - slackMs;
  };
  return startTenantWork(
    {
      find: async () => {
        const found: string[] = [];
        for (const definition of parts.tenants.known())
          if (await hasOldRecords(definition)) found.push(definition.id);
        return found;
      },
      work: async ({ auditPruner }) => (await auditPruner?.prune()) ?? 0,
      texts: {
        done: 'audit records were removed, as their retention is over',
        failed: 'audit records could not be removed yet',
        notFound: 'audit records to remove could not be found yet',
      },
    },
    parts,
  );
};
