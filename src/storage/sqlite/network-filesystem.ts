import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** By the magic number of statfs(2) on Linux. */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x5346414f, 'AFS'],
  [0x47504653, 'GPFS'],
]);

/**
 * SQLite's write-ahead log keeps its index in shared memory and needs locks that work: network file systems have
 * neither for several machines, and some lose data with one (sqlite.org/wal.html).
 * @returns the kind of network file system the folder is on, or will be on; undefined when it is a local one
 */
export const networkFilesystemOf = async (folder: string): Promise<string | undefined> => {
  let place = folder;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { type } = await statfs(place);
  return networkTypes.get(type);
};
