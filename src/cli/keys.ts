import type { Command } from 'commander';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { requireTenant } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

export const addKeys = (program: Command): void => {
  program
    .command('keys')
    .description('signing keys of the tenants')
    .command('list <tenant>')
    .description('the keys of a tenant; the first are made on its first use')
    .action((tenant: string, _: unknown, command: Command) => list(contextOf(command), tenant));
};

const list = (context: CliContext, tenant: string): Promise<void> =>
  withStore(context, async ({ storage, settings }) => {
    requireTenant(settings, tenant);
    const keys = (await storage.forTenant(tenant).keys.list()).map(({ kid, alg, slot, createdAt }) => ({
      kid,
      alg,
      slot,
      createdAt,
    }));
    context.printResult(keys, () =>
      keys.length === 0
        ? [`${tenant} has no keys yet; they are made when it is first used.`]
        : columns([
            ['KID', 'ALGORITHM', 'SLOT', 'SINCE'],
            ...keys.map(({ kid, alg, slot, createdAt }) => [kid, alg, slot, formatTime(createdAt)]),
          ]),
    );
  });
