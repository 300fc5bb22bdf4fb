import { existsSync } from 'node:fs';
import { access, constants, readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskFaultOf } from '../../disk-fault.ts';
import { networkFilesystemOf } from '../../storage/sqlite/network-filesystem.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const littleSpaceBytes = 512 * 1024 * 1024;
const about = 'data folder';

/** Checks the place of the folder, its owner and its mode. */
export const checkDataFolder = async (folder: string): Promise<readonly Finding[]> => {
  const network = await networkFilesystemOf(folder);
  const place =
    network === undefined
      ? []
      : [
          problem(
            about,
            `${folder} is on a network file system (${network}), where the embedded store may lose data. Move it to a local disk, or use MongoDB.`,
          ),
        ];
  const existing = existingPartOf(folder);
  try {
    await access(existing, constants.W_OK | constants.X_OK | (existing === folder ? constants.R_OK : 0));
  } catch (error) {
    return [...place, problem(about, `${existing} cannot be used: ${diskFaultOf(error) ?? String(error)}.`)];
  }
  if (existing !== folder) return [...place, ok(about, `${folder} will be made on the first start`)];
  const findings = [...place, ...(await checkOwners(folder)), ...(await checkSpace(folder))];
  return findings.length === 0 ? [ok(about, folder)] : findings;
};

/** The folder itself, or the nearest one above, in which it would be made. */
const existingPartOf = (folder: string): string =>
  existsSync(folder) || dirname(folder) === folder ? folder : existingPartOf(dirname(folder));

/** Files of another user appear when a command was run as root, and then the server cannot write them. */
const checkOwners = async (folder: string): Promise<readonly Finding[]> => {
  const { uid } = await stat(folder);
  const findings: Finding[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const file = await stat(path);
    if (file.uid !== uid) {
      findings.push(
        problem(about, `${path} belongs to another user than its folder does. Run: chown ${uid} ${path}`),
      );
    }
    if (file.isFile() && (file.mode & 0o077) !== 0 && process.platform !== 'win32') {
      findings.push(problem(about, `Others may read ${path}. Run: chmod 600 ${path}`));
    }
  }
  return findings;
};

const checkSpace = async (folder: string): Promise<readonly Finding[]> => {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  return freeBytes < littleSpaceBytes
    ? [warning(about, `Only ${Math.floor(freeBytes / 1024 / 1024)} MiB are free at ${folder}. Make room.`)]
    : [];
};
