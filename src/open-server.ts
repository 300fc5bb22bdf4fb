import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import { formatFault } from './config/fault.ts';
import type { ServerSettings } from './config/server-settings.ts';
import { hashTenant, loadTenant } from './config/tenant-file.ts';
import { type MasterKey, openMasterKey } from './crypto/master-key.ts';
import { createPasswordHasher } from './crypto/password-hasher.ts';
import { AppError } from './errors.ts';
import type { Log } from './log.ts';
import { packageRoot } from './package-root.ts';
import { createApp } from './server.ts';
import type { StorageRole, Trip } from './storage/engine-options.ts';
import { openStorage } from './storage/open-storage.ts';
import type { Storage } from './storage/storage.ts';
import { demoRefusal } from './tenants/loopback-only.ts';
import { openTenant, type Tenant } from './tenants/tenant.ts';
import { createTenantFiles } from './tenants/tenant-files.ts';
import { openTenantRegistry, type TenantRegistry } from './tenants/tenant-registry.ts';
import { openPages } from './web/open-pages.ts';

export interface ServerOptions {
  readonly settings: ServerSettings;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Log;
  readonly role: StorageRole;
  /** Told of each trip to the store: for counting them. */
  readonly onTrip?: (trip: Trip) => void;
}

export interface OpenServer {
  readonly tenants: TenantRegistry<Tenant>;
  readonly storage: Storage;
  /** Resolves to the port, which the system chose if the settings say 0. */
  listen(): Promise<number>;
  /** Finishes what was accepted, then closes everything. Takes at most the drain times of the settings. */
  close(): Promise<void>;
}

/** Folder of the embedded store; undefined for MongoDB. */
export const dataFolder = (storageUrl: string): string | undefined =>
  storageUrl.startsWith('file:') ? storageUrl.slice('file:'.length) : undefined;

/**
 * Opens all that a serving process needs, in the order in which it depends on each other.
 * @throws AppError `unavailable` when the store cannot be opened or the master key is not the store's
 */
export const openServer = async (options: ServerOptions): Promise<OpenServer> => {
  const { settings, env, clock, log } = options;
  const { url } = settings.storage;
  const storage = await openStorage({
    url,
    clock,
    log,
    role: options.role,
    ...(options.onTrip === undefined ? {} : { onTrip: options.onTrip }),
  });
  try {
    const masterKey = await openMasterKey({ secretKey: settings.server.secretKey, folder: dataFolder(url) });
    await refuseOtherMasterKey(storage, masterKey);
    const viewsDirectory = join(packageRoot(), 'views');
    const pages = openPages({ directory: viewsDirectory, clock });
    const hasher = createPasswordHasher(settings.passwords);
    const { publicUrl, host } = settings.server;
    const shared = { storage, masterKey, hasher, pages, clock, log };
    const tenants = await openTenantRegistry<Tenant>({
      files: createTenantFiles({ ...settings.tenants, log }),
      fingerprint: (file) => Promise.resolve(hashTenant({ ...file, env })),
      judge: (file) => {
        const loaded = loadTenant({ ...file, env });
        return Promise.resolve(
          'definition' in loaded ? loaded : { faults: loaded.faults.map((fault) => formatFault(fault)) },
        );
      },
      build: (definition) => openTenant({ ...shared, publicUrl }, definition),
      refusalOf: (definition) => demoRefusal(definition, { host, publicUrl }),
      warmLimit: settings.tenants.warmLimit,
      rescanMs: settings.tenants.rescanMs,
      log,
    });
    const readiness = { isDraining: false };
    const app = createApp({ ...shared, settings, viewsDirectory, tenants, readiness });
    const answer = app.callback();
    const server = createServer(
      { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 75_000, maxHeaderSize: 16_384 },
      (req, res) => {
        if (readiness.isDraining) res.setHeader('Connection', 'close');
        void answer(req, res);
      },
    );
    const sweeping = options.role === 'server' ? startSweeping(storage, log) : undefined;
    return {
      tenants,
      storage,
      listen: () => listen(server, settings.server),
      close: async () => {
        readiness.isDraining = true;
        await drain(server, settings.server);
        sweeping?.stop();
        await tenants.close();
        await storage.close();
      },
    };
  } catch (error) {
    await storage.close();
    throw error;
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

const listen = (server: Server, { host, port }: ServerSettings['server']): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint =
        cause.code === 'EADDRINUSE'
          ? `Port ${port} on ${host} is in use; choose another with DRAWBRIDGE_SERVER__PORT`
          : `Cannot listen on ${host}:${port}`;
      reject(new AppError('unavailable', hint, { cause }));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port)); // it listens on TCP
  });

/** First the balancer learns that we go (readyz), then the port closes, then what is under way finishes. */
const drain = async (server: Server, times: ServerSettings['server']): Promise<void> => {
  if (!server.listening) return;
  await delay(times.drainDelayMs);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const patience = new AbortController();
  await Promise.race([
    closed,
    delay(times.drainTimeoutMs, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
  server.closeAllConnections();
  await closed;
};

const sweepEveryMs = 60_000;

const startSweeping = (storage: Storage, log: Log): { stop(): void } => {
  const timer = setInterval(() => {
    storage.sweep().catch((err: unknown) => log.warn({ err }, 'expired records could not be removed'));
  }, sweepEveryMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
};
