import { systemClock } from '../clock.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { createLog, type Log } from '../log.ts';
import { openStore, reachStorage } from '../server/open-store.ts';
import type { Storage } from '../storage/storage.ts';
import { type CliContext, requireSettings } from './context.ts';

export interface StoreParts {
  readonly storage: Storage;
  readonly settings: ServerSettings;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** Log lines of a command are written to standard error, beside its result. */
export const createCliLog = (): Log => createLog({ level: 'warn' }, process.stderr);

/**
 * Opens the store that the server uses too, and closes it in any case.
 * @throws AppError `unavailable` when it cannot be reached
 */
export const withStore = async <T>(
  context: CliContext,
  use: (parts: StoreParts) => Promise<T>,
): Promise<T> => {
  const { settings } = requireSettings(context);
  const log = createCliLog();
  const storage = await reachStorage({ url: settings.storage.url, clock: systemClock, log, role: 'cli' });
  try {
    return await use({ storage, settings, env: context.env, log });
  } finally {
    await storage.close();
  }
};

/** With the key that the server's secrets in the store are derived from. */
export interface KeyedStoreParts extends StoreParts {
  readonly masterKey: MasterKey;
}

/**
 * The same with the master key, as the server opens both.
 * @throws AppError `unavailable` when the store cannot be reached, or the key is not that of the store
 */
export const withKeyedStore = async <T>(
  context: CliContext,
  use: (parts: KeyedStoreParts) => Promise<T>,
): Promise<T> => {
  const { settings } = requireSettings(context);
  const log = createCliLog();
  const { storage, masterKey, close } = await openStore({ settings, clock: systemClock, log, role: 'cli' });
  try {
    return await use({ storage, masterKey, settings, env: context.env, log });
  } finally {
    await close();
  }
};
