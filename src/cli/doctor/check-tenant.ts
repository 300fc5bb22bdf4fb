import { formatFault } from '../../config/fault.ts';
import type { ServerSettings } from '../../config/server-settings.ts';
import type { Storage } from '../../storage/storage.ts';
import { issuerOf } from '../../tenants/issuer.ts';
import { demoRefusal } from '../../tenants/loopback-only.ts';
import { readTenant } from '../tenant-directory.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** The file of one tenant: is it right, and is it served with these settings? */
export const checkTenantFile = (
  settings: ServerSettings,
  { id, env }: { readonly id: string; readonly env: NodeJS.ProcessEnv },
): readonly Finding[] => {
  const about = `tenant ${id}`;
  const loaded = readTenant(settings, { id, env });
  if ('faults' in loaded) return loaded.faults.map((fault) => problem(about, formatFault(fault)));
  const { definition } = loaded;
  const refusal = demoRefusal(definition, settings.server);
  if (refusal !== undefined) return [problem(about, refusal)];
  return [
    ok(about, issuerOf(definition, settings.server.publicUrl)),
    ...(definition.clients.length === 0
      ? [warning(about, 'It has no clients, so no app can use it. Add some to its file.')]
      : []),
  ];
};

/** What the store holds of it. */
export const checkTenantData = async (storage: Storage, id: string): Promise<readonly Finding[]> => {
  const about = `tenant ${id}`;
  const { accounts, keys } = storage.forTenant(id);
  const people = await accounts.count();
  const slots = (await keys.list()).map(({ slot }) => slot);
  return [
    people === 0
      ? warning(about, `It has no users yet. Add one with: npx --no drawbridge user add ${id} <name>`)
      : ok(about, `${people} users`),
    ok(about, slots.length === 0 ? 'its keys will be made on first use' : `keys ${slots.join(', ')}`),
  ];
};
