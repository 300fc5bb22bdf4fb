import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { createMasterKey, openMasterKey } from '../crypto/master-key.ts';
import { dataFolder, type OpenStore, openStore } from '../server/open-store.ts';
import { locationOf } from '../storage/mongodb/url.ts';
import type { Storage } from '../storage/storage.ts';
import { StoreInUse } from '../storage/store-in-use.ts';
import { describeCounts } from './backup.ts';
import { type BackupHeader, checkBackup, readRecords } from './backup-file.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure } from './exit.ts';
import { createCliLog } from './with-store.ts';

interface RestoreOptions {
  readonly replace?: boolean;
}

export const addRestore = (program: Command): void => {
  program
    .command('restore <file>')
    .description('put a backup into the store; servers must be stopped')
    .option('--replace', 'delete what the store holds first')
    .addHelpText(
      'after',
      '\nAll sessions and tokens end, also those the store holds now: what was used, rotated or revoked since the backup\nmust not come back to life. It is refused while a\nserver uses the store. With MongoDB a server that was killed counts for 30 seconds.',
    )
    .action((file: string, options: RestoreOptions, command: Command) =>
      restore(contextOf(command), { file, isReplacing: options.replace ?? false }),
    );
};

const restore = async (
  context: CliContext,
  { file: name, isReplacing }: { readonly file: string; readonly isReplacing: boolean },
): Promise<void> => {
  const { settings } = requireSettings(context);
  const file = resolve(context.cwd, name);
  const { header, counts } = await checkBackup(file);
  await requireSameKey(settings, header);
  const { storage, close } = await openAlone(settings);
  try {
    const tenants = await storage.listTenants();
    if (tenants.length > 0 && !isReplacing) throw new CommandFailure(notEmpty(storage, tenants));
    // Tokens and tenants are removed before anything is restored, so that old tokens never refer to restored records.
    for (const tenant of tenants) await storage.purgeTenant(tenant);
    const restored = await storage.importRecords(readRecords(file));
    // An instance on MongoDB that was not stopped may have issued tokens meanwhile.
    await storage.dropEphemeral();
    context.printResult({ file, restored, counts, removedTenants: tenants }, () => [
      `Restored as of ${header.createdAt}: ${describeCounts(counts)}. All sessions and tokens have ended.`,
    ]);
  } finally {
    await close();
  }
};

/** Has the store alone: no server runs at the same time. @throws CommandFailure when one does */
const openAlone = async (settings: ServerSettings): Promise<OpenStore> => {
  try {
    return await openStore({ settings, clock: systemClock, log: createCliLog(), role: 'restore' });
  } catch (error) {
    if (!(error instanceof StoreInUse)) throw error;
    const folder = dataFolder(settings.storage.url);
    throw new CommandFailure(
      folder === undefined
        ? `Nothing was restored into ${locationOf(settings.storage.url)}. ${error.message}`
        : `A Drawbridge server is running on the data in ${folder}. A restore needs it stopped: stop it, then run this again.`,
    );
  }
};

const notEmpty = ({ location }: Storage, tenants: readonly string[]): string =>
  `The store in ${location} holds data of ${tenants.join(', ')}. Add --replace to delete it first, or restore into an empty store.`;

/** The signing keys in the backup can be opened with the key that sealed them, and with no other. */
const requireSameKey = async (settings: ServerSettings, header: BackupHeader): Promise<void> => {
  const { secretKey } = settings.server;
  const folder = dataFolder(settings.storage.url);
  const keyFile = folder === undefined ? undefined : join(folder, 'master.key');
  const isKeyless = secretKey === undefined && keyFile !== undefined && !existsSync(keyFile);
  if (isKeyless && header.masterKey === undefined) {
    throw new CommandFailure(
      `The backup needs its master key. Put it into ${keyFile} (mode 0600), or set DRAWBRIDGE_SERVER__SECRET_KEY.`,
    );
  }
  const key = isKeyless
    ? createMasterKey(header.masterKey ?? '')
    : await openMasterKey({ secretKey, folder });
  if (key.checkValue() !== header.masterKeyCheck) {
    throw new CommandFailure(
      'The master key is not the one of this backup, so its signing keys could not be opened. Nothing was restored. ' +
        `Give the key of that time: DRAWBRIDGE_SERVER__SECRET_KEY${keyFile === undefined ? '' : `, or ${keyFile}`}.`,
    );
  }
  if (!isKeyless) return;
  mkdirSync(join(keyFile, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(keyFile, `${header.masterKey}\n`, { flag: 'wx', mode: 0o600 });
};
