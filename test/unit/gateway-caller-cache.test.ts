import { beforeEach, describe, expect, it } from '@jest/globals';
import { type CallerCache, createCallerCache, type Finding } from '../../src/gateway/callers/caller-cache.ts';
import type { Caller } from '../../src/gateway/gateway-types.ts';
import type { TenantEvent } from '../../src/storage/storage-endings.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const startMs = 1_700_000_000_000;
const definition = { id: 'acme', version: 'v1' };

const callerOf = (changes: Partial<Caller> = {}): Caller => ({
  tenant: 'acme',
  issuer: 'https://id.example.com/oauth/acme',
  sub: 'sub-alice',
  kind: 'person',
  method: 'session',
  username: 'alice',
  emailVerified: false,
  groups: [],
  roles: [],
  amr: ['pwd'],
  revocationIds: ['gateway-session-1', 'session-1', 'sub-alice'],
  ...changes,
});

const eventOf = (changes: Partial<TenantEvent>): TenantEvent => ({
  tenant: 'acme',
  what: 'account',
  id: 'sub-alice',
  reason: 'test',
  at: startMs,
  ...changes,
});

/** An answer that the test gives when it is time. */
const pending = () => {
  let settle = (_finding: Finding): void => {};
  const answer = new Promise<Finding>((resolve) => {
    settle = resolve;
  });
  return { answer, settle };
};

let clock: TestClock;
let cache: CallerCache;
let asked: number;

beforeEach(() => {
  clock = createTestClock(startMs);
  cache = createCallerCache({ clock, limit: 3 });
  asked = 0;
});

const find = (credential = 'one', caller: Partial<Caller> = {}, keptMs = 5000) =>
  cache.find(cache.keyOf(definition, credential), 'acme', async () => {
    asked += 1;
    return { caller: callerOf(caller), keptMs };
  });

describe('who was found behind a credential', () => {
  it('is known for as long as was said', async () => {
    await find();
    clock.advance(4999);
    await find();
    expect(asked).toBe(1);
    clock.advance(1);
    await find();
    expect(asked).toBe(2);
  });

  it('is never known beyond the second in which the proof expires', async () => {
    await find('one', { expiresAt: startMs / 1000 + 2 });
    clock.advance(1999);
    expect(cache.peek(cache.keyOf(definition, 'one'))).toBeDefined();
    clock.advance(1);
    expect(cache.peek(cache.keyOf(definition, 'one'))).toBeUndefined();
  });

  it('is not known after a clock was set back', async () => {
    await find();
    clock.advance(-3_600_000);
    await find();
    expect(asked).toBe(2);
  });

  it('is not known when the clock was set back while it was asked about', async () => {
    const { answer, settle } = pending();
    const first = cache.find(cache.keyOf(definition, 'one'), 'acme', () => answer);
    clock.advance(-3_600_000);
    settle({ caller: callerOf(), keptMs: 5000 });
    await first;
    await find();
    expect(asked).toBe(1);
  });

  it('is counted from the question, not from a late answer', async () => {
    const { answer, settle } = pending();
    const first = cache.find(cache.keyOf(definition, 'one'), 'acme', () => answer);
    clock.advance(4000);
    settle({ caller: callerOf(), keptMs: 5000 });
    await first;
    clock.advance(1000);
    await find();
    expect(asked).toBe(1);
  });

  it('is asked once for all who ask at the same time', async () => {
    const callers = await Promise.all(Array.from({ length: 50 }, () => find()));
    expect(asked).toBe(1);
    expect(new Set(callers).size).toBe(1);
  });

  it('is another one at another tenant, version, or credential', async () => {
    const versions = [definition, { ...definition, version: 'v2' }, { ...definition, id: 'globex' }];
    const keys = versions.flatMap((tenant) => [
      cache.keyOf(tenant, 'token', 'ab', 'c'),
      cache.keyOf(tenant, 'token', 'a', 'bc'),
      cache.keyOf(tenant, 'session', 'a', 'bc'),
    ]);
    expect(new Set(keys).size).toBe(9);
  });

  it('cannot be read from the key, and keys of two processes differ', () => {
    const key = cache.keyOf(definition, 'session', 'a-secret-value');
    expect(key).not.toContain('a-secret-value');
    expect(createCallerCache({ clock, limit: 3 }).keyOf(definition, 'session', 'a-secret-value')).not.toBe(
      key,
    );
  });

  it('is forgotten least recently used first', async () => {
    for (const credential of ['one', 'two', 'three', 'one', 'four']) await find(credential);
    expect(asked).toBe(4);
    expect(cache.peek(cache.keyOf(definition, 'two'))).toBeUndefined();
    for (const credential of ['one', 'three', 'four']) await find(credential);
    expect(asked).toBe(4);
  });
});

