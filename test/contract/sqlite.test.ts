import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Trip } from '../../src/storage/engine-options.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { createTestClock } from '../support/test-clock.ts';
import { storageContract } from './storage.contract.ts';
import { startMs } from './storage-samples.ts';

storageContract('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-sqlite-'));
  const clock = createTestClock(startMs);
  const trips: Trip[] = [];
  const options = { url: `file:${folder}`, clock, log: pino({ enabled: false }) };
  const first = await openStorage({ ...options, onTrip: (trip) => trips.push(trip) });
  const second = await openStorage(options);
  return {
    first,
    second,
    clock,
    trips,
    cleanup: async () => {
      await Promise.all([first.close(), second.close()]);
      await rm(folder, { recursive: true });
    },
  };
});
