import { beforeEach, describe, expect, it } from '@jest/globals';
import { type BasicCache, createBasicCache } from '../../src/gateway/callers/basic-cache.ts';
import type { NotKnown } from '../../src/gateway/callers/caller-cache.ts';
import type { Caller } from '../../src/gateway/gateway-types.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const startMs = 1_700_000_000_000;
const wrong: NotKnown = { status: 'bad', scheme: 'Basic', error: 'credentials', description: 'wrong' };

/** A source that knows one password of each person. */
let right: string;
let groups: readonly string[];
let isDisabled: boolean;
let asked: number;
let read: number;
let delay: Promise<void>;
let clock: TestClock;
let cache: BasicCache;

const callerOf = (tenant: string, login: string): Caller => ({
  tenant,
  issuer: `https://id.example.com/oauth/${tenant}`,
  sub: `sub-${login}`,
  kind: 'person',
  method: 'basic',
  username: login,
  emailVerified: false,
  groups,
  roles: [],
  amr: ['pwd'],
  revocationIds: [`sub-${login}`],
});

const open = (seconds: number, limit = 100): BasicCache => createBasicCache({ clock, seconds, limit });

beforeEach(() => {
  clock = createTestClock(startMs);
  right = 'secret';
  groups = ['team'];
  isDisabled = false;
  asked = 0;
  read = 0;
  delay = Promise.resolve();
  cache = open(60);
});

const call = (
  password = 'secret',
  { login = 'alice', id = 'acme', version = 'v1' }: { login?: string; id?: string; version?: string } = {},
) =>
  cache.find(
    { tenant: { id, version }, login, password },
    {
      ask: async () => {
        asked += 1;
        const isRight = password === right;
        await delay;
        return isRight && !isDisabled ? callerOf(id, login) : wrong;
      },
      reread: async () => {
        read += 1;
        await delay;
        return isDisabled ? undefined : callerOf(id, login);
      },
    },
  );

const isIn = (answer: Caller | NotKnown): boolean => !('status' in answer);
const event = (id: string, tenant = 'acme') =>
  cache.event({ tenant, what: 'account', id, reason: 'test', at: startMs });

describe('a right name and password', () => {
  it('is asked about once while it is remembered', async () => {
    await call();
    clock.advance(4999);
    expect(isIn(await call())).toBe(true);
    expect({ asked, read }).toEqual({ asked: 1, read: 0 });
  });

  it('is asked about each time when nothing is to be remembered', async () => {
    cache = open(0);
    await Promise.all([call(), call()]);
    await call();
    expect(asked).toBe(3);
  });

  it('is remembered for the time that was set, and for a minute at most', async () => {
    for (const [seconds, known] of [
      [10, 9999],
      [600, 59_999],
    ] as const) {
      cache = open(seconds);
      asked = 0;
      await call();
      clock.advance(known);
      await call();
      expect(asked).toBe(1);
      clock.advance(1);
      await call();
      expect(asked).toBe(2);
    }
  });

  it('is asked about once for 50 who come at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => call()));
    expect(answers.every(isIn)).toBe(true);
    expect(asked).toBe(1);
  });

  it('is asked about anew when the file of the tenant has changed', async () => {
    await call();
    await call('secret', { version: 'v2' });
    expect(asked).toBe(2);
  });

  it('means nothing at another tenant or for another name', async () => {
    await call();
    await call('secret', { id: 'globex' });
    await call('secret', { login: 'bob' });
    expect(asked).toBe(3);
  });

  it('is remembered for a bounded number of people, who came last', async () => {
    cache = open(60, 2);
    for (const login of ['alice', 'bob', 'carol', 'bob', 'carol']) await call('secret', { login });
    expect(asked).toBe(3);
    await call('secret', { login: 'alice' });
    expect(asked).toBe(4);
  });
});

describe('a wrong password', () => {
  it('is asked about each time', async () => {
    await call('wrong');
    await call('wrong');
    expect(asked).toBe(2);
  });

  it('is asked about though the right one is remembered, and does not push it out', async () => {
    await call();
    expect(isIn(await call('wrong'))).toBe(false);
    expect(asked).toBe(2);
    expect(isIn(await call())).toBe(true);
    expect(asked).toBe(2);
  });

  it('does not share the answer to the right one at the same time', async () => {
    let go = (): void => {};
    delay = new Promise((resolve) => {
      go = resolve;
    });
    const answers = [call(), call('wrong'), call(), call('wrong')];
    go();
    expect((await Promise.all(answers)).map(isIn)).toEqual([true, false, true, false]);
    expect(asked).toBe(2);
  });

  it('that became the right one takes the place of the old one', async () => {
    await call();
    right = 'changed';
    expect(isIn(await call('changed'))).toBe(true);
    expect(isIn(await call('secret'))).toBe(false);
  });
});

describe('the account behind it', () => {
  it('is read again after five seconds, without its password', async () => {
    await call();
    groups = ['team', 'admins'];
    clock.advance(5000);
    expect(await call()).toMatchObject({ groups: ['team', 'admins'] });
    clock.advance(4999);
    await call();
    expect({ asked, read }).toEqual({ asked: 1, read: 1 });
  });

  it('is read once for all who come at the same time', async () => {
    await call();
    clock.advance(5000);
    await Promise.all(Array.from({ length: 20 }, () => call()));
    expect({ asked, read }).toEqual({ asked: 1, read: 1 });
  });

  it('refuses the person when it is disabled', async () => {
    await call();
    isDisabled = true;
    clock.advance(5000);
    expect(isIn(await call())).toBe(false);
    expect(asked).toBe(2);
  });

  it('does not make the password live longer', async () => {
    await call();
    for (let second = 5; second < 60; second += 5) {
      clock.advance(5000);
      await call();
    }
    expect(asked).toBe(1);
    clock.advance(5000);
    await call();
    expect(asked).toBe(2);
  });
});

describe('an event', () => {
  it('of the account ends it, of no other', async () => {
    await call();
    event('sub-bob');
    event('sub-alice', 'globex');
    await call();
    expect(asked).toBe(1);
    event('sub-alice');
    await call();
    expect(asked).toBe(2);
  });

  it('that may have been missed ends everything', async () => {
    await call();
    cache.lost();
    await call();
    expect(asked).toBe(2);
  });

  it('ends an answer that is under way', async () => {
    let go = (): void => {};
    delay = new Promise((resolve) => {
      go = resolve;
    });
    const first = call();
    event('sub-alice');
    const second = call();
    expect(asked).toBe(2);
    event('sub-alice');
    go();
    await Promise.all([first, second]);
    await call();
    expect(asked).toBe(3);
  });

  it('has the password asked for that was remembered while its account was being read', async () => {
    await call();
    clock.advance(5000);
    let go = (): void => {};
    delay = new Promise((resolve) => {
      go = resolve;
    });
    right = 'changed';
    const answer = call();
    expect({ asked, read }).toEqual({ asked: 1, read: 1 });
    event('sub-alice');
    go();
    expect(isIn(await answer)).toBe(false);
    expect(asked).toBe(2);
  });
});
