import type { Command } from 'commander';
import { definedOnly } from '../defined-only.ts';
import type { LogoutDelivery } from '../storage/storage-endings.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { usageFailure } from './exit.ts';
import { requireTenant } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

export const addDeliveries = (tenant: Command): void => {
  tenant
    .command('deliveries <tenant>')
    .description(
      'the back-channel logouts of the last 30 days: what was delivered to which app, newest first',
    )
    .option('--limit <number>', 'show so many', '100')
    .action((id: string, { limit }: { readonly limit: string }, command: Command) =>
      list(contextOf(command), { id, limit: Number(limit) }),
    );
};

const pageSize = 500;

const list = (context: CliContext, { id, limit }: { id: string; limit: number }): Promise<void> => {
  if (!Number.isInteger(limit) || limit < 1) throw usageFailure('--limit takes a whole number from 1 on.');
  return withStore(context, async ({ storage, settings }) => {
    requireTenant(settings, id);
    const records = storage.forTenant(id).deliveries;
    const found: LogoutDelivery[] = [];
    while (found.length < limit) {
      const beforeId = found.at(-1)?.id;
      const wanted = Math.min(pageSize, limit - found.length);
      const page = await records.list({ limit: wanted, ...definedOnly({ beforeId }) });
      found.push(...page);
      if (page.length < wanted) break;
    }
    context.printResult(found, () => linesOf(id, found));
  });
};

const linesOf = (id: string, deliveries: readonly LogoutDelivery[]): readonly string[] =>
  deliveries.length === 0
    ? [`No app of ${id} was to hear of a logout in the last 30 days.`]
    : columns([
        ['SINCE', 'APP', 'SUB', 'WHY', 'STATE', 'ATTEMPTS', 'LAST OUTCOME', 'NEXT ATTEMPT'],
        ...deliveries.map((delivery) => [
          formatTime(delivery.createdAt),
          delivery.clientId,
          delivery.sub,
          delivery.reason,
          delivery.state,
          `${delivery.attempts}`,
          delivery.lastOutcome ?? '-',
          delivery.state === 'pending' ? formatTime(delivery.nextAttemptAt) : '-',
        ]),
      ]);
