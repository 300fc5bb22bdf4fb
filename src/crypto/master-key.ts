import { hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFaultOf } from '../disk-fault.ts';
import { AppError } from '../errors.ts';
import { randomId } from './ids.ts';

/** The one secret of an installation, from which every other key of Drawbridge is derived. */
export interface MasterKey {
  /** HKDF-SHA-256 (RFC 5869): a key of `length` bytes for this purpose alone. */
  derive(purpose: string, length?: number): Buffer;
  /** Kept in the store, so that a start with a different key is noticed before anything is written. */
  checkValue(): string;
}

const minimumLength = 32;
const minimumDistinct = 8;
const fileName = 'master.key';
const setting = 'DRAWBRIDGE_SERVER__SECRET_KEY';

/**
 * `secret` is at least 32 bytes, or at least 32 characters of text: hex, base64 or any other. It is not decoded, so
 * the content of a key file and the same text in a setting are the same key.
 * @throws AppError `unavailable` when it is too short or too uniform to be a key.
 */
export const createMasterKey = (secret: Buffer | string): MasterKey => {
  const material = typeof secret === 'string' ? Buffer.from(secret.trim()) : secret;
  if (material.length < minimumLength || new Set(material).size < minimumDistinct) {
    throw new AppError(
      'unavailable',
      `The master key is too weak: it needs ${minimumLength} random characters or more. \`openssl rand -base64 32\` makes one.`,
    );
  }
  const derive = (purpose: string, length = 32): Buffer =>
    Buffer.from(hkdfSync('sha256', material, 'drawbridge', purpose, length));
  return { derive, checkValue: () => `v1.${derive('master-key-check').toString('base64url')}` };
};

export interface MasterKeySource {
  /** The setting; wins over the file. */
  readonly secretKey?: string | undefined;
  /** Folder of the embedded store, where `master.key` is made on the first start. */
  readonly folder?: string | undefined;
}

/**
 * When several processes start together on an empty folder, exactly one of them makes the key and all get the same.
 * @throws AppError `unavailable` when there is no key and no folder to make one in, when the key is weak, or when users
 * other than the owner may read its file.
 */
export const openMasterKey = async (source: MasterKeySource): Promise<MasterKey> => {
  if (source.secretKey !== undefined) return createMasterKey(source.secretKey);
  if (source.folder === undefined) {
    throw new AppError(
      'unavailable',
      `A master key is needed: set ${setting} (or ${setting}_FILE) to 32 random characters or more, the same for all instances. \`openssl rand -base64 32\` makes one.`,
    );
  }
  const path = join(source.folder, fileName);
  return createMasterKey(await readKeyFile(source.folder, path));
};

const readKeyFile = async (folder: string, path: string): Promise<string> => {
  try {
    if (!(await exists(path))) await makeKeyFile(folder, path);
    await refuseWidePermissions(path);
    return await readFile(path, 'utf8');
  } catch (cause) {
    const fault = diskFaultOf(cause);
    if (fault === undefined) throw cause;
    throw new AppError('unavailable', `The master key ${path} cannot be used: ${fault}.`, { cause });
  }
};

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
};

const makeKeyFile = async (folder: string, path: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `.${fileName}.${randomId(8)}`);
  await writeDurably(draft, `${randomBytes(32).toString('base64')}\n`);
  try {
    // Linking fails when the name is taken, and never shows a file that is only half written.
    await link(draft, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await unlink(draft);
  }
  const directory = await open(folder, 'r');
  await directory.sync().finally(() => directory.close());
};

const writeDurably = async (path: string, content: string): Promise<void> => {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
};

const refuseWidePermissions = async (path: string): Promise<void> => {
  const mode = (await stat(path)).mode & 0o777;
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw new AppError(
    'unavailable',
    `Others than its owner may read the master key ${path} (mode ${mode.toString(8)}). A copy of it can sign tokens: run \`chmod 600 ${path}\`, and replace the key if it may have been read.`,
  );
};

const hasCode = (error: unknown, code: string): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code;
