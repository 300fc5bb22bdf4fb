import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LdapSource } from '../../src/config/source/source-definition.ts';
import { eventually } from '../support/eventually.ts';
import { openFreezingProxy } from '../support/freezing-proxy.ts';
import { heapInUse } from '../support/heap.ts';
import { type LdapBench, openLdapBench } from '../support/ldap-bench.ts';
import { findFreePort, type Slapd, startSlapd } from '../support/slapd.ts';
import { ldapSource } from '../support/slapd-source.ts';

let slapd: Slapd;
let other: Slapd;
let bench: LdapBench;

beforeAll(async () => {
  [slapd, other] = await Promise.all([startSlapd(), startSlapd()]);
});
afterAll(() => Promise.all([slapd.stop(), other.stop()]));
beforeEach(() => {
  bench = openLdapBench();
});
afterEach(() => bench.directories.close());

const anna = { login: 'anna', password: 'anna-Passw0rd' };
const source = (changes: Partial<LdapSource> = {}) =>
  ldapSource(slapd, { connectTimeoutMs: 400, operationTimeoutMs: 400, ...changes });
const verify = (changes?: Partial<LdapSource>) => bench.passwords(source(changes)).verify(anna);

/** For those who must get in, however busy this machine is. */
const unhurried = { connectTimeoutMs: 5_000, operationTimeoutMs: 5_000 };

const timed = async <T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> => {
  const begin = performance.now();
  const value = await work();
  return { value, ms: performance.now() - begin };
};
const outcome = (signingIn: Promise<{ readonly ok: boolean }>): Promise<string> =>
  signingIn.then(
    ({ ok }) => (ok ? 'in' : 'refused'),
    (error: { code?: string }) => error.code ?? 'odd',
  );

describe('a directory that is killed and started again', () => {
  it('is used again, bound again, without anybody’s help', async () => {
    expect(await outcome(verify(unhurried))).toBe('in');
    await slapd.kill();
    expect(await outcome(verify(unhurried))).toBe('unavailable');
    await slapd.restart();
    bench.clock.advance(1_000);
    // the connections of before are dead; an anonymous search would find nobody
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => outcome(verify(unhurried))));
    expect(new Set(verdicts)).toEqual(new Set(['in']));
  });

  it('is not noticed at all by those who sign in after a quick restart', async () => {
    expect(await outcome(verify(unhurried))).toBe('in');
    await slapd.kill();
    await slapd.restart();
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => outcome(verify(unhurried))));
    expect(new Set(verdicts)).toEqual(new Set(['in']));
  });

  it('never distinguishes wrong passwords from right ones while it is down', async () => {
    await slapd.kill();
    try {
      const passwords = bench.passwords(source());
      for (const password of ['anna-Passw0rd', 'wrong-Passw0rd'])
        await expect(passwords.verify({ login: 'anna', password })).rejects.toMatchObject({
          code: 'unavailable',
          message: 'The directory cannot be reached',
        });
    } finally {
      await slapd.restart();
    }
  });
});

describe('a directory that accepts connections and never answers', () => {
  it('costs 500 people their sign-in and nothing else', async () => {
    const elsewhere = bench.passwords(ldapSource(other));
    const healthy = async () => {
      const times: number[] = [];
      for (let at = 0; at < 10; at += 1) times.push((await timed(() => elsewhere.verify(anna))).ms);
      return times.sort((a, b) => a - b)[5] ?? 0;
    };
    await elsewhere.verify(anna);
    const before = await healthy();
    const memoryBefore = heapInUse();
    slapd.pause();
    try {
      const begin = performance.now();
      const hanging = Array.from({ length: 500 }, () => outcome(verify()));
      expect(bench.directories.size).toBeLessThanOrEqual(4 + 4);
      const meanwhile = await healthy();
      const verdicts = await Promise.all(hanging);
      expect(performance.now() - begin).toBeLessThan(1_500);
      expect(new Set(verdicts)).toEqual(new Set(['unavailable']));
      expect(meanwhile).toBeLessThan(before + 20);
      expect(heapInUse() - memoryBefore).toBeLessThan(20 * 1024 * 1024);
      // from now on nobody waits
      const { value, ms } = await timed(() => outcome(verify()));
      expect(value).toBe('unavailable');
      expect(ms).toBeLessThan(50);
    } finally {
      slapd.resume();
    }
    bench.clock.advance(1_000);
    expect(await outcome(verify())).toBe('in');
  });

  it('is looked at by one connection at a time while it is left alone', async () => {
    slapd.pause();
    try {
      await outcome(verify());
      expect(bench.directories.size).toBe(0);
      bench.clock.advance(1_000);
      const { ms, value } = await timed(() =>
        Promise.all(Array.from({ length: 50 }, () => outcome(verify()))),
      );
      expect(new Set(value)).toEqual(new Set(['unavailable']));
      expect(ms).toBeLessThan(1_000);
      // it failed again, so it is left alone for longer
      bench.clock.advance(1_500);
      expect((await timed(() => outcome(verify()))).ms).toBeLessThan(50);
    } finally {
      slapd.resume();
    }
    bench.clock.advance(1_000);
    expect(await outcome(verify())).toBe('in');
  });

  it('holds the sockets of its pool and no more', async () => {
    const connections = other.connections();
    const elsewhere = bench.passwords(ldapSource(other, { poolSize: 3 }));
    await Promise.all(Array.from({ length: 100 }, () => elsewhere.verify(anna)));
    expect(other.connections() - connections).toBeLessThanOrEqual(3);
    bench.directories.close();
    await eventually('all are closed', () => other.connections() === connections, 2_000);
  });

  it('keeps none open without a pool', async () => {
    expect(await outcome(verify({ poolSize: 0 }))).toBe('in');
    expect(bench.directories.size).toBe(0);
  });
});

