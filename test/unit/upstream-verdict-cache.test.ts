import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  createVerdictCache,
  type TokenVerdict,
  type VerdictCache,
} from '../../src/connectors/upstream/verdict-cache.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const startMs = 1_700_000_000_000;

const verdictOf = (subject: string, expiresAt?: number): TokenVerdict => ({
  person: { subject, attributes: {}, groups: [], amr: [] },
  ...(expiresAt === undefined ? {} : { expiresAt }),
});

let clock: TestClock;
let cache: VerdictCache;
let asked: number;

beforeEach(() => {
  clock = createTestClock(startMs);
  cache = createVerdictCache({ clock, limit: 3 });
  asked = 0;
});

const find = (verdict = verdictOf('alice'), token = 'token', scope = 'scope') =>
  cache.find(scope, token, async () => {
    asked += 1;
    return verdict;
  });

describe('a good verdict on an upstream token', () => {
  it('is kept for a minute', async () => {
    await find();
    clock.advance(59_999);
    expect(await find()).toEqual(verdictOf('alice'));
    expect(asked).toBe(1);
    clock.advance(1);
    await find();
    expect(asked).toBe(2);
  });

  it('is never kept past the expiry of the token', async () => {
    const short = verdictOf('alice', startMs / 1000 + 2);
    await find(short);
    clock.advance(1999);
    await find(short);
    expect(asked).toBe(1);
    clock.advance(1);
    await find(short);
    expect(asked).toBe(2);
  });

  it('is kept no longer than its source says', async () => {
    const brief = { ...verdictOf('alice'), askAgainAt: startMs + 5000 };
    await find(brief);
    clock.advance(4999);
    await find(brief);
    expect(asked).toBe(1);
    clock.advance(1);
    await find(brief);
    expect(asked).toBe(2);
  });

  it('is asked for once by all who ask at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, () => find()));
    expect(asked).toBe(1);
  });

  it('is another one for another connector or token', async () => {
    await find();
    await find(verdictOf('alice'), 'token', 'other scope');
    await find(verdictOf('alice'), 'other token');
    expect(asked).toBe(3);
  });

  it('that was asked for before everything was forgotten is given to those who wait, and not kept', async () => {
    let answer = (_verdict: TokenVerdict): void => {};
    const first = cache.find('scope', 'token', () => new Promise((resolve) => (answer = resolve)));
    cache.clear();
    const second = find(verdictOf('afterwards'));
    answer(verdictOf('before'));
    expect(await Promise.all([first, second])).toEqual([verdictOf('before'), verdictOf('afterwards')]);
    expect(await find()).toEqual(verdictOf('afterwards'));
    expect(asked).toBe(1);
  });
});

describe('a refusal or a failure', () => {
  it('is asked about again', async () => {
    const refuse = async () => {
      asked += 1;
      return undefined;
    };
    await cache.find('scope', 'refused', refuse);
    await cache.find('scope', 'refused', refuse);
    expect(asked).toBe(2);
    await expect(cache.find('scope', 'down', () => Promise.reject(new Error('down')))).rejects.toThrow();
    expect(await find(verdictOf('bob'), 'down')).toEqual(verdictOf('bob'));
  });
});
