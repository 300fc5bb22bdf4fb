import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../clock.ts';
import type { ServerSettings } from '../../config/server/server-settings.ts';
import { dataFolder, openStore } from '../../server/open-store.ts';
import type { Storage } from '../../storage/storage.ts';
import { createCliLog } from '../with-store.ts';
import { type Finding, ok, problem, reasonOf, warning } from './finding.ts';

const mostSkewMs = 1000;

/** Checks that the store can be opened and is sealed with our key. `use` makes further checks on the open store. */
export const checkStore = async (
  settings: ServerSettings,
  use: (storage: Storage) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> => {
  const { url } = settings.storage;
  const folder = dataFolder(url);
  if (folder !== undefined && !existsSync(join(folder, 'drawbridge.db'))) {
    return [ok('store', `${folder} will get one, with a master key, on the first start`)];
  }
  try {
    const store = await openStore({ settings, clock: systemClock, log: createCliLog(), role: 'cli' });
    try {
      await store.storage.ping();
      return [
        ok('store', `${store.storage.location} (${store.storage.engine}) answers`),
        ok('master key', 'it is the one of the store'),
        ...(folder === undefined ? [await checkSkew(url, systemClock)] : []),
        ...(await use(store.storage)),
      ];
    } finally {
      await store.close();
    }
  } catch (error) {
    return [problem('store', reasonOf(error))];
  }
};

/** Compares the clocks: this process checks expiries, and so do the TTL indexes of MongoDB. */
const checkSkew = async (url: string, clock: Clock): Promise<Finding> => {
  const { readServerTime } = await import('../../storage/mongodb/server-time.ts');
  const before = clock.now();
  const there = await readServerTime(url);
  const after = clock.now();
  // The server read its clock between these two times.
  const skewMs = Math.max(before - there, there - after, 0);
  return skewMs > mostSkewMs
    ? warning(
        'clock',
        `This machine and MongoDB differ by ${(skewMs / 1000).toFixed(1)} s. Let both take their time from NTP.`,
      )
    : ok('clock', 'agrees with that of MongoDB');
};
