import type { Command } from 'commander';
import { definedOnly } from '../defined-only.ts';
import type { MailRecord } from '../storage/storage-mails.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { usageFailure } from './exit.ts';
import { requireTenant } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

export const addMail = (program: Command): void => {
  program
    .command('mail')
    .description('mails to users')
    .command('list <tenant>')
    .description('the mails of the last 30 days and what came of each, newest first; never what was in them')
    .option('--limit <number>', 'show so many', '100')
    .action((id: string, { limit }: { readonly limit: string }, command: Command) =>
      list(contextOf(command), { id, limit: Number(limit) }),
    );
};

const pageSize = 500;

/** A mail without its content: sealed or not, it is nobody's to read. */
type ListedMail = Omit<MailRecord, 'content'>;

const list = (context: CliContext, { id, limit }: { id: string; limit: number }): Promise<void> => {
  if (!Number.isInteger(limit) || limit < 1) throw usageFailure('--limit takes a whole number from 1 on.');
  return withStore(context, async ({ storage, settings }) => {
    requireTenant(settings, id);
    const { mails } = storage.forTenant(id);
    const found: ListedMail[] = [];
    while (found.length < limit) {
      const beforeId = found.at(-1)?.id;
      const wanted = Math.min(pageSize, limit - found.length);
      const page = await mails.list({ limit: wanted, ...definedOnly({ beforeId }) });
      found.push(...page.map(({ content: _, ...listed }) => listed));
      if (page.length < wanted) break;
    }
    context.printResult(found, () => linesOf(id, found));
  });
};

const linesOf = (id: string, mails: readonly ListedMail[]): readonly string[] =>
  mails.length === 0
    ? [`No mail was written for users of ${id} in the last 30 days.`]
    : columns([
        ['SINCE', 'WHY', 'TO', 'SUB', 'STATE', 'ATTEMPTS', 'LAST OUTCOME', 'NEXT ATTEMPT'],
        ...mails.map((mail) => [
          formatTime(mail.createdAt),
          mail.purpose,
          mail.address,
          mail.sub ?? '-',
          mail.state,
          `${mail.attempts}`,
          mail.lastOutcome ?? '-',
          mail.state === 'pending' ? formatTime(mail.nextAttemptAt) : '-',
        ]),
      ]);
