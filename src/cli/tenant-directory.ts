import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatFault } from '../config/parsing/fault.ts';
import { findNearest } from '../config/parsing/nearest.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { type LoadedTenant, loadTenant } from '../config/tenant/tenant-file.ts';
import { tenantFileName, tenantIdsAmong } from '../config/tenant/tenant-file-names.ts';
import { CommandFailure, exitCodes } from './exit.ts';

/** Ids of the tenants that have a file, sorted. @throws CommandFailure when the folder cannot be read */
export const listTenantIds = ({ tenants }: Pick<ServerSettings, 'tenants'>): readonly string[] => {
  try {
    return tenantIdsAmong(readdirSync(tenants.directory));
  } catch {
    throw new CommandFailure(
      `The folder of tenants, ${tenants.directory}, cannot be read. Make it, or set DRAWBRIDGE_TENANTS__DIRECTORY to the right one.`,
    );
  }
};

export const tenantFile = ({ tenants }: Pick<ServerSettings, 'tenants'>, id: string): string =>
  join(tenants.directory, tenantFileName(id));

/** A file that cannot be read is reported as a fault, like a wrong one. */
export const readTenant = (
  settings: Pick<ServerSettings, 'tenants'>,
  { id, env }: { readonly id: string; readonly env: NodeJS.ProcessEnv },
): LoadedTenant => {
  const path = tenantFile(settings, id);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return { faults: [{ file: path, path: '', message: 'cannot be read; check its rights' }] };
  }
  return loadTenant({ id, path, text, env });
};

/** Without this check a misspelt tenant would get users. @throws CommandFailure */
export const requireTenant = (settings: Pick<ServerSettings, 'tenants'>, id: string): void => {
  const ids = listTenantIds(settings);
  if (ids.includes(id)) return;
  const nearest = findNearest(id, ids);
  const hint =
    nearest === undefined ? ` There are: ${ids.join(', ') || 'none'}.` : ` Did you mean ${nearest}?`;
  throw new CommandFailure(`There is no tenant ${id} in ${settings.tenants.directory}.${hint}`);
};

/** @throws CommandFailure when there is no such tenant, or its file has faults */
export const requireDefinition = (
  settings: Pick<ServerSettings, 'tenants'>,
  tenant: { readonly id: string; readonly env: NodeJS.ProcessEnv },
): TenantDefinition => {
  requireTenant(settings, tenant.id);
  const loaded = readTenant(settings, tenant);
  if ('definition' in loaded) return loaded.definition;
  throw new CommandFailure(loaded.faults.map(formatFault).join('\n'), exitCodes.badConfig);
};
