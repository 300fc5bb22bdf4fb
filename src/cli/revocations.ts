import { createRevocations, type Revocations } from '../accounts/revocations.ts';
import { systemClock } from '../clock.ts';
import { authorizationsOf } from '../oidc/adapter/artifact-payload.ts';
import { wantsLogout } from '../oidc/provider/clients.ts';
import { readTenant } from './tenant-directory.ts';
import type { StoreParts } from './with-store.ts';

/**
 * Ends sessions and grants like the server, which sends the logouts. A tenant's file may refer to secrets that only the
 * server has; then a logout is noted for each app, and the server drops those of apps without `backchannel_logout_uri`.
 */
export const openRevocations = ({ storage, settings, env }: StoreParts, tenant: string): Revocations => {
  const loaded = readTenant(settings, { id: tenant, env });
  return createRevocations({
    storage: storage.forTenant(tenant),
    authorizationsOf,
    wantsLogout: (clientId) => !('definition' in loaded) || wantsLogout(loaded.definition, clientId),
    clock: systemClock,
  });
};
