import { systemClock } from '../../src/clock.ts';
import { loadServerSettings } from '../../src/config/server/load-server-settings.ts';
import { createLog } from '../../src/log.ts';
import { packageRoot } from '../../src/package-root.ts';
import { openServer } from '../../src/server/open-server.ts';
import type { TargetTask } from './task.ts';

/** Drawbridge as it is shipped, with its request log on. Resolves, once it listens, to what closes it. */
export const openDrawbridge = async (task: TargetTask): Promise<() => Promise<void>> => {
  const loaded = loadServerSettings({
    file: 'config/server.yaml',
    cwd: packageRoot(),
    env: {
      DRAWBRIDGE_SERVER__PUBLIC_URL: `http://127.0.0.1:${task.port}`,
      DRAWBRIDGE_SERVER__HOST: '127.0.0.1',
      DRAWBRIDGE_SERVER__PORT: String(task.port),
      DRAWBRIDGE_SERVER__SECRET_KEY: task.secretKey,
      DRAWBRIDGE_STORAGE__URL: task.storageUrl,
      DRAWBRIDGE_TENANTS__DIRECTORY: task.tenantsDirectory,
      ...(task.warmLimit === undefined ? {} : { DRAWBRIDGE_TENANTS__WARM_LIMIT: String(task.warmLimit) }),
      ...task.environment,
    },
  });
  if ('faults' in loaded)
    throw new Error(loaded.faults.map(({ path, message }) => `${path} ${message}`).join('\n'));
  const { settings } = loaded;
  const server = await openServer({
    // Below what the settings allow when hashing is to be kept out of a figure.
    settings: {
      ...settings,
      passwords: { ...settings.passwords, ...task.hashing },
      server: { ...settings.server, drainDelayMs: 0 },
    },
    env: process.env,
    clock: systemClock,
    log: createLog(settings.log),
    role: 'server',
  });
  await server.listen();
  return () => server.close();
};
