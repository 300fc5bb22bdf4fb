import { type ChainKeys, createChainKeys } from '../audit/chain/chain-keys.ts';
import { systemClock as clock } from '../clock.ts';
import { openStore } from '../server/open-store.ts';
import type { TenantStorage } from '../storage/storage.ts';
import { type CliContext, requireSettings } from './context.ts';
import { requireTenant } from './tenant-directory.ts';
import { createCliLog } from './with-store.ts';

/** Opens the store and the keys of the tenant's audit chain, and closes the store in any case. */
export const withChain = async (
  context: CliContext,
  tenant: string,
  use: (storage: TenantStorage, keys: ChainKeys) => Promise<void>,
): Promise<void> => {
  const { settings } = requireSettings(context);
  requireTenant(settings, tenant);
  const { storage, masterKey, close } = await openStore({
    settings,
    clock,
    log: createCliLog(),
    role: 'cli',
  });
  try {
    await use(storage.forTenant(tenant), createChainKeys(tenant, masterKey));
  } finally {
    await close();
  }
};
