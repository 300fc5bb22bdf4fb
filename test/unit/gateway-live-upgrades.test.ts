import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import type { Caller, Decision } from '../../src/gateway/gateway-types.ts';
import { createLiveUpgrades, type LiveUpgrades } from '../../src/gateway/proxy/live-upgrades.ts';
import type { EventWatcher } from '../../src/storage/storage-endings.ts';
import { eventually } from '../support/eventually.ts';
import { alice } from '../support/proxy-fixture.ts';

let server: Server;
let accepted: Socket[];
let opened: Socket[];
let watchers: Set<EventWatcher>;
let upgrades: LiveUpgrades;

beforeEach(async () => {
  accepted = [];
  opened = [];
  watchers = new Set();
  server = createServer((socket) => void accepted.push(socket.resume()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  upgrades = createLiveUpgrades({
    subscribe: (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    clock: systemClock,
    checkEveryMs: 20,
  });
});
afterEach(async () => {
  upgrades.close();
  for (const socket of [...accepted, ...opened]) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

const end = (): Promise<Socket> =>
  new Promise((resolve) => {
    const { port } = server.address() as { readonly port: number }; // it listens on TCP
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    opened.push(socket.resume());
  });

const join = async (
  decide: () => Promise<Decision>,
  {
    caller = alice,
    watch = upgrades.watch(),
  }: { caller?: Caller; watch?: ReturnType<LiveUpgrades['watch']> } = {},
): Promise<Socket> => {
  const [client, service] = [await end(), await end()];
  watch.join({ client, service, caller, idleTimeoutMs: 60_000, decide });
  return client;
};

const allowed = { outcome: 'allowed', caller: alice, forwardPath: '/' } as Decision;
const unavailable: Decision = { outcome: 'unavailable', retryAfterSeconds: 1, cause: new Error('down') };

/** Gives these one after the other, the last again and again. */
const inTurn = (...decisions: readonly Decision[]) => {
  let asked = 0;
  const decide = async (): Promise<Decision> => {
    asked += 1;
    return decisions[Math.min(asked, decisions.length) - 1] ?? unavailable;
  };
  return { decide, asked: () => asked };
};

const closes = (socket: Socket): Promise<void> => eventually('it is cut', () => socket.destroyed, 4000);

describe('a connection that was upgraded', () => {
  it('is decided about again and again, and cut when it would not be allowed', async () => {
    const { decide, asked } = inTurn(allowed, allowed, { outcome: 'forbidden', reason: 'no_rule' });
    await closes(await join(decide));
    expect(asked()).toBe(3);
  });

  it('outlasts a moment in which nothing can be decided, but not two', async () => {
    const { decide, asked } = inTurn(unavailable, allowed, unavailable, unavailable);
    await closes(await join(decide));
    expect(asked()).toBe(4);
  });

  it('is not asked for its password every time', async () => {
    const { decide, asked } = inTurn(allowed);
    const other = inTurn(allowed);
    const client = await join(decide, { caller: { ...alice, method: 'basic' } });
    await join(other.decide);
    await eventually('the other was asked', () => other.asked() >= 2, 4000);
    expect(asked()).toBe(0);
    expect(client.destroyed).toBe(false);
  });

  it('is cut when its session ended while the service was still asked', async () => {
    const watch = upgrades.watch();
    for (const watcher of watchers)
      watcher.event({ tenant: 'acme', what: 'session', id: 'session-1', reason: 'signed_out', at: 0 });
    await closes(await join(inTurn(allowed).decide, { watch }));
  });

  it('is decided about at once when events may have been missed', async () => {
    const { decide } = inTurn({ outcome: 'forbidden', reason: 'no_rule' });
    const client = await join(decide, { caller: { ...alice, method: 'basic' } });
    for (const watcher of watchers) watcher.lost();
    await closes(client);
  });
});
