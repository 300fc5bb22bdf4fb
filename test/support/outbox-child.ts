// A process of its own that begins to deliver one logout to an app that does not answer, until it is killed.
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import { openLogoutOutbox } from '../../src/logout/outbox.ts';
import { openStorage } from '../../src/storage/open-storage.ts';

const [url = '', uri = '', clientId = '', id = ''] = process.argv.slice(2);
const log = pino({ enabled: false });
const storage = await openStorage({ url, clock: systemClock, log, role: 'worker' });
const createdAt = systemClock.now();
await storage.forTenant('acme').deliveries.add([
  {
    ...{ id, clientId, sub: 'somebody', sid: 'a-session', reason: 'test' },
    ...{ state: 'pending', attempts: 0, createdAt, nextAttemptAt: createdAt },
  },
]);
openLogoutOutbox({
  storage,
  tokenFor: () => Promise.resolve({ uri, token: 'of the process that is killed' }),
  hub: { subscribe: () => () => {} },
  clock: systemClock,
  log,
});
