// The store keeps what outlives a request. It is opened here and used through the port.
//   storage.ts            the port and its rules; storage-records, -devices, -endings.ts are parts of it
//   sqlite/, mongodb/     the two engines; begin with `sqlite-storage.ts` and `mongo-storage.ts`
//   engine-options.ts     what both get; guarded-watcher.ts, polling.ts, tenant-id.ts what both share
// `test/contract/storage.contract.ts` holds both engines to the rules of the port.
import { AppError } from '../errors.ts';
import type { StorageOptions } from './engine-options.ts';
import { openSqliteStorage } from './sqlite/sqlite-storage.ts';
import type { Storage } from './storage.ts';

/**
 * Opens the engine that the URL names: `file:<folder>` or `mongodb://…` (`mongodb+srv://…`).
 *
 * @throws AppError('invalid_request') for a URL that names no engine or asks MongoDB for weak guarantees
 * @throws AppError('unavailable') when the store cannot be reached, or is in use by another server
 */
export const openStorage = async (options: StorageOptions): Promise<Storage> => {
  const { url } = options;
  if (url.startsWith('file:')) return openSqliteStorage(options);
  if (/^mongodb(\+srv)?:\/\//.test(url)) {
    const { openMongoStorage } = await import('./mongodb/mongo-storage.ts');
    return openMongoStorage(options);
  }
  throw new AppError(
    'invalid_request',
    'The storage URL must begin with file: or mongodb:// or mongodb+srv://',
  );
};
