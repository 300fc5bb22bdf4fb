import type { Command } from 'commander';
import { formatFault } from '../config/parsing/fault.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { issuerOf } from '../tenants/issuer.ts';
import { demoRefusal } from '../tenants/loopback-only.ts';
import { columns } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { count } from './count.ts';
import { addDeliveries } from './deliveries.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { askConfirmation, canAsk } from './prompts.ts';
import { listTenantIds, readTenant, tenantFile } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

export const addTenant = (program: Command): void => {
  const tenant = program.command('tenant').description('the tenants of this installation');
  tenant
    .command('list')
    .description('all tenants that have a file or data')
    .action((_, command: Command) => list(contextOf(command)));
  tenant
    .command('purge <tenant>')
    .description('delete all data of a tenant whose file is gone: people, keys, tokens, audit records')
    .option('-y, --yes', 'do not ask')
    .action((id: string, options: { readonly yes?: boolean }, command: Command) =>
      purge(contextOf(command), { id, isSure: options.yes ?? false }),
    );
  addDeliveries(tenant);
};

interface ListedTenant {
  readonly id: string;
  readonly displayName?: string;
  readonly status: 'served' | 'refused' | 'broken' | 'removed';
  readonly issuer?: string;
  readonly hasData: boolean;
  /** The reason why it is not served. */
  readonly reasons: readonly string[];
}

const list = (context: CliContext): Promise<void> =>
  withStore(context, async ({ storage, settings }) => {
    const withData = new Set(await storage.listTenants());
    const ids = listTenantIds(settings);
    const described = ids.map((id) => ({ ...describe(context, settings, id), hasData: withData.has(id) }));
    const removed = [...withData]
      .filter((id) => !ids.includes(id))
      .map((id): ListedTenant => ({ id, status: 'removed', hasData: true, reasons: ['its file is gone'] }));
    const tenants: readonly ListedTenant[] = [...described, ...removed];
    context.printResult(tenants, () => [
      ...columns([
        ['TENANT', 'NAME', 'STATUS', 'DATA', 'ISSUER'],
        ...tenants.map(({ id, displayName = '-', status, hasData, issuer = '-' }) => [
          id,
          displayName,
          status,
          hasData ? 'yes' : 'no',
          issuer,
        ]),
      ]),
      ...tenants.flatMap(({ id, status, reasons }) =>
        (status === 'broken' ? [brokenFile, ...reasons] : reasons).map((reason) => `${id}: ${reason}`),
      ),
    ]);
  });

const brokenFile = 'broken, last good version is served if the server runs';

const describe = (
  { env }: CliContext,
  settings: ServerSettings,
  id: string,
): Omit<ListedTenant, 'hasData'> => {
  const loaded = readTenant(settings, { id, env });
  if ('faults' in loaded) return { id, status: 'broken', reasons: loaded.faults.map(formatFault) };
  const { definition } = loaded;
  const refusal = demoRefusal(definition, settings.server);
  return {
    id,
    displayName: definition.displayName,
    status: refusal === undefined ? 'served' : 'refused',
    issuer: issuerOf(definition, settings.server.publicUrl),
    reasons: refusal === undefined ? [] : [refusal],
  };
};

const purge = (context: CliContext, { id, isSure }: { id: string; isSure: boolean }): Promise<void> =>
  withStore(context, async ({ storage, settings }) => {
    if (listTenantIds(settings).includes(id)) {
      throw new CommandFailure(
        `The tenant ${id} still has a file, so servers use its keys. Remove ${tenantFile(settings, id)} first, then purge.`,
      );
    }
    const withData = await storage.listTenants();
    if (!withData.includes(id)) {
      throw new CommandFailure(
        `There is no data of a tenant ${id} in ${storage.location}. \`drawbridge tenant list\` shows all.`,
      );
    }
    if (!isSure && !canAsk()) throw usageFailure('This cannot be undone. Add --yes if you are sure.');
    if (!isSure && !(await askConfirmation(`Delete all data of ${id}? This cannot be undone.`))) {
      throw new CommandFailure('Nothing was deleted.');
    }
    const removed = await storage.purgeTenant(id);
    context.printResult({ tenant: id, removed }, () => [
      `${count(removed, 'record')} of ${id} ${removed === 1 ? 'was' : 'were'} deleted.`,
    ]);
  });
