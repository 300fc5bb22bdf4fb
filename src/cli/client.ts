import type { Command } from 'commander';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { definedOnly } from '../defined-only.ts';
import { addClientSecret } from './client-secret.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { listTenantIds, readTenant, requireTenant } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

export const addClient = (program: Command): void => {
  const client = program.command('client').description('the apps of the tenants');
  addClientSecret(client);
  client
    .command('report [tenant]')
    .description('who still uses the password grant, which RFC 9700 advises against')
    .action((tenant: string | undefined, _: unknown, command: Command) => report(contextOf(command), tenant));
};

interface ReportedClient {
  readonly tenant: string;
  readonly clientId: string;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly lastUsedAt?: number;
  readonly distinctUsers: number;
  /** Epoch milliseconds. */
  readonly sunset?: number;
}

const report = (context: CliContext, only: string | undefined): Promise<void> =>
  withStore(context, async ({ storage, settings }) => {
    if (only !== undefined) requireTenant(settings, only);
    const clients: ReportedClient[] = [];
    for (const tenant of only === undefined ? listTenantIds(settings) : [only]) {
      const used = new Map(
        (await storage.forTenant(tenant).usage.report()).map((use) => [use.clientId, use]),
      );
      const allowed = passwordClients(context, settings, tenant);
      for (const clientId of new Set([...allowed.keys(), ...used.keys()])) {
        const { count = 0, distinctUsers = 0, lastUsedAt } = used.get(clientId) ?? {};
        const sunset = allowed.get(clientId);
        clients.push({
          tenant,
          clientId,
          count,
          distinctUsers,
          ...definedOnly({ lastUsedAt, sunset }),
        });
      }
    }
    context.printResult(clients, () =>
      clients.length === 0
        ? ['No client uses or may use the password grant.']
        : columns([
            ['TENANT', 'CLIENT', 'USES', 'LAST USE', 'PEOPLE', 'SUNSET'],
            ...clients.map(({ tenant, clientId, count, lastUsedAt, distinctUsers, sunset }) => [
              tenant,
              clientId,
              String(count),
              formatTime(lastUsedAt),
              String(distinctUsers),
              formatTime(sunset),
            ]),
          ]),
    );
  });

/** The clients that may use the grant, with the date of its end for each. A file with faults gives none. */
const passwordClients = (
  { env }: CliContext,
  settings: ServerSettings,
  id: string,
): ReadonlyMap<string, number | undefined> => {
  const loaded = readTenant(settings, { id, env });
  const clients = 'definition' in loaded ? loaded.definition.clients : [];
  return new Map(
    clients
      .filter(({ metadata }) => metadata.grant_types.includes('password'))
      .map(({ metadata, passwordGrant }) => [metadata.client_id, passwordGrant.sunset]),
  );
};
