import type { Clock } from '../clock.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { type MasterKey, openMasterKey } from '../crypto/master-key.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { StorageOptions, StorageRole, Trip } from '../storage/engine-options.ts';
import { locationOf } from '../storage/mongodb/url.ts';
import { openStorage } from '../storage/open-storage.ts';
import { networkFilesystemOf } from '../storage/sqlite/network-filesystem.ts';
import type { Storage } from '../storage/storage.ts';
import { StoreInUse } from '../storage/store-in-use.ts';

export interface OpenStoreOptions {
  readonly settings: Pick<ServerSettings, 'server' | 'storage'>;
  readonly clock: Clock;
  readonly log: Log;
  /** `server` also sweeps expired records. */
  readonly role: StorageRole;
  /** Called for each round trip to the store, to count them. */
  readonly onTrip?: ((trip: Trip) => void) | undefined;
}

export interface OpenStore {
  readonly storage: Storage;
  readonly masterKey: MasterKey;
  close(): Promise<void>;
}

/** Folder of the embedded store; undefined for MongoDB. */
export const dataFolder = (storageUrl: string): string | undefined =>
  storageUrl.startsWith('file:') ? storageUrl.slice('file:'.length) : undefined;

/**
 * Opens the store together with the key that it is sealed with. An embedded store gets both on first use.
 * @throws AppError `unavailable` when the store cannot be opened or the master key is not the store's
 */
export const openStore = async (options: OpenStoreOptions): Promise<OpenStore> => {
  const { settings, clock, log, role, onTrip } = options;
  const { url } = settings.storage;
  const storage = await reachStorage({ url, clock, log, role, ...definedOnly({ onTrip }) });
  try {
    const masterKey = await openMasterKey({ secretKey: settings.server.secretKey, folder: dataFolder(url) });
    await refuseOtherMasterKey(storage, masterKey);
    if (role === 'server') await warnOfNetwork(dataFolder(url), log);
    const sweeping = role === 'server' ? startSweeping(storage, log) : undefined;
    return {
      storage,
      masterKey,
      close: async () => {
        sweeping?.stop();
        await storage.close();
      },
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
};

/** Opens the storage alone. @throws AppError `unavailable` with the place of the store and the remedy */
export const reachStorage = async (options: StorageOptions): Promise<Storage> => {
  try {
    return await openStorage(options);
  } catch (cause) {
    if (
      !isAppError(cause, 'unavailable') ||
      cause instanceof StoreInUse ||
      dataFolder(options.url) !== undefined
    )
      throw cause;
    throw new AppError(
      'unavailable',
      `${cause.message}: ${locationOf(options.url)}. See that it runs and can be reached from here, or correct DRAWBRIDGE_STORAGE__URL.`,
      { cause: cause.cause },
    );
  }
};

/** A store sealed with another key must not be written to: half of it would be unreadable for either key. */
const refuseOtherMasterKey = async (storage: Storage, masterKey: MasterKey): Promise<void> => {
  const stored = await storage.installation.putIfAbsent('master-key-check', masterKey.checkValue());
  if (stored === masterKey.checkValue()) return;
  throw new AppError(
    'unavailable',
    'The master key is not the one that this store was made with. Give the old key back ' +
      '(DRAWBRIDGE_SERVER__SECRET_KEY, or master.key beside the embedded store), or begin with an empty store.',
  );
};

const warnOfNetwork = async (folder: string | undefined, log: Log): Promise<void> => {
  const network = folder === undefined ? undefined : await networkFilesystemOf(folder);
  if (network === undefined) return;
  log.warn({ folder, network }, 'the embedded store is on a network file system and may lose data there');
};

const sweepEveryMs = 60_000;

const startSweeping = (storage: Storage, log: Log): { stop(): void } => {
  const timer = setInterval(() => {
    storage.sweep().catch((err: unknown) => log.warn({ err }, 'expired records could not be removed'));
  }, sweepEveryMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
};
