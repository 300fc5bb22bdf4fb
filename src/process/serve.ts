import { setTimeout as delay } from 'node:timers/promises';
import type { OpenServer, ServerOptions } from '../server/open-server.ts';
import { bannerLines } from '../server/startup-banner.ts';
import { importQuietly } from './import-quietly.ts';
import { listenForStop, type StopRequest } from './stop-signals.ts';

export interface ServeParts extends Omit<ServerOptions, 'role'> {
  readonly showBanner: (lines: readonly string[]) => void;
}

export interface ServeOptions extends ServerOptions {
  readonly onListening: (banner: readonly string[]) => void;
  /** Further events that ask to stop. */
  readonly alsoStoppedBy?: Promise<StopRequest>;
  /** Called with the function that reloads changed tenants, once the server has tenants to reload. */
  readonly onReloadable?: (reload: () => void) => void;
  readonly abandon: () => void;
}

/** Milliseconds that the banner waits for the tenants' files; it shows those that were read by then. */
const bannerTimeoutMs = 250;

/**
 * Serves until asked to stop. Resolves to the exit code once everything is closed.
 * @throws AppError when it cannot begin
 */
export const serve = async (options: ServeOptions): Promise<number> => {
  const { settings, log, abandon } = options;
  let server: OpenServer | undefined;
  const reload = (): void => {
    log.info('looking at the tenants again');
    void server?.tenants.rescan();
  };
  const { first } = listenForStop({ log, reload, abandon });
  options.onReloadable?.(reload);
  const { openServer } = await importQuietly(() => import('../server/open-server.ts'));
  server = await openServer(options);
  const { tenants, storage } = server;
  let port: number;
  try {
    port = await server.listen();
  } catch (error) {
    await server.close({ isAlone: true });
    throw error;
  }
  const { publicUrl, host } = settings.server;
  log.info({ publicUrl, host, port, store: storage.engine, tenants: tenants.status().files }, 'listening');
  await Promise.race([tenants.list(), delay(bannerTimeoutMs, undefined, { ref: false })]);
  options.onListening(bannerLines({ settings, storage, tenants, port }));

  const { exitCode, isAlone } = await Promise.race([first, options.alsoStoppedBy ?? first]);
  await server.close({ isAlone });
  log.info('stopped');
  return exitCode;
};
