import { join } from 'node:path';
import { StoreInUse } from '../store-in-use.ts';
import { makePrivateFile } from './connection.ts';
import { type Database, loadDriver } from './driver.ts';
import { folderFailure, isBusy } from './errors.ts';

/**
 * Two servers on one folder would each assume that no other server uses it. The lock is an open transaction on a file
 * of its own, which the operating system releases when the process ends for any reason.
 *
 * @throws StoreInUse when another server holds it
 */
export const lockFolder = async (folder: string): Promise<() => void> => {
  const open = await loadDriver();
  const database = openIn(folder, open);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (!isBusy(cause)) throw folderFailure(folder, cause) ?? cause;
    throw new StoreInUse(
      `Another Drawbridge server is running on the data in ${folder}. Stop it, or give this one a folder of its own`,
      { cause },
    );
  }
  return () => database.close();
};

const openIn = (folder: string, open: Awaited<ReturnType<typeof loadDriver>>): Database => {
  try {
    return open(makePrivateFile(folder, join(folder, 'server.lock')));
  } catch (cause) {
    throw folderFailure(folder, cause) ?? cause;
  }
};
