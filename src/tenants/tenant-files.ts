import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type FSWatcher, watch } from 'chokidar';
import { tenantFileName, tenantIdsAmong } from '../config/tenant/tenant-file-names.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';

export interface TenantFile {
  readonly id: string;
  readonly path: string;
  readonly text: string;
}

export interface TenantFiles {
  /** Ids of the files that are there now, sorted. */
  list(): Promise<readonly string[]>;
  /** Undefined when there is no such file, or no longer. */
  read(id: string): Promise<TenantFile | undefined>;
  /** Calls back soon after a change in the directory. The event itself does not say reliably what changed. */
  watch(onChange: () => void): Promise<{ close(): Promise<void> }>;
}

export interface TenantFilesOptions {
  readonly directory: string;
  readonly polling: boolean;
  readonly log: Log;
}

/** Several events of one change (write, rename, link swap) make one call. */
const debounceMs = 150;

export const createTenantFiles = ({ directory, polling, log }: TenantFilesOptions): TenantFiles => ({
  list: async () => {
    try {
      return tenantIdsAmong(await readdir(directory));
    } catch (cause) {
      throw new AppError('unavailable', `The tenants' directory ${directory} cannot be read`, { cause });
    }
  },
  read: async (id) => {
    const path = join(directory, tenantFileName(id));
    try {
      const text = await readSettled(path);
      return { id, path, text };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new AppError('unavailable', `${path} cannot be read`, { cause });
    }
  },
  watch: async (onChange) => {
    let timer: NodeJS.Timeout | undefined;
    const watcher: FSWatcher = watch(directory, { depth: 0, ignoreInitial: true, usePolling: polling });
    watcher.on('all', () => {
      clearTimeout(timer);
      timer = setTimeout(onChange, debounceMs);
    });
    watcher.on('error', (err) =>
      log.warn({ err }, 'watching the tenants directory failed; it is still rescanned'),
    );
    await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
    return {
      close: async () => {
        clearTimeout(timer);
        await watcher.close();
      },
    };
  },
});

/** A file that was written to less than so long ago may not be whole yet. */
const settleMs = 150;
const mostReadings = 4;

/** The first half of a tenant's file may be valid by itself, and lack the last clients. */
const readSettled = async (path: string): Promise<string> => {
  for (let readings = 1; ; readings += 1) {
    const before = await stat(path);
    const text = await readFile(path, 'utf8');
    const after = await stat(path);
    const isWhole = before.mtimeMs === after.mtimeMs && before.size === after.size;
    // a file server may have another clock, so the number of attempts is limited
    const isSettled = isWhole && Date.now() - after.mtimeMs >= settleMs;
    if (isSettled || readings === mostReadings) return text;
    await delay(settleMs);
  }
};
