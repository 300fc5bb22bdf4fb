// What went wrong with a file or a folder, for the operator: the fault and the remedy.

const rights = (): string =>
  `the user that runs Drawbridge${process.getuid === undefined ? '' : ` (uid ${process.getuid()})`} has no right to it; change its owner or its rights, or choose another place`;
const isReadOnly =
  'it is read-only; give the right to write, mount the disk writable, or choose another place';
const isFull = 'the disk is full; make room';
const isBroken = 'the disk reports an error; see the log of the operating system';
const isNoFolder = 'a part of the path is a file and not a folder; choose another place';
const cannotBeMade =
  'it cannot be made, since the folder above is read-only; mount the disk writable, or choose another place';
const isDamaged = 'the file is damaged or of another program; restore a backup';

/** Codes of the operating system (errno). */
const systemWords: Readonly<Record<string, () => string>> = {
  EACCES: rights,
  EPERM: rights,
  EROFS: () => isReadOnly,
  ENOSPC: () => isFull,
  EDQUOT: () => 'the quota of this user is used up; make room',
  ENOTDIR: () => isNoFolder,
  EEXIST: () => isNoFolder,
  EISDIR: () => 'it is a folder and not a file; choose another name',
  ENOENT: () => 'it is not there; check the name, and make the folder',
  EIO: () => isBroken,
  EMFILE: () => 'too many files are open; raise the limit (ulimit -n)',
  ENFILE: () => 'too many files are open on this machine',
};

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const sqliteWords: Readonly<Record<number, string>> = {
  8: isReadOnly,
  10: isBroken,
  11: isDamaged,
  13: isFull,
  14: 'it cannot be opened; check the owner and the rights of the folder and its files',
  26: isDamaged,
};

/** Undefined when it is not an error of a file. */
export const diskFaultOf = (error: unknown): string | undefined => {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errcode, syscall } = error as { code?: unknown; errcode?: unknown; syscall?: unknown }; // of Node and its SQLite
  if (typeof errcode === 'number') return sqliteWords[errcode & 0xff];
  if (typeof code !== 'string' || syscall === undefined) return undefined;
  // so Node reports a read-only disk when it makes folders one in another
  if (code === 'ENOENT' && syscall === 'mkdir') return cannotBeMade;
  return systemWords[code]?.();
};
