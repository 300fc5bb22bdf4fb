import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { type Clock, epochSeconds, systemClock } from '../../src/clock.ts';
import type { Connector, RedirectSource, UpstreamTokens } from '../../src/connectors/connector.ts';
import { hashId } from '../../src/crypto/ids.ts';
import { AppError } from '../../src/errors.ts';
import { createUpstreamTokens, type KeptUpstreamTokens } from '../../src/oidc/upstream/upstream-tokens.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { eachStore, type OpenedStore } from '../support/stores.ts';

const sealingKey = randomBytes(32);
const now = (): number => epochSeconds(systemClock);

type Refresh = RedirectSource['refresh'];

/** Of the source, only what is used here: which apps may have its tokens, and how it renews them. */
const sourceOf = (refresh: Refresh, tokensFor: readonly string[] | undefined): Connector =>
  ({ definition: { id: 'corp', type: 'oidc', tokensFor }, redirect: { refresh } }) as unknown as Connector; // a stand-in

const noRefresh: Refresh = () => Promise.reject(new Error('nobody should have asked'));

eachStore((store) => {
  describe('tokens of an upstream', () => {
    let opened: OpenedStore;
    let storages: readonly Storage[];
    let people = 0;

    beforeAll(async () => {
      opened = await store.open();
      const open = (role: 'server' | 'worker') =>
        openStorage({ url: opened.url, clock: systemClock, log: pino({ enabled: false }), role });
      storages = [await open('server'), await open('worker')];
    });
    afterAll(async () => {
      for (const storage of [...storages].reverse()) await storage.close();
      await opened.cleanup();
    });

    const person = (): string => {
      people += 1;
      return `sub-${people}`;
    };

    const instance = (
      refresh: Refresh,
      {
        index = 0,
        tokensFor = ['app'],
        clock = systemClock,
      }: { index?: number; tokensFor?: readonly string[]; clock?: Clock } = {},
    ): KeptUpstreamTokens => {
      const storage = storages[index] as Storage;
      return createUpstreamTokens({
        tenant: 'acme',
        artifacts: storage.forTenant('acme').artifacts,
        connectors: [sourceOf(refresh, tokensFor.length === 0 ? undefined : tokensFor)],
        sealingKey,
        keptSeconds: 3600,
        clock,
      });
    };

    const aboutToExpire = (): UpstreamTokens => ({
      accessToken: 'old',
      refreshToken: 'r1',
      idToken: 'id1',
      expiresAt: now() + 30,
    });

    it('are given as they were kept while they are good', async () => {
      const sub = person();
      const tokens = { accessToken: 'at', refreshToken: 'rt', expiresAt: now() + 600, scope: 'mail' };
      await instance(noRefresh).keep(sub, 'corp', tokens);

      expect(await instance(noRefresh, { index: 1 }).find(sub, 'corp')).toEqual(tokens);
      expect(await instance(noRefresh).find(person(), 'corp')).toBeUndefined();
      expect(await instance(noRefresh).find(sub, 'other')).toBeUndefined();
    });

    it('are not kept when no app may have them', async () => {
      const sub = person();
      await instance(noRefresh, { tokensFor: [] }).keep(sub, 'corp', { accessToken: 'at' });

      expect(await instance(noRefresh).find(sub, 'corp')).toBeUndefined();
    });

    it('are renewed before they expire, and keep what the upstream does not say again', async () => {
      const sub = person();
      const expiresAt = now() + 3600;
      await instance(noRefresh).keep(sub, 'corp', aboutToExpire());
      const asked: string[] = [];
      const renewing = instance((token) => {
        asked.push(token);
        return Promise.resolve({ accessToken: 'new', expiresAt });
      });
      const renewed = { accessToken: 'new', refreshToken: 'r1', idToken: 'id1', expiresAt };

      expect(await renewing.find(sub, 'corp')).toEqual(renewed);
      expect(await renewing.find(sub, 'corp')).toEqual(renewed);
      expect(asked).toEqual(['r1']);
    });

    it('are renewed once, however many ask on however many instances', async () => {
      const sub = person();
      await instance(noRefresh).keep(sub, 'corp', { ...aboutToExpire(), expiresAt: now() - 5 });
      let renewals = 0;
      const slowly: Refresh = async () => {
        renewals += 1;
        await new Promise((resolve) => setTimeout(resolve, 200));
        return { accessToken: `new-${renewals}`, refreshToken: 'r2', expiresAt: now() + 3600 };
      };
      const two = [instance(slowly), instance(slowly, { index: 1 })];
      const found = await Promise.all(
        Array.from({ length: 20 }, (_, index) => two[index % 2]?.find(sub, 'corp')),
      );

      expect(renewals).toBe(1);
      expect(new Set(found.map((tokens) => tokens?.accessToken))).toEqual(new Set(['new-1']));
    });

    it('outlive an outage of the upstream as long as they are good, and are renewed once it is back', async () => {
      const sub = person();
      const down: Refresh = () => Promise.reject(new AppError('unavailable', 'down'));
      await instance(noRefresh).keep(sub, 'corp', aboutToExpire());
      const meanwhile = await instance(down).find(sub, 'corp');
      const later: Clock = { now: () => systemClock.now() + 31_000 };
      const tooLate = instance(down, { clock: later }).find(sub, 'corp');
      await expect(tooLate).rejects.toMatchObject({ code: 'unavailable' });
      const back = instance(() => Promise.resolve({ accessToken: 'new', expiresAt: now() + 3600 }));

      expect(meanwhile?.accessToken).toBe('old');
      expect((await back.find(sub, 'corp'))?.accessToken).toBe('new');
    });

    it('without expires_in are renewed after a quarter of an hour, and are given during an outage', async () => {
      const sub = person();
      const at = (minutes: number): Clock => ({ now: () => systemClock.now() + minutes * 60_000 });
      await instance(noRefresh).keep(sub, 'corp', { accessToken: 'old', refreshToken: 'r1' });
      const down: Refresh = () => Promise.reject(new AppError('unavailable', 'down'));
      let renewals = 0;
      const renew: Refresh = () => {
        renewals += 1;
        return Promise.resolve({ accessToken: `new-${renewals}` });
      };
      const found = async (refresh: Refresh, minutes: number): Promise<UpstreamTokens | undefined> =>
        instance(refresh, { clock: at(minutes) }).find(sub, 'corp');

      expect(await found(noRefresh, 13)).toEqual({ accessToken: 'old', refreshToken: 'r1' });
      expect((await found(down, 16))?.accessToken).toBe('old');
      expect(await found(renew, 16)).toEqual({ accessToken: 'new-1', refreshToken: 'r1' });
      expect((await found(renew, 29))?.accessToken).toBe('new-1');
      expect((await found(renew, 33))?.accessToken).toBe('new-2');
    });

    it('without expires_in and without a refresh token are given as they are', async () => {
      const sub = person();
      await instance(noRefresh).keep(sub, 'corp', { accessToken: 'at' });
      const later: Clock = { now: () => systemClock.now() + 30 * 60_000 };

      expect(await instance(noRefresh, { clock: later }).find(sub, 'corp')).toEqual({ accessToken: 'at' });
    });

    it('are gone when the upstream no longer renews them, or when they expired and cannot be renewed', async () => {
      const [refused, expired] = [person(), person()];
      await instance(noRefresh).keep(refused, 'corp', aboutToExpire());
      await instance(noRefresh).keep(expired, 'corp', { accessToken: 'at', expiresAt: now() + 30 });
      const later: Clock = { now: () => systemClock.now() + 31_000 };

      expect(await instance(() => Promise.resolve(undefined)).find(refused, 'corp')).toBeUndefined();
      expect(await instance(noRefresh).find(refused, 'corp')).toBeUndefined();
      expect((await instance(noRefresh).find(expired, 'corp'))?.accessToken).toBe('at');
      expect(await instance(noRefresh, { clock: later }).find(expired, 'corp')).toBeUndefined();
    });

    it('cannot be read in the store, nor moved to another person', async () => {
      const [sub, thief] = [person(), person()];
      const tokens = instance(noRefresh);
      await tokens.keep(sub, 'corp', { accessToken: 'at-that-is-secret', expiresAt: now() + 600 });
      const { artifacts } = (storages[0] as Storage).forTenant('acme');
      const idOf = (who: string): string => hashId(JSON.stringify([who, 'corp']));
      const loaded = await artifacts.load([{ kind: 'UpstreamTokens', id: idOf(sub) }]);
      const [stored] = loaded.artifacts;
      if (stored === undefined) throw new Error('nothing was kept');
      await artifacts.write([{ op: 'put', artifact: { ...stored, id: idOf(thief) } }]);

      expect(stored.payload).not.toContain('secret');
      expect(Buffer.from(stored.payload.slice(3), 'base64url').toString('latin1')).not.toContain('secret');
      await expect(tokens.find(thief, 'corp')).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
});
