import { beforeEach, describe, expect, it } from '@jest/globals';
import type { LdapConnection } from '../../src/connectors/ldap/connection.ts';
import {
  type ConnectionPool,
  createConnectionPool,
  type Lease,
} from '../../src/connectors/ldap/connection-pool.ts';
import { startDeadline } from '../../src/connectors/ldap/deadline.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

let clock: TestClock;
let opened: number;
let open: Set<LdapConnection>;

/** A connection as far as a pool knows one. */
const openConnection = async (): Promise<LdapConnection> => {
  opened += 1;
  const connection = {
    get isUsable() {
      return open.has(connection);
    },
    close: () => open.delete(connection),
  } as unknown as LdapConnection; // the pool calls nothing else
  open.add(connection);
  return connection;
};

const poolOf = (changes: Partial<Parameters<typeof createConnectionPool>[0]> = {}): ConnectionPool =>
  createConnectionPool({
    open: openConnection,
    limit: 2,
    keeps: true,
    longestWaitMs: 5_000,
    clock,
    isAnswering: async () => true,
    foundSilent: () => {},
    ...changes,
  });

const acquire = (pool: ConnectionPool, withinMs = 5_000): Promise<Lease> =>
  pool.acquire(startDeadline(withinMs));

beforeEach(() => {
  clock = createTestClock(0);
  opened = 0;
  open = new Set();
});

describe('a pool of connections', () => {
  it('opens no more than its limit, and hands them on in the order of those who wait', async () => {
    const pool = poolOf();
    const first = await acquire(pool);
    const second = await acquire(pool);
    const order: string[] = [];
    const waiting = ['a', 'b', 'c'].map(async (name) => {
      const lease = await acquire(pool);
      order.push(name);
      lease.release();
    });
    first.release();
    await Promise.all(waiting);
    expect(order).toEqual(['a', 'b', 'c']);
    second.release();
    expect(opened).toBe(2);
    expect(pool.size).toBe(2);
  });

  it('gives a connection to one user at a time, however often it is given back', async () => {
    const pool = poolOf({ limit: 2 });
    const lease = await acquire(pool);
    lease.release();
    lease.release();
    const [first, second] = [await acquire(pool), await acquire(pool)];
    expect(first.connection).not.toBe(second.connection);
  });

  it('gives nobody a connection that is lost, and room for a new one instead', async () => {
    const pool = poolOf({ limit: 1 });
    const lease = await acquire(pool);
    const next = acquire(pool);
    lease.connection.close();
    lease.release();
    expect((await next).isReused).toBe(false);
    expect(opened).toBe(2);
    expect(pool.size).toBe(1);
  });

  it('lets go at once those who wait for a server that has failed', async () => {
    const pool = poolOf({ limit: 1 });
    await acquire(pool);
    const waiting = [acquire(pool), acquire(pool)];
    pool.refuseWaiting();
    for (const lease of waiting)
      await expect(lease).rejects.toMatchObject({ detail: 'the server of the directory has failed' });
  });

  it('lets nobody wait longer than they have time', async () => {
    const pool = poolOf({ limit: 1 });
    await acquire(pool);
    await expect(acquire(pool, 30)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(acquire(poolOf({ longestWaitMs: 30 }), 0)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('lets a thousand wait, and no more', async () => {
    const pool = poolOf({ limit: 1 });
    await acquire(pool);
    const waiting = Array.from({ length: 1_000 }, () => acquire(pool).catch(() => 'refused'));
    await expect(acquire(pool)).rejects.toMatchObject({ detail: expect.stringContaining('too many wait') });
    pool.close();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['refused']));
  });

  it('makes room when a connection cannot be opened', async () => {
    let isDown = true;
    const pool = poolOf({
      limit: 1,
      open: () => (isDown ? Promise.reject(new Error('down')) : openConnection()),
    });
    await expect(acquire(pool)).rejects.toThrow('down');
    isDown = false;
    await acquire(pool);
    expect(pool.size).toBe(1);
  });

  it('closes what nobody has used for two rounds', async () => {
    const pool = poolOf();
    const [first, second] = [await acquire(pool), await acquire(pool)];
    first.release();
    pool.sweep();
    expect(open.size).toBe(2);
    second.release();
    pool.sweep();
    expect([...open]).toEqual([second.connection]);
    pool.sweep();
    expect(pool.size).toBe(0);
  });

  it('uses an idle connection again only if it answers, and replaces the others of its age if not', async () => {
    const answers = [true, false];
    const pool: ConnectionPool = poolOf({
      limit: 3,
      isAnswering: async () => answers.shift() === true,
      foundSilent: () => pool.distrustOpen(),
    });
    const leases = [await acquire(pool), await acquire(pool), await acquire(pool)];
    for (const lease of leases) lease.release();
    const soon = await acquire(pool);
    expect([soon.isReused, answers.length]).toEqual([true, 2]);
    soon.release();
    clock.advance(1_000);
    const [alive, silent] = [await acquire(pool), await acquire(pool)];
    expect([alive.isReused, silent.isReused]).toEqual([true, false]);
    alive.release();
    expect([...open]).toEqual([silent.connection]);
  });

  it('lets one request at a time wait for the answer of an idle connection', async () => {
    let answer = (_isAlive: boolean): void => {};
    const pool = poolOf({ isAnswering: () => new Promise((resolve) => (answer = resolve)) });
    const leases = [await acquire(pool), await acquire(pool)];
    for (const lease of leases) lease.release();
    clock.advance(1_000);
    const first = acquire(pool);
    expect((await acquire(pool)).isReused).toBe(false);
    answer(true);
    expect((await first).isReused).toBe(true);
    expect([opened, pool.size]).toEqual([3, 2]);
  });

  it('keeps nothing unless it may, and nothing when it is closed', async () => {
    const pool = poolOf({ keeps: false });
    (await acquire(pool)).release();
    expect(open.size).toBe(0);
    const kept = poolOf();
    const inUse = await acquire(kept);
    (await acquire(kept)).release();
    kept.close();
    inUse.release();
    expect(open.size).toBe(0);
    await expect(acquire(kept)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