describe('what was not found', () => {
  it('is asked about again', async () => {
    const ask = async (): Promise<Finding> => {
      asked += 1;
      return { status: 'nothing' };
    };
    const key = cache.keyOf(definition, 'one');
    expect(await cache.find(key, 'acme', ask)).toEqual({ status: 'nothing' });
    await cache.find(key, 'acme', ask);
    expect(asked).toBe(2);
  });

  it('is asked about again after a failure', async () => {
    const key = cache.keyOf(definition, 'one');
    const fail = () => Promise.reject(new Error('down'));
    await expect(cache.find(key, 'acme', fail)).rejects.toThrow('down');
    expect(await find()).toMatchObject({ username: 'alice' });
  });
});

describe('an event', () => {
  it.each([
    ['of the account', { what: 'account', id: 'sub-alice' }],
    ['of the session', { what: 'session', id: 'session-1' }],
    ['of the gateway session', { what: 'session', id: 'gateway-session-1' }],
    ['of a session of the person, which a JWT does not know', { what: 'session', id: 'x', sub: 'sub-alice' }],
    ['of the client', { what: 'client', id: 'web' }],
  ] as const)('%s ends what was known', async (_whose, event) => {
    await find('one', { clientId: 'web' });
    cache.event(eventOf(event));
    await find('one', { clientId: 'web' });
    expect(asked).toBe(2);
  });

  it.each([
    ['of another tenant', { tenant: 'globex' }],
    ['of somebody else', { id: 'sub-bob' }],
    ['of another grant of the person', { what: 'grant', id: 'grant-9', sub: 'sub-alice' }],
  ] as const)('%s ends nothing', async (_whose, event) => {
    await find();
    cache.event(eventOf(event));
    await find();
    expect(asked).toBe(1);
  });

  it('ends everything that hangs on it', async () => {
    await find('one');
    await find('two', { revocationIds: ['other', 'sub-alice'] });
    cache.event(eventOf({}));
    await find('one');
    await find('two');
    expect(asked).toBe(4);
  });

  it('that may have been missed ends everything', async () => {
    await find();
    cache.lost();
    await find();
    expect(asked).toBe(2);
  });

  it.each([
    ['an event', () => cache.event(eventOf({}))],
    ['a loss', () => cache.lost()],
  ])('is not outlived by an answer that was under way at %s', async (_what, end) => {
    const key = cache.keyOf(definition, 'one');
    const { answer, settle } = pending();
    const first = cache.find(key, 'acme', () => answer);
    end();
    // who comes now gets no answer from before
    expect(await find('one', { username: 'afterwards' })).toMatchObject({ username: 'afterwards' });
    settle({ caller: callerOf({ username: 'before' }), keptMs: 5000 });
    expect(await first).toMatchObject({ username: 'before' });
    expect(cache.peek(key)?.username).not.toBe('before');
  });

  it.each(Array.from({ length: 12 }, (_, steps) => steps))(
    'is not outlived by an answer that came %i microtasks before it',
    async (steps) => {
      const key = cache.keyOf(definition, 'one');
      const { answer, settle } = pending();
      const first = cache.find(key, 'acme', () => answer);
      settle({ caller: callerOf(), keptMs: 5000 });
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      cache.event(eventOf({}));
      await first;
      expect(cache.peek(key)).toBeUndefined();
    },
  );

  it('of another tenant lets an answer under way be kept', async () => {
    const { answer, settle } = pending();
    const first = cache.find(cache.keyOf(definition, 'one'), 'acme', () => answer);
    cache.event(eventOf({ tenant: 'globex' }));
    settle({ caller: callerOf(), keptMs: 5000 });
    await first;
    await find();
    expect(asked).toBe(0);
  });
});
