import { type ChainKeys, createChainKeys } from '../audit/chain/chain-keys.ts';
import type { TenantStorage } from '../storage/storage.ts';
import { type CliContext, requireSettings } from './context.ts';
import { requireTenant } from './tenant-directory.ts';
import { withKeyedStore } from './with-store.ts';

/** Opens the store and the keys of the tenant's audit chain, and closes the store in any case. */
export const withChain = async (
  context: CliContext,
  tenant: string,
  use: (storage: TenantStorage, keys: ChainKeys) => Promise<void>,
): Promise<void> => {
  requireTenant(requireSettings(context).settings, tenant);
  await withKeyedStore(context, ({ storage, masterKey }) =>
    use(storage.forTenant(tenant), createChainKeys(tenant, masterKey)),
  );
};
