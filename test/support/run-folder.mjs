// Plain JavaScript, because jest's global set-up is loaded without a transform.
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the stores of a whole run take, with room to spare; a container may give its memory folder 64 MB only. */
const neededBytes = 3 * 2 ** 30;

/** A folder in memory: stores write to the disk at each commit, and new databases are many small files. */
const memory = '/dev/shm';

const hasRoom = async () => {
  try {
    accessSync(memory, constants.W_OK);
    const { bavail, bsize } = await statfs(memory);
    return bavail * bsize > neededBytes;
  } catch {
    return false; // not Linux
  }
};

/** Makes the folder in which everything of this run is temporary, and has `os.tmpdir()` name it in every worker. */
export const openRunFolder = async () => {
  const folder = await mkdtemp(join((await hasRoom()) ? memory : tmpdir(), 'drawbridge-tests-'));
  process.env.TMPDIR = folder;
  return { remove: () => rm(folder, { recursive: true, force: true }) };
};
