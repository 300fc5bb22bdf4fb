// Which server the demo plays against: the one that `npm start` starts in this folder, and no other.
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { systemClock } from '../../src/clock.ts';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { loadServerSettings } from '../../src/config/server/load-server-settings.ts';
import type { ServerSettings } from '../../src/config/server/server-settings.ts';
import { createLog } from '../../src/log.ts';
import { dataFolder, reachStorage } from '../../src/server/open-store.ts';
import { exchange } from './http-exchange.ts';

export type SettingsHere = { readonly settings: ServerSettings } | { readonly faults: readonly string[] };

/** As `npm start` reads them: config/server.yaml, the environment, the defaults. */
export const settingsHere = (): SettingsHere => {
  const loaded = loadServerSettings({ file: undefined, env: process.env, cwd: process.cwd() });
  return 'settings' in loaded ? loaded : { faults: loaded.faults.map((fault) => formatFault(fault)) };
};

/** Does a Drawbridge answer there, something else, or nobody? */
export const whoAnswers = async (url: string): Promise<'drawbridge' | 'other' | 'nobody'> => {
  try {
    const { status, text } = await exchange(new URL(`${url}/healthz`));
    return status === 200 && text === '{"status":"ok"}' ? 'drawbridge' : 'other';
  } catch {
    return 'nobody';
  }
};

const jwks = z.object({ keys: z.array(z.object({ kid: z.string() })).min(1) });

/**
 * Has the server that answers this store? Its signing keys are in no other.
 * @throws AppError `unavailable`
 */
export const usesStore = async (
  issuer: string,
  tenant: string,
  { storage: { url } }: ServerSettings,
): Promise<boolean> => {
  const folder = dataFolder(url);
  if (folder !== undefined && !existsSync(folder)) return false;
  const { text } = await exchange(new URL(`${issuer}/jwks`));
  const served = jwks.safeParse(JSON.parse(text));
  if (!served.success) return false;
  const storage = await reachStorage({
    url,
    clock: systemClock,
    log: createLog({ level: 'silent' }),
    role: 'cli',
  });
  try {
    const own = new Set((await storage.forTenant(tenant).keys.list()).map(({ kid }) => kid));
    return served.data.keys.every(({ kid }) => own.has(kid));
  } finally {
    await storage.close();
  }
};
