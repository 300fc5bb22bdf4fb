import type { Command } from 'commander';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { eachAccount } from './each-account.ts';
import { type MissingPerson, measureProgress, type SourceProgress } from './migration-progress.ts';
import { requireDefinition } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

interface MigrationOptions {
  readonly missing?: boolean;
}

export const addMigration = (program: Command): void => {
  program
    .command('migration <tenant>')
    .description('how many users of each source could sign in without it, and how many could not')
    .option('--missing', 'list those who could not')
    .addHelpText(
      'after',
      '\nA user has moved when the password is kept here: adopted from the source (adopt: true, or takeover), or set by an\n' +
        'operator. A local user has moved when the imported hash was renewed, at the first sign-in. A bcrypt hash\n' +
        'stays when 72 bytes or more are typed, because bcrypt does not read further.',
    )
    .action((tenant: string, { missing = false }: MigrationOptions, command: Command) =>
      migration(contextOf(command), { tenant, isListing: missing }),
    );
};

const migration = (
  context: CliContext,
  { tenant, isListing }: { readonly tenant: string; readonly isListing: boolean },
): Promise<void> =>
  withStore(context, async ({ storage, settings }) => {
    const { sources } = requireDefinition(settings, { id: tenant, env: context.env });
    const progress = await measureProgress(eachAccount(storage.forTenant(tenant).accounts), sources);
    context.printResult(
      isListing ? progress : progress.map(({ missing, ...rest }) => ({ ...rest, missing: missing.length })),
      () => [...tableOf(progress), ...(isListing ? progress.flatMap(missingOf) : [])],
    );
    for (const source of progress) {
      for (const advice of advicesFor(source)) {
        context.note(`${context.colors.yellow('warning')} ${source.source}: ${advice}`);
      }
    }
    if (!sources.some(({ type }) => type === 'local')) {
      context.note(
        `${context.colors.yellow('warning')} ${tenant} has no source of type local. Add one before you take another out: it checks the passwords that are kept here.`,
      );
    }
  });

const tableOf = (progress: readonly SourceProgress[]): readonly string[] =>
  columns([
    ['SOURCE', 'TYPE', 'ADOPT', 'OVER', 'MISSING', 'GONE', 'FIRST', 'LAST'],
    ...progress.map(({ source, type, adopt, people, over, gone, missing, firstAdoptedAt, lastAdoptedAt }) => [
      source,
      type,
      adopt ?? '-',
      `${over} of ${people}`,
      String(missing.length),
      String(gone),
      formatTime(firstAdoptedAt),
      formatTime(lastAdoptedAt),
    ]),
  ]);

const advicesFor = ({ type, adopt, people, missing }: SourceProgress): readonly string[] => {
  if (missing.length === 0 || people === 0) return [];
  if (type === 'removed') {
    return [
      `it is no longer in the file, and ${missing.length} of its people cannot sign in with a password here.`,
    ];
  }
  if (type !== 'local' && adopt === undefined) {
    return ['its people sign in at their provider: no password is seen here, so none can be kept.'];
  }
  return adopt === 'off' ? ['no passwords are kept: set adopt: true to begin.'] : [];
};

const reasons: Readonly<Record<MissingPerson['why'], string>> = {
  no_password: 'no password is kept',
  imported_hash: 'the imported hash is still in use',
  no_login: 'the name to sign in with belongs to another account',
};

const missingOf = ({ source, missing }: SourceProgress): readonly string[] =>
  missing.length === 0
    ? []
    : [
        '',
        `Not over yet at ${source}:`,
        ...columns([
          ['USER', 'E-MAIL', 'WHY', 'LAST SEEN', 'SUB'],
          ...missing.map(({ username, email, why, checkedAt, sub }) => [
            username,
            email ?? '-',
            reasons[why],
            formatTime(checkedAt),
            sub,
          ]),
        ]),
      ];