describe('connections that a firewall dropped without a word', () => {
  const limits = { connectTimeoutMs: 3_000, operationTimeoutMs: 1_500 };
  /** Five connections of each kind, so that each may be found frozen. */
  const warm = async () => {
    const proxy = await openFreezingProxy(Number(new URL(slapd.url).port));
    const passwords = bench.passwords(source({ ...limits, urls: [proxy.url], poolSize: 10 }));
    await Promise.all(Array.from({ length: 20 }, () => passwords.verify(anna)));
    return { passwords, proxy };
  };

  it('cost one request the time limit and nobody the sign-in', async () => {
    const { passwords, proxy } = await warm();
    proxy.freeze();
    try {
      const first = await timed(() => outcome(passwords.verify(anna)));
      expect(first.value).toBe('in');
      expect(first.ms).toBeLessThan(2 * limits.operationTimeoutMs);
      const others = await timed(() =>
        Promise.all(Array.from({ length: 20 }, () => outcome(passwords.verify(anna)))),
      );
      expect(new Set(others.value)).toEqual(new Set(['in']));
      expect(others.ms).toBeLessThan(limits.operationTimeoutMs);
    } finally {
      await proxy.close();
    }
  });

  it('let all in who come at once', async () => {
    const { passwords, proxy } = await warm();
    proxy.freeze();
    try {
      const verdicts = await Promise.all(Array.from({ length: 20 }, () => outcome(passwords.verify(anna))));
      expect(new Set(verdicts)).toEqual(new Set(['in']));
    } finally {
      await proxy.close();
    }
  });

  it('are noticed before use when they were idle, long before the time limit', async () => {
    const { passwords, proxy } = await warm();
    proxy.freeze();
    bench.clock.advance(1_000);
    try {
      const { value, ms } = await timed(() =>
        Promise.all(Array.from({ length: 20 }, () => outcome(passwords.verify(anna)))),
      );
      expect(new Set(value)).toEqual(new Set(['in']));
      expect(ms).toBeLessThan(limits.operationTimeoutMs);
    } finally {
      await proxy.close();
    }
  });
});

describe('several servers of a directory', () => {
  it('costs the time limit once when the first is dead, and the first is used again when it is back', async () => {
    const urls = [slapd.url, other.url];
    slapd.pause();
    try {
      const first = await timed(() => outcome(verify({ urls })));
      expect(first.value).toBe('in');
      expect(first.ms).toBeLessThan(700);
      const second = await timed(() => outcome(verify({ urls })));
      expect(second.value).toBe('in');
      expect(second.ms).toBeLessThan(100);
      // somebody has a look at the first one in the background; nobody waits for that
      bench.clock.advance(2_000);
      const third = await timed(() => outcome(verify({ urls })));
      expect(third.value).toBe('in');
      expect(third.ms).toBeLessThan(100);
    } finally {
      slapd.resume();
    }
    bench.clock.advance(10_000);
    await eventually(
      'the first is preferred again',
      async () => {
        const lines = await slapd.during(() => verify({ urls }));
        bench.clock.advance(10_000);
        return lines.some((line) => line.includes('SRCH'));
      },
      5_000,
    );
  });

  it('costs nothing when the first refuses connections', async () => {
    const urls = [`ldap://127.0.0.1:${await findFreePort()}`, other.url];
    expect((await timed(() => outcome(verify({ urls })))).ms).toBeLessThan(200);
    expect(await outcome(verify({ urls }))).toBe('in');
  });

  it('is out of reach when all of them are', async () => {
    const urls = [await findFreePort(), await findFreePort()].map((port) => `ldap://127.0.0.1:${port}`);
    expect(await outcome(verify({ urls }))).toBe('unavailable');
    expect(await outcome(verify({ urls }))).toBe('unavailable');
  });
});

describe('the account of the tenant', () => {
  it('is at fault, not the person, when the directory refuses it', async () => {
    const bind = { as: 'service', dn: slapd.service.dn, password: 'an-old-secret' } as const;
    const signingIn = bench.passwords(source({ bind })).verify(anna);
    await expect(signingIn).rejects.toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('refuses the bind of the tenant'),
    });
    expect(bench.logged.join('')).not.toContain('an-old-secret');
    expect(await outcome(verify(unhurried))).toBe('in');
  });

  it('gives its connections to no source with another account, or none', async () => {
    expect(await outcome(verify())).toBe('in');
    // this directory shows nothing to nobody
    expect(await outcome(verify({ bind: { as: 'anonymous' } }))).toBe('unavailable');
  });
});
