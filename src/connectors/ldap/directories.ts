// Connections to directories belong to the server, not to a tenant: tenants are dropped and built again, and two
// tenants that name the same directory with the same account share its connections.
import type { Clock } from '../../clock.ts';
import { hashId } from '../../crypto/ids.ts';
import type { Log } from '../../log.ts';
import { createDirectory, type Directory, type OpenDirectory } from './directory.ts';
import type { DirectorySettings } from './directory-server.ts';

export interface Directories {
  /** Opens nothing: the first use does. */
  directoryOf(settings: DirectorySettings): Directory;
  /** Connections to all directories that are open or opening. */
  readonly size: number;
  close(): void;
}

const sweepEveryMs = 30_000;
/** Settings that no tenant has any longer are dropped, with their secrets. */
const forgetAfterMs = 10 * 60_000;

interface Known {
  readonly directory: OpenDirectory;
  usedAt: number;
}

export const openDirectories = (parts: { readonly clock: Clock; readonly log: Log }): Directories => {
  // no lru-cache: the sweep visits every directory and closes the unused ones itself
  const known = new Map<string, Known>();

  const find = (key: string, settings: DirectorySettings): Directory => {
    const entry = known.get(key) ?? { directory: createDirectory(settings, parts), usedAt: 0 };
    entry.usedAt = parts.clock.now();
    known.set(key, entry);
    return entry.directory;
  };

  const sweep = (): void => {
    for (const [key, { directory, usedAt }] of known) {
      if (parts.clock.now() - usedAt <= forgetAfterMs) {
        directory.sweep();
        continue;
      }
      known.delete(key);
      directory.close();
    }
  };
  const timer = setInterval(sweep, sweepEveryMs).unref();

  return {
    directoryOf: (settings) => {
      const key = keyOf(settings);
      return { use: (kind, use) => find(key, settings).use(kind, use) };
    },
    get size() {
      return [...known.values()].reduce((sum, { directory }) => sum + directory.size, 0);
    },
    close: () => {
      clearInterval(timer);
      for (const { directory } of known.values()) directory.close();
      known.clear();
    },
  };
};

/**
 * The key has every setting, above all the credentials: no tenant may use a connection that another account has
 * bound.
 */
const keyOf = (settings: DirectorySettings): string => {
  const { urls, startTls, tls, bind, connectTimeoutMs, operationTimeoutMs, poolSize } = settings;
  const { ca, cert, key, serverName } = tls;
  return hashId(
    JSON.stringify([
      ...[urls, startTls, bind, connectTimeoutMs, operationTimeoutMs, poolSize],
      ...[ca, cert, key, serverName].map((text) => text ?? null),
    ]),
  );
};
