import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { createThrottle } from '../../src/accounts/throttle.ts';
import {
  codeSeconds,
  createVerifications,
  linkSeconds,
  newBrowser,
  type VerificationPurpose,
  type Verifications,
} from '../../src/accounts/verifications.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { dumpStore } from '../support/dump-store.ts';
import { eachStore, type OpenedStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const reset: VerificationPurpose = 'password-reset';
// no other purpose is there yet
const another = 'another' as VerificationPurpose;
const alice = {
  purpose: reset,
  address: 'alice@example.com',
  sub: 'sub-of-alice',
  about: { n: '1' },
} as const;
const { purpose: _, ...proven } = alice;
const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_unused, n) => make(n));

eachStore((store) => {
  let opened: OpenedStore;
  let stores: readonly [Storage, Storage];
  let clock: TestClock;

  beforeEach(async () => {
    opened = await store.open();
    clock = createTestClock(Date.now());
    const open = () => openStorage({ url: opened.url, clock, log: pino({ enabled: false }) });
    stores = [await open(), await open()];
  });
  afterEach(async () => {
    for (const storage of stores) await storage.close();
    await opened.cleanup();
  });

  /** Names of counters. */
  let counted: string[];
  beforeEach(() => {
    counted = [];
  });

  const of = (tenant: string, instance: 0 | 1 = 0): Verifications => {
    const storage = stores[instance].forTenant(tenant);
    const throttle = createThrottle(storage.counters, clock);
    const masterKey = createMasterKey('a master key of this test alone, 0123456789');
    return createVerifications({
      tenant,
      artifacts: storage.artifacts,
      throttle: {
        spend: (key, allowance) => {
          counted.push(key);
          return throttle.spend(key, allowance);
        },
      },
      sealingKey: masterKey.derive('verifications'),
      codeKey: masterKey.derive('verification codes'),
      clock,
    });
  };

  describe('a link', () => {
    it('is looked at as often as one likes, and used once', async () => {
      const { link } = await of('acme').create(alice);
      expect(link).toHaveLength(43);
      for (const instance of [0, 1, 0] as const)
        expect(await of('acme', instance).find(reset, link)).toEqual(proven);
      expect(await of('acme', 1).consumeLink(reset, link)).toEqual(proven);
      expect(await of('acme').consumeLink(reset, link)).toBeUndefined();
      expect(await of('acme').find(reset, link)).toBeUndefined();
    });

    it('is had by one of 20 who use it at once on two instances', async () => {
      const { link } = await of('acme').create(alice);
      const had = await Promise.all(times(20, (n) => of('acme', n % 2 ? 1 : 0).consumeLink(reset, link)));
      expect(had.filter((one) => one !== undefined)).toEqual([proven]);
    });

    it('is good for half an hour', async () => {
      const { link } = await of('acme').create(alice);
      clock.advance((linkSeconds - 1) * 1000);
      expect(await of('acme').find(reset, link)).toBeDefined();
      clock.advance(1000);
      expect(await of('acme').find(reset, link)).toBeUndefined();
      expect(await of('acme').consumeLink(reset, link)).toBeUndefined();
    });

    it('is good for its tenant and purpose alone', async () => {
      const { link, code } = await of('acme').create(alice);
      expect(code).toBeUndefined();
      expect(await of('globex').consumeLink(reset, link)).toBeUndefined();
      expect(await of('acme').consumeLink(another, link)).toBeUndefined();
      expect(await of('acme').consumeLink(reset, `${link}x`)).toBeUndefined();
      expect(await of('acme').consumeLink(reset, link)).toBeDefined();
    });

    it('of a registration ends with the others of its address, not with later ones, nor those of others', async () => {
      const dora = { purpose: 'registration', address: 'dora@example.com' } as const;
      const ben = { ...dora, address: 'ben@example.com' };
      const browser = newBrowser();
      const { link, code = '' } = await of('acme').create({ ...dora, browser });
      const others = [await of('acme').create(ben), await of('globex').create(dora)];
      expect(await of('acme').find('registration', link)).toEqual({ address: dora.address });
      clock.advance(1);
      await of('acme').endEarlier('registration', { address: dora.address, seconds: 7 * 86_400 });
      expect(await of('acme', 1).find('registration', link)).toEqual({
        ...{ address: dora.address, isEnded: true },
      });
      expect(await of('acme', 1).consumeLink('registration', link)).toBeUndefined();
      expect(await of('acme', 1).consumeCode('registration', { browser, code })).toBeUndefined();
      const [ofBen, ofGlobex] = others;
      expect(await of('acme').consumeLink('registration', ofBen?.link ?? '')).toBeDefined();
      expect(await of('globex').consumeLink('registration', ofGlobex?.link ?? '')).toBeDefined();
      clock.advance(1);
      const later = await of('acme').create(dora);
      expect(await of('acme', 1).consumeLink('registration', later.link)).toEqual({ address: dora.address });
    });

    it('ends with its account', async () => {
      const { link } = await of('acme').create(alice);
      await stores[0].purgeAccount('acme', alice.sub);
      expect(await of('acme').consumeLink(reset, link)).toBeUndefined();
    });
  });

  describe('a code', () => {
    it('proves the same once, in its browser, with or without spaces', async () => {
      const browser = newBrowser();
      const { code = '', link } = await of('acme').create({ ...alice, browser });
      expect(code).toMatch(/^\d{8}$/);
      const typed = { browser, code: ` ${code.slice(0, 4)} ${code.slice(4)}-` };
      expect(await of('acme').consumeCode(reset, { browser: newBrowser(), code })).toBeUndefined();
      expect(await of('globex').consumeCode(reset, typed)).toBeUndefined();
      expect(await of('acme').consumeCode(another, typed)).toBeUndefined();
      expect(await of('acme', 1).consumeCode(reset, typed)).toEqual(proven);
      expect(await of('acme').consumeCode(reset, typed)).toBeUndefined();
      expect(await of('acme').consumeLink(reset, link)).toBeUndefined();
    });

    it('is had by one of 20 who type it at once on two instances, and not beside the link', async () => {
      const browser = newBrowser();
      const { code = '', link } = await of('acme').create({ ...alice, browser });
      const had = await Promise.all(
        times(20, (n) =>
          n % 4 === 3
            ? of('acme', 0).consumeLink(reset, link)
            : of('acme', n % 2 ? 1 : 0).consumeCode(reset, { browser, code }),
        ),
      );
      expect(had.filter((one) => one !== undefined)).toEqual([proven]);
    });

    it('is good for ten minutes, and for five tries', async () => {
      const [late, guessed] = [newBrowser(), newBrowser()];
      const { code: lateCode = '' } = await of('acme').create({ ...alice, browser: late });
      clock.advance(codeSeconds * 1000);
      expect(await of('acme').consumeCode(reset, { browser: late, code: lateCode })).toBeUndefined();

      const { code = '' } = await of('acme').create({ ...alice, browser: guessed });
      const wrong = code === '00000000' ? '00000001' : '00000000';
      for (const instance of [0, 1, 0, 1, 0] as const)
        expect(
          await of('acme', instance).consumeCode(reset, { browser: guessed, code: wrong }),
        ).toBeUndefined();
      expect(await of('acme').consumeCode(reset, { browser: guessed, code })).toBeUndefined();
    });

    it('has five tries for twenty callers at once on two instances', async () => {
      const tryAfter = async (callers: number) => {
        const browser = newBrowser();
        const { code = '' } = await of('acme').create({ ...alice, browser });
        await Promise.all(
          times(callers, (n) => of('acme', n % 2 ? 1 : 0).consumeCode(reset, { browser, code: 'wrong' })),
        );
        return of('acme').consumeCode(reset, { browser, code });
      };
      expect(await tryAfter(4)).toEqual(proven);
      expect(await tryAfter(20)).toBeUndefined();
    });

    it('is counted for browsers that have one: those that are made up share a few counters', async () => {
      const { code = '' } = await of('acme').create({ ...alice, browser: newBrowser() });
      for (let n = 0; n < 300; n += 1) {
        const before = counted.length;
        expect(await of('acme').consumeCode(reset, { browser: newBrowser(), code })).toBeUndefined();
        expect(counted.length - before).toBe(1); // as many trips as with a code
      }
      expect(new Set(counted).size).toBeLessThanOrEqual(64);
      const browser = newBrowser();
      const { code: own = '' } = await of('acme').create({ ...alice, browser });
      expect(await of('acme').consumeCode(reset, { browser, code: own })).toEqual(proven);
    });

    it('and nothing else is accepted', async () => {
      const text = fc.oneof(
        fc.string(),
        fc.integer({ min: 0, max: 10 ** 8 - 1 }).map((n) => `${n}`.padStart(8, '0')),
        fc.constantFrom('', ' ', '-', '0', '00000000', 'NaN', '[object Object]'),
      );
      await fc.assert(
        fc.asyncProperty(text, async (typed) => {
          const browser = newBrowser();
          const { code } = await of('acme').create({ ...alice, browser });
          const accepted = await of('acme').consumeCode(reset, { browser, code: typed });
          expect(accepted !== undefined).toBe(typed.replace(/[\s-]/g, '') === code);
        }),
        { numRuns: 60 },
      );
    });
  });

  it('leaves nothing of link, code, address and browser in the store', async () => {
    const browser = newBrowser();
    const { link, code = '' } = await of('acme').create({ ...alice, browser });
    await of('acme').endEarlier('registration', { address: alice.address, seconds: 60 });
    const dump = await dumpStore(opened.url);
    expect(dump).toContain('Verification');
    for (const secret of [link, code, browser, alice.address]) expect(dump).not.toContain(secret);
  });
});
