import type { ServerSettings } from '../../config/server/server-settings.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Storage } from '../../storage/storage.ts';
import { issuerOf } from '../../tenants/issuer.ts';
import { demoRefusal } from '../../tenants/loopback-only.ts';
import { count } from '../count.ts';
import { checkPasskeyHost, checkPasskeys } from './check-passkeys.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** Checks a tenant without faults in its file: is it served with these settings, and can people use it? */
export const checkTenant = (settings: ServerSettings, definition: TenantDefinition): readonly Finding[] => {
  const about = `tenant ${definition.id}`;
  const refusal = demoRefusal(definition, settings.server);
  if (refusal !== undefined) return [problem(about, refusal)];
  const issuer = issuerOf(definition, settings.server.publicUrl);
  return [
    ok(about, issuer),
    ...checkPasskeyHost(about, { methods: definition.secondFactor.methods, issuer }),
    ...(definition.clients.length === 0
      ? [warning(about, 'It has no clients, so no app can use it. Add some to its file.')]
      : []),
  ];
};

/** Checks the data of the tenant in the store. */
export const checkTenantData = async (
  storage: Storage,
  { id, sources, issuer }: Pick<TenantDefinition, 'id' | 'sources'> & { readonly issuer?: string },
): Promise<readonly Finding[]> => {
  const about = `tenant ${id}`;
  const { accounts, keys } = storage.forTenant(id);
  const people = await accounts.count();
  const slots = (await keys.list()).map(({ slot }) => slot);
  return [
    people === 0 ? nobodyYet(about, { id, sources }) : ok(about, count(people, 'user')),
    ...(issuer === undefined ? [] : await checkPasskeys(about, { accounts, issuer })),
    ok(about, slots.length === 0 ? 'its keys will be made on first use' : `keys ${slots.join(', ')}`),
  ];
};

const nobodyYet = (about: string, { id, sources }: Pick<TenantDefinition, 'id' | 'sources'>): Finding =>
  sources.some(({ type }) => type !== 'local')
    ? ok(about, 'Nobody has signed in yet. People of its sources get an account when they do.')
    : warning(about, `It has no users yet. Add one with: npx --no drawbridge user add ${id} <name>`);
