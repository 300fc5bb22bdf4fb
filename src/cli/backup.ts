import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { dataFolder, openStore } from '../server/open-store.ts';
import { writeBackup } from './backup-file.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure } from './exit.ts';
import { createCliLog } from './with-store.ts';

interface BackupOptions {
  readonly withMasterKey?: boolean;
}

export const addBackup = (program: Command): void => {
  program
    .command('backup <file>')
    .description(
      'write all that lasts to a file: people, keys, usage, audit records; a server may be running',
    )
    .option('--with-master-key', 'include the key that opens it; a reader of the file can then sign tokens')
    .addHelpText(
      'after',
      '\nSessions and tokens are not in it: after a restore people sign in again.\n' +
        "The master key is not in it either, so that a lost file gives nothing away. Keep the key elsewhere: without it\na backup's signing keys cannot be opened. Tenant files, settings and client secrets are files of your own.",
    )
    .action((file: string, options: BackupOptions, command: Command) =>
      backup(contextOf(command), { file, isWithKey: options.withMasterKey ?? false }),
    );
};

const backup = async (
  context: CliContext,
  { file: name, isWithKey }: { readonly file: string; readonly isWithKey: boolean },
): Promise<void> => {
  const { settings } = requireSettings(context);
  const folder = dataFolder(settings.storage.url);
  if (folder !== undefined && !existsSync(join(folder, 'drawbridge.db'))) {
    throw new CommandFailure(
      `There is no store in ${folder} yet. Set DRAWBRIDGE_STORAGE__URL to the right one.`,
    );
  }
  const file = resolve(context.cwd, name);
  const { storage, masterKey, close } = await openStore({
    settings,
    clock: systemClock,
    log: createCliLog(),
    role: 'cli',
  });
  try {
    const header = {
      drawbridgeBackup: 1,
      engine: storage.engine,
      createdAt: new Date(systemClock.now()).toISOString(),
      masterKeyCheck: masterKey.checkValue(),
      ...(isWithKey ? { masterKey: masterKeyText(settings) } : {}),
    } as const;
    const counts = await writeBackup(file, { header, records: storage.exportRecords() });
    context.printResult({ file, ...header, masterKey: undefined, counts }, () => [
      `${file} holds ${describeCounts(counts)}.`,
    ]);
    context.note(
      isWithKey
        ? 'It holds the master key: a reader of the file can sign tokens. Protect it like the key.'
        : 'It does not hold the master key. Keep that elsewhere; a restore needs it.',
    );
  } finally {
    await close();
  }
};

const masterKeyText = ({ server, storage }: ServerSettings): string => {
  const folder = dataFolder(storage.url);
  return server.secretKey ?? readFileSync(join(folder ?? '', 'master.key'), 'utf8').trim();
};

export const describeCounts = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([collection, count]) => `${count} ${count === 1 ? collection.replace(/s$/, '') : collection}`)
    .join(', ') || 'no records';
