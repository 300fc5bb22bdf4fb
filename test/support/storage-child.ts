// A process of its own that works on a store, for the tests of durability and of several processes.
import { pino } from 'pino';
import type { StorageRole } from '../../src/storage/engine-options.ts';
import { openStorage } from '../../src/storage/open-storage.ts';

const [job = '', url = '', name = ''] = process.argv.slice(2);
const role: StorageRole = job === 'serve' ? 'server' : 'worker';
const clock = { now: () => Date.UTC(2031, 4, 5) };
const expiresAt = clock.now() / 1000 + 3600;

const open = () => openStorage({ url, clock, log: pino({ enabled: false }), role });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Says an id as soon as, and only when, its write was acknowledged. Several are under way at any time. */
const write = async (): Promise<void> => {
  const { artifacts } = (await open()).forTenant('acme');
  let next = 0;
  const writer = async (): Promise<never> => {
    for (;;) {
      next += 1;
      const id = `${name}-${next}`;
      const artifact = {
        kind: 'AccessToken',
        id,
        payload: `{"id":"${id}"}`,
        expiresAt,
        grantId: `g-${id}`,
      } as const;
      await artifacts.write([{ op: 'put', artifact }]);
      say(id);
    }
  };
  await Promise.all(Array.from({ length: 8 }, writer));
};

/** Consumes the codes 0 to 299 and says which it won. */
const consume = async (): Promise<void> => {
  const storage = await open();
  const { artifacts } = storage.forTenant('acme');
  const claim = async (id: string): Promise<void> => {
    if ((await artifacts.consume('AuthorizationCode', id, clock.now()))?.won) say(id);
  };
  await Promise.all(Array.from({ length: 300 }, (_, n) => claim(`${n}`)));
  await storage.close();
};

const serve = async (): Promise<void> => {
  try {
    const storage = await open();
    say('serving');
    // a store that nobody holds may be collected, and its lock with it
    setInterval(() => void storage.ping(), 60_000);
  } catch (error) {
    say(`refused: ${(error as Error).message}`);
  }
};

/** Watches, publishes one event, closes; the process ends by itself when nothing is left open. */
const publish = async (): Promise<void> => {
  const storage = await open();
  await storage.watchEvents({ event: () => {}, lost: () => {} });
  const event = { what: 'account', id: name, reason: 'user.disable', at: clock.now() } as const;
  await storage.forTenant('acme').events.publish(event);
  await storage.close();
};

/** Says the id of each event. */
const watch = async (): Promise<void> => {
  const storage = await open();
  await storage.watchEvents({ event: ({ id }) => say(id), lost: () => say('lost') });
  say('watching');
  setInterval(() => {}, 60_000);
};

const jobs: Readonly<Record<string, () => Promise<void>>> = { write, consume, serve, publish, watch };
await jobs[job]?.();
