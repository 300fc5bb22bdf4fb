import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { TenantRevocation } from '../../src/accounts/revocation-hub.ts';
import type {
  GatewaySession,
  GatewayTicket,
  NewGatewaySession,
} from '../../src/gateway/sign-in/gateway-sessions.ts';
import { type Browser, createBrowser } from '../support/browser.ts';
import { dumpStore } from '../support/dump-store.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Federation,
  localSource,
  oidcSourceContent,
  signInThrough,
  startFederation,
} from '../support/federation.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { type Credentials, redeem, signOut, tokensFor } from '../support/oauth-client.ts';
import { alice, bob, sampleTenant, web } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { eachStore } from '../support/stores.ts';
import type { TestServerOptions } from '../support/test-server.ts';
import { withEachStore } from '../support/use-server.ts';

const host = 'orders.example.com';
const idle = 1000;
const absolute = 4000;
const timeoutMs = 10_000;
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

const options: Omit<TestServerOptions, 'store'> = {
  instances: 2,
  settings: { gateway: { sessionIdle: idle, sessionAbsolute: absolute } },
  tenants: {
    acme: sampleTenant(),
    globex: sampleTenant(),
    brief: sampleTenant({ lifetimes: { session: '5m' } }),
  },
};

await withEachStore(options, (server) => {
  const issuer = server.issuer('acme');
  let heard: TenantRevocation[][];

  beforeAll(() => {
    for (const [index, { hub }] of server.instances.entries())
      hub.subscribe({ event: (event) => void heard[index]?.push(event), lost: () => {} });
  });
  beforeEach(() => {
    heard = [[], []];
  });
  afterEach(restoreTime);

  const sessionsAt = async (instance = 0, tenant = 'acme') =>
    (await servedTenant(server, tenant, instance)).gatewaySessions;

  const find = async (value: string, at = host, instance = 0): Promise<GatewaySession | undefined> =>
    (await sessionsAt(instance)).find(value, at);

  /** A person signs in at the tenant, and so at the gateway. */
  const signedIn = async ({
    browser = createBrowser(),
    who = alice,
    tenant = 'acme',
    ...changes
  }: Partial<NewGatewaySession> & {
    readonly browser?: Browser;
    readonly who?: Credentials;
    readonly tenant?: string;
  } = {}): Promise<NewGatewaySession> => {
    const { artifacts } = server.storage.forTenant(tenant);
    const request = { issuer: server.issuer(tenant), client: web };
    const tokens = await tokensFor(browser, request, who);
    const { sub = '', auth_time } = decodeJwt(tokens.id_token ?? '');
    const stored = await artifacts.sessionsOf(sub);
    const newest = stored.find(({ authorizations = {} }) =>
      JSON.stringify(authorizations).includes(String(decodeJwt(tokens.id_token ?? '').sid)),
    );
    if (newest === undefined) throw new Error('nobody signed in');
    return { sub, host, sessionId: newest.id, signedInAt: Number(auth_time), amr: ['pwd'], ...changes };
  };
  const withoutProvider = async (changes: Parameters<typeof signedIn>[0]): Promise<NewGatewaySession> => {
    const { sessionId: _, ...login } = await signedIn(changes);
    return login;
  };

  describe('a session of the gateway', () => {
    it('says on every instance who signed in and how, with one trip', async () => {
      const login = await signedIn({ amr: ['pwd', 'otp'], acr: 'urn:acme:strong' });
      const value = await (await sessionsAt()).begin(login);
      server.trips();
      const found = await Promise.all([find(value), find(value, host, 1)]);

      expect(server.trips()).toHaveLength(2);
      expect(value).toMatch(/^[\w-]{43}$/);
      for (const session of found)
        expect(session).toMatchObject({
          account: { sub: login.sub, username: alice.username },
          sessionId: login.sessionId,
          signedInAt: login.signedInAt,
          amr: ['pwd', 'otp'],
          acr: 'urn:acme:strong',
          expiresAt: expect.any(Number),
        });
    });

    it.each([
      ['orders.example.com', 'orders.example.com', true],
      ['orders.example.com', 'orders.example.com:8443', false],
      ['orders.example.com', 'other.example.com', false],
      ['orders.example.com', 'deep.orders.example.com', false],
      ['orders.example.com:8443', 'orders.example.com:8443', true],
      ['.example.com', 'example.com', true],
      ['.example.com', 'orders.example.com', true],
      ['.example.com', 'deep.orders.example.com:8443', true],
      ['.example.com', 'badexample.com', false],
      ['.example.com', 'example.com.evil.test', false],
      ['.example.com', 'example.org', false],
    ])('of %s at %s: %s', async (own, asked, isGood) => {
      const value = await (await sessionsAt()).begin({ ...(await signedIn()), host: own });
      expect((await find(value, asked)) !== undefined).toBe(isGood);
    });

    it('is nothing at another tenant, nor is a value that was never issued', async () => {
      const value = await (await sessionsAt()).begin(await signedIn());
      const elsewhere = await (await sessionsAt(0, 'globex')).find(value, host);
      expect(elsewhere).toBeUndefined();
      for (const other of ['', value.slice(1), value.slice(0, -1), `${value}A`, 'x'.repeat(20_000)])
        expect(await find(other)).toBeUndefined();
    });

    it('is kept as a hash, and so is no use to a thief of the store', async () => {
      const value = await (await sessionsAt()).begin(await signedIn());
      const ticket = await (await sessionsAt()).issueTicket({
        ...(await signedIn()),
        target: 'https://orders.example.com/secret-target',
        browser: 'of-this-browser',
      });
      const dump = await dumpStore(server.storeUrl);
      for (const secret of [value, ticket, 'secret-target']) expect(dump.includes(secret)).toBe(false);
    });

    it('is never of another person than the provider session it hangs on', async () => {
      const { sub } = await signedIn({ who: bob });
      const value = await (await sessionsAt()).begin({ ...(await signedIn()), sub });
      expect(await find(value)).toBeUndefined();
    });
  });

  describe('the life of a session of the gateway', () => {
    it('is over when it was not used for the idle time', async () => {
      const value = await (await sessionsAt()).begin(await signedIn());
      moveTime(idle - 1);
      const used = await find(value);
      moveTime(idle - 1);
      const usedAgain = await find(value);
      moveTime(idle + 1);

      expect([used !== undefined, usedAgain !== undefined]).toEqual([true, true]);
      expect(await find(value)).toBeUndefined();
    });

    it('is over at its absolute end, whatever its use, and not before', async () => {
      moveTime(0);
      const value = await (await sessionsAt()).begin(await signedIn());
      const endsAt = nowSeconds() + absolute;
      let last: GatewaySession | undefined;
      // the last use moves its end by less than the writes in between do
      for (const seconds of [900, 900, 900, 250, 150]) {
        moveTime(seconds);
        last = await find(value);
        expect(last?.expiresAt).toBeLessThanOrEqual(endsAt);
      }
      moveTime(absolute - 3100 - 1);
      const inTheEnd = await find(value);
      moveTime(1);

      expect([last?.expiresAt, inTheEnd?.expiresAt]).toEqual([endsAt, endsAt]);
      expect(await find(value)).toBeUndefined();
    });

    it('is prolonged by a write once in a tenth of the idle time', async () => {
      moveTime(0);
      const value = await (await sessionsAt()).begin(await signedIn());
      const countTrips = async (): Promise<number> => {
        server.trips();
        expect(await find(value)).toBeDefined();
        return server.trips().length;
      };
      const trips = [await countTrips()];
      for (const seconds of [idle / 10 - 1, 1, 0, idle / 10 - 1, 1]) {
        moveTime(seconds);
        trips.push(await countTrips());
      }
      expect(trips).toEqual([1, 1, 2, 1, 1, 2]);
    });

    it('ends with the provider session that expires', async () => {
      const login = await signedIn({ tenant: 'brief' });
      const sessions = await sessionsAt(0, 'brief');
      const value = await sessions.begin(login);
      moveTime(200);
      const before = await sessions.find(value, host);
      moveTime(101);
      expect(before).toBeDefined();
      expect(await sessions.find(value, host)).toBeUndefined();
    });
  });

  describe('the end of a session of the gateway', () => {
    it('comes with the sign-out at the tenant, and not with that of another browser', async () => {
      const [browser, other] = [createBrowser(), createBrowser()];
      const value = await (await sessionsAt()).begin(await signedIn({ browser }));
      const kept = await (await sessionsAt()).begin(await signedIn({ browser: other }));
      await signOut(browser, issuer);

      expect([await find(value), await find(value, host, 1)]).toEqual([undefined, undefined]);
      expect(await find(kept)).toBeDefined();
    });

    it.each([
      ['that hangs on a provider session', alice, signedIn],
      ['that a password began', bob, withoutProvider],
    ])('comes with the disabling of its account, for good: one %s', async (_name, who, login) => {
      const value = await (await sessionsAt()).begin(await login({ who }));
      const before = await find(value);
      await server.users('acme').disable(who.username);
      const disabled = await find(value);
      await server.users('acme').enable(who.username);

      expect(before).toBeDefined();
      expect([disabled, await find(value)]).toEqual([undefined, undefined]);
    });

    it('comes with another password', async () => {
      const who = { username: 'carla', password: 'a first long password' };
      await server.users('acme').add(who);
      const value = await (await sessionsAt()).begin(await withoutProvider({ who }));
      const before = await find(value);
      await server.users('acme').setPassword(who.username, 'a second long password');

      expect(before).toBeDefined();
      expect(await find(value)).toBeUndefined();
    });

    it('reaches all instances, for this one alone', async () => {
      const login = await signedIn();
      const [value, kept] = [
        await (await sessionsAt()).begin(login),
        await (await sessionsAt()).begin(login),
      ];
      const id = (await find(value))?.id;
      await (await sessionsAt()).end(value);
      const isHeard = (): boolean => heard.every((events) => events.some((event) => event.id === id));
      await eventually('all instances hear of it', isHeard, timeoutMs);

      expect(await find(value, host, 1)).toBeUndefined();
      expect(await find(kept)).toBeDefined();
      for (const events of heard)
        expect(events.filter((event) => event.id === id || event.id === login.sessionId)).toEqual([
          { what: 'session', id, reason: 'signed_out', at: expect.any(Number), tenant: 'acme' },
        ]);
    });

    it('of an invalid session reaches no listener', async () => {
      const sessions = await sessionsAt();
      server.trips();
      await sessions.end('nobody-was-ever-given-this-value-of-a-cookie');
      expect(server.trips()).toHaveLength(1);
    });

    it('is not undone by requests that were under way', async () => {
      const value = await (await sessionsAt()).begin(await signedIn());
      moveTime(idle / 2);
      const finds = Array.from({ length: 20 }, (_, index) => find(value, host, index % 2));
      await Promise.all([...finds, (await sessionsAt()).end(value)]);
      expect([await find(value), await find(value, host, 1)]).toEqual([undefined, undefined]);
    });
  });

  describe('a ticket', () => {
    const ticketOf = async (changes: Partial<GatewayTicket> = {}): Promise<GatewayTicket> => ({
      ...(await signedIn()),
      target: 'https://orders.example.com/list?page=2',
      browser: 'hash-of-the-browser',
      ...changes,
    });
    const asked = { host, browser: 'hash-of-the-browser' };

    it('is good for one of twenty that come at once, on two instances', async () => {
      const ticket = await ticketOf({ acr: 'urn:acme:strong' });
      const value = await (await sessionsAt()).issueTicket(ticket);
      const sessions = [await sessionsAt(0), await sessionsAt(1)];
      const redeemed = await Promise.all(
        Array.from({ length: 20 }, (_, index) => sessions[index % 2]?.redeemTicket(value, asked)),
      );
      expect(redeemed.filter((each) => each !== undefined)).toEqual([ticket]);
      expect(await sessions[0]?.redeemTicket(value, asked)).toBeUndefined();
    });

    it.each([
      ['another browser', { browser: 'hash-of-another' }],
      ['another host', { host: 'evil.example.com' }],
    ])('is nothing in the hands of %s, which does not use it up', async (_name, wrong) => {
      const value = await (await sessionsAt()).issueTicket(await ticketOf());
      const stolen = await (await sessionsAt()).redeemTicket(value, { ...asked, ...wrong });
      expect(stolen).toBeUndefined();
      expect(await (await sessionsAt()).redeemTicket(value, asked)).toBeDefined();
    });

    it('is good for a minute', async () => {
      moveTime(0);
      const sessions = await sessionsAt();
      const [early, late] = [
        await sessions.issueTicket(await ticketOf()),
        await sessions.issueTicket(await ticketOf()),
      ];
      moveTime(59);
      expect(await sessions.redeemTicket(early, asked)).toBeDefined();
      moveTime(1);
      expect(await sessions.redeemTicket(late, asked)).toBeUndefined();
    });

    it('is neither one of another tenant nor a session, and a session is none', async () => {
      const value = await (await sessionsAt()).issueTicket(await ticketOf());
      const session = await (await sessionsAt()).begin(await signedIn());
      expect(await (await sessionsAt(0, 'globex')).redeemTicket(value, asked)).toBeUndefined();
      expect(await find(value)).toBeUndefined();
      expect(await (await sessionsAt()).redeemTicket(session, asked)).toBeUndefined();
    });
  });
});

eachStore((store) => {
  describe('a session of the gateway that came from an upstream', () => {
    let federation: Federation;

    beforeAll(async () => {
      federation = await startFederation(store, { instances: 2 });
      await federation.setSources([localSource, oidcSourceContent(federation.upstream('corp'), 'corp')]);
    });
    afterAll(() => federation.close());

    it('ends with the sign-out there', async () => {
      const { server, issuer } = federation;
      const { browser, code, verifier } = await signInThrough(federation, 'corp');
      const { body } = await redeem({ issuer, client: web }, { code, verifier } as never);
      const { sub = '', auth_time } = decodeJwt(body.id_token ?? '');
      const [session] = await server.storage.forTenant('acme').artifacts.sessionsOf(sub);
      if (session === undefined) throw new Error('nobody signed in');
      const { gatewaySessions } = await servedTenant(server, 'acme');
      const value = await gatewaySessions.begin({
        sub,
        host,
        sessionId: session.id,
        signedInAt: Number(auth_time),
        amr: [],
      });
      const before = await gatewaySessions.find(value, host);
      await signOut(browser, federation.upstream('corp'));

      expect(before?.account.sub).toBe(sub);
      const isOver = async (): Promise<boolean> => (await gatewaySessions.find(value, host)) === undefined;
      await eventually('the session has ended', isOver, timeoutMs);
    });
  });
});
