import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import type { Identify } from '../../src/gateway/callers/identify.ts';
import { createBrowser } from '../support/browser.ts';
import {
  basicOf,
  type CallOptions,
  callerIn,
  type IdentifyOptions,
  identifyAt,
  requestOf,
  serviceOf,
} from '../support/callers.ts';
import { eventually } from '../support/eventually.ts';
import { revoke, signOut, tokenRequest, tokensFor } from '../support/oauth-client.ts';
import {
  alice,
  bob,
  migrator,
  ordersResource,
  sampleTenant,
  service,
  web,
} from '../support/sample-tenants.ts';
import { describeOnce, eachStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const nothing = { status: 'nothing' };
const badToken = { status: 'bad', scheme: 'Bearer', error: 'invalid_token' };
const both: Partial<ServiceDefinition> = { tenants: ['acme', 'globex'] };

/** In bits that count: of the last character of a signature four are not looked at. */
const changed = (token: string): string => token.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));

/** How many milliseconds an event may take from one instance to another. */
const heardWithinMs = 3000;

eachStore((store) => {
  let clock: TestClock;
  let server: TestServer;

  beforeAll(async () => {
    clock = createTestClock(Date.now());
    const throttle = { account: { attempts: 1000 }, address: { attempts: 1000 } };
    server = await startTestServer({
      store,
      clock,
      instances: 2,
      settings: { gateway: { sessionIdle: 1800, sessionAbsolute: 3600 } },
      tenants: {
        acme: sampleTenant({ throttle }),
        globex: sampleTenant({ displayName: 'Globex', throttle }),
        initech: sampleTenant({ displayName: 'Initech' }),
      },
    });
  });
  afterAll(() => server.close());

  const open = (options: IdentifyOptions = {}, index: 0 | 1 = 0): Identify => {
    const instance = server.instances[index];
    if (instance === undefined) throw new Error('no such instance');
    return identifyAt(instance, { clock, ...options });
  };
  const tenantOf = async (id: string) => {
    const lookup = await server.instances[0]?.tenants.find(id);
    if (lookup?.status !== 'served') throw new Error(`${id} is not served`);
    return lookup.tenant;
  };
  const subOf = async (login: string, tenant = 'acme'): Promise<string> => {
    const account = await server.storage.forTenant(tenant).accounts.findByLogin(login);
    if (account === undefined) throw new Error(`${login} has no account`);
    return account.sub;
  };
  const bearer = (token: string): string => `Bearer ${token}`;

  let identify: Identify;
  const call = (options: CallOptions, changes: Partial<ServiceDefinition> = {}) =>
    identify(requestOf(options), serviceOf(changes));
  beforeEach(() => {
    identify = open();
  });

  describeOnce(store, 'name and password', () => {
    const right = basicOf(alice.username, alice.password);

    it('identify the caller, with the data of the account', async () => {
      const caller = callerIn(await call({ authorization: right }));
      expect(caller).toMatchObject({
        tenant: 'acme',
        issuer: server.issuer('acme'),
        kind: 'person',
        method: 'basic',
        username: 'alice',
        name: 'Alice Adams',
        email: 'alice@acme.example',
        emailVerified: true,
        groups: ['staff', 'engineering'],
        roles: ['admin'],
        amr: ['pwd'],
        authTime: Math.floor(clock.now() / 1000),
      });
      expect(caller.sub).toBe(await subOf('alice'));
      expect(caller.revocationIds).toContain(caller.sub);
    });

    it.each([
      ['a wrong password', basicOf('alice', 'wrong')],
      ['an unknown name', basicOf('nobody', alice.password)],
      ['a name that nobody can have', basicOf('a\u200blice', alice.password)],
    ])('are bad with %s, and look alike', async (_what, authorization) => {
      expect(await call({ authorization })).toEqual({
        status: 'bad',
        scheme: 'Basic',
        error: 'credentials',
        description: 'The name or the password is wrong',
      });
    });

    it('are taken by services that say so', async () => {
      const calls = await Promise.all([
        call({ authorization: right }, { basic: false }),
        call({ authorization: basicOf('alice', 'wrong') }, { basic: false }),
      ]);
      for (const found of calls) expect(found).toMatchObject({ status: 'bad', error: 'invalid_request' });
      expect(calls[0]).toEqual(calls[1]);
    });

    it('need a tenant that is named', async () => {
      const found = await call({ authorization: right }, both);
      expect(found).toMatchObject({ status: 'bad', scheme: 'Basic', error: 'invalid_request' });
      expect(found).toMatchObject({ description: expect.stringContaining('X-ID-TENANT-NAME') });
      for (const named of [{ header: 'globex' }, { tenant: 'globex' }])
        expect(callerIn(await call({ authorization: right, ...named }, both)).tenant).toBe('globex');
      identify = open({ publicHostTenant: (host) => (host === 'globex.example.com' ? 'globex' : undefined) });
      const atHost = await call({ authorization: right, host: 'globex.example.com' }, both);
      expect(callerIn(atHost).tenant).toBe('globex');
    });

    it('of a tenant that the service does not serve are not even checked', async () => {
      const { audit } = server.storage.forTenant('globex');
      const [newest] = await audit.list({ limit: 1 });
      for (const named of [{ header: 'globex' }, { tenant: 'globex' }])
        expect(await call({ authorization: right, ...named })).toEqual({
          status: 'forbidden',
          reason: 'tenant_not_served',
        });
      expect((await audit.list({ limit: 1 }))[0]).toEqual(newest);
    });

    it('of a tenant that is unknown are forbidden in the same words', async () => {
      const named = { authorization: right, header: 'nobody-knows' };
      const found = await call(named, { tenants: 'all' });
      expect(found).toEqual({ status: 'forbidden', reason: 'tenant_not_served' });
      expect(await call(named)).toEqual(found);
    });

    it('are bad with a tenant that cannot be read, and forbidden with a contradiction', async () => {
      expect(await call({ authorization: right, header: '../acme' })).toMatchObject({
        status: 'bad',
        error: 'invalid_request',
      });
      expect(await call({ authorization: right, tenant: 'acme', header: 'globex' }, both)).toEqual({
        status: 'forbidden',
        reason: 'tenant_contradiction',
      });
    });

    it('are asked about once for 50 calls at the same time, and one audit line says so', async () => {
      identify = open({ basicCacheSeconds: 60 });
      const { audit } = server.storage.forTenant('acme');
      const lines = async () =>
        (await audit.list({ limit: 200 })).filter(({ action }) => action === 'sign_in.basic').length;
      const before = await lines();
      const found = await Promise.all(Array.from({ length: 50 }, () => call({ authorization: right })));
      expect(found.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 'known'));
      expect((await lines()) - before).toBe(1);
    });

    it('cost no trip to the store while they are remembered, in any spelling of the name', async () => {
      identify = open({ basicCacheSeconds: 60 });
      await call({ authorization: right });
      server.trips();
      for (const login of ['alice', 'ALICE', ' Alice '])
        callerIn(await call({ authorization: basicOf(login, alice.password) }));
      expect(server.trips()).toEqual([]);
    });
  });

  describe('what is remembered of a name and a password', () => {
    const dave = { username: 'dave', password: 'dave has a long password' };
    const other = 'dave has another password';
    let count = 0;
    let login: string;

    beforeEach(async () => {
      count += 1;
      login = `dave${count}`;
      await server
        .users('acme')
        .add({ username: login, password: dave.password, groups: ['team'], roles: [] });
      identify = open({ basicCacheSeconds: 60 }, 1);
      callerIn(await call({ authorization: basicOf(login, dave.password) }));
    });
    const again = (password = dave.password) => call({ authorization: basicOf(login, password) });

    it('ends at once on the other instance when the person is disabled', async () => {
      await server.users('acme').disable(login);
      await eventually('dave is refused', async () => (await again()).status === 'bad', heardWithinMs);
    });

    it('ends with a change of the password', async () => {
      await server.users('acme').setPassword(login, other);
      await eventually('the old one is refused', async () => (await again()).status === 'bad', heardWithinMs);
      callerIn(await again(other));
    });

    it('shows new groups after five seconds though no event reports them', async () => {
      const { accounts } = server.storage.forTenant('acme');
      await accounts.update(await subOf(login), { groups: ['team', 'admins'] });
      expect(callerIn(await again()).groups).toEqual(['team']);
      clock.advance(5000);
      expect(callerIn(await again()).groups).toEqual(['team', 'admins']);
    });

    it('ends within five seconds when no event reports that the person is disabled or has a new password', async () => {
      const { accounts } = server.storage.forTenant('acme');
      await accounts.update(await subOf(login), { disabledAt: clock.now() });
      clock.advance(5000);
      expect(await again()).toMatchObject({ status: 'bad', error: 'credentials' });
    });

    it('is not touched by wrong passwords, which all reach the audit record', async () => {
      for (const guess of ['a wrong one', 'another wrong one'])
        expect(await again(guess)).toMatchObject({ status: 'bad', error: 'credentials' });
      const failures = (await server.storage.forTenant('acme').audit.list({ limit: 2 })).map(
        ({ outcome, actor }) => ({ outcome, actor }),
      );
      expect(failures).toEqual([
        { outcome: 'failure', actor: login },
        { outcome: 'failure', actor: login },
      ]);
      server.trips();
      callerIn(await again());
      expect(server.trips()).toEqual([]);
    });

    it('is asked about anew when the file of the tenant has changed', async () => {
      const throttle = { account: { attempts: 1000 }, address: { attempts: 1000 } };
      await server.putTenant('acme', sampleTenant({ throttle, displayName: `Acme ${count}` }));
      server.trips();
      callerIn(await again());
      expect(server.trips()).not.toEqual([]);
    });
  });

  describe('a bearer token', () => {
    const passwordToken = async (
      tenant = 'acme',
      extra: Readonly<Record<string, string>> = {},
    ): Promise<string> => {
      const { body } = await tokenRequest(server.issuer(tenant), migrator, {
        grant_type: 'password',
        scope: 'openid profile',
        ...alice,
        ...extra,
      });
      return body.access_token ?? '';
    };
    const jwtOf = (tenant = 'acme') =>
      passwordToken(tenant, { resource: ordersResource, scope: 'openid orders:read' });

    it('of ours identifies the caller, and its audience', async () => {
      const opaque = callerIn(await call({ authorization: bearer(await passwordToken()) }));
      expect(opaque).toMatchObject({
        method: 'bearer',
        kind: 'person',
        username: 'alice',
        name: 'Alice Adams',
        clientId: 'migrator',
        groups: ['staff', 'engineering'],
        sub: await subOf('alice'),
      });
      expect(opaque.scopes).toEqual(expect.arrayContaining(['openid', 'profile']));
      expect(opaque).not.toHaveProperty('audiences');
      const jwt = callerIn(await call({ authorization: bearer(await jwtOf()) }));
      expect(jwt).toMatchObject({ method: 'bearer', username: 'alice', audiences: [ordersResource] });
    });

    it('of a client identifies the client', async () => {
      const { body } = await tokenRequest(server.issuer('acme'), service, {
        grant_type: 'client_credentials',
        resource: ordersResource,
        scope: 'orders:read',
      });
      const caller = callerIn(await call({ authorization: bearer(body.access_token ?? '') }));
      expect(caller).toMatchObject({
        kind: 'client',
        sub: 'service',
        username: '',
        groups: [],
        amr: [],
      });
      expect(caller).not.toHaveProperty('name');
    });

    it('is taken in place of a name, without a password', async () => {
      for (const token of [await passwordToken(), await jwtOf()]) {
        const found = await call({ authorization: basicOf(token, '') }, { basic: false });
        expect(callerIn(found)).toMatchObject({ method: 'bearer', username: 'alice' });
        expect(await call({ authorization: basicOf(changed(token), '') })).toMatchObject({
          status: 'bad',
          scheme: 'Basic',
        });
      }
    });

    it('is bad when it is cut, changed or made up', async () => {
      for (const token of [await passwordToken(), await jwtOf()])
        for (const wrong of [token.slice(0, -1), `${token}x`, changed(token)])
          expect(await call({ authorization: bearer(wrong) })).toMatchObject(badToken);
    });

    it.each(['jwt', 'opaque'] as const)(
      'that is %s finds its own tenant where none is named',
      async (form) => {
        const token = form === 'jwt' ? await jwtOf('globex') : await passwordToken('globex');
        expect(callerIn(await call({ authorization: bearer(token) }, both)).tenant).toBe('globex');
        expect(await call({ authorization: bearer(changed(token)) }, both)).toMatchObject(badToken);
      },
    );

    it('is bad at another tenant than its own', async () => {
      for (const token of [await jwtOf('globex'), await passwordToken('globex')])
        for (const named of [{ header: 'acme' }, { tenant: 'acme' }])
          expect(await call({ authorization: bearer(token), ...named }, both)).toMatchObject(badToken);
    });

    it('of a tenant that the service does not serve is forbidden', async () => {
      const token = await jwtOf('initech');
      expect(await call({ authorization: bearer(token) }, both)).toMatchObject({ status: 'forbidden' });
      expect(await call({ authorization: bearer(token), header: 'initech' }, both)).toMatchObject({
        status: 'forbidden',
      });
    });

    it('that is opaque needs a tenant where there are more than five', async () => {
      const token = await passwordToken();
      const many = { tenants: ['acme', 'globex', 'initech', 'a', 'b', 'c'] };
      for (const changes of [many, { tenants: 'all' } as const])
        expect(await call({ authorization: bearer(token) }, changes)).toMatchObject({
          status: 'bad',
          error: 'invalid_request',
          description: expect.stringContaining('X-ID-TENANT-NAME'),
        });
      callerIn(await call({ authorization: bearer(token), header: 'acme' }, { tenants: 'all' }));
      callerIn(await call({ authorization: bearer(await jwtOf()) }, { tenants: 'all' }));
    });

    it('costs no trip to the store while it is remembered', async () => {
      const [opaque, jwt] = [await passwordToken(), await jwtOf()];
      for (const token of [opaque, jwt]) await call({ authorization: bearer(token) });
      server.trips();
      for (const token of [opaque, jwt]) callerIn(await call({ authorization: bearer(token) }));
      expect(server.trips()).toEqual([]);
      clock.advance(5000);
      callerIn(await call({ authorization: bearer(jwt) }));
      expect(server.trips()).toEqual([]);
      callerIn(await call({ authorization: bearer(opaque) }));
      expect(server.trips()).not.toEqual([]);
    });

    it.each(['jwt', 'opaque'] as const)(
      'that is %s ends on all instances when it is revoked',
      async (form) => {
        const token = form === 'jwt' ? await jwtOf() : await passwordToken();
        const instances = [open({}, 0), open({}, 1)];
        const ask = (index: number) =>
          instances[index]?.(requestOf({ authorization: bearer(token) }), serviceOf());
        for (const index of [0, 1]) expect(await ask(index)).toMatchObject({ status: 'known' });
        await revoke(server.issuer('acme'), migrator, token);
        for (const index of [0, 1])
          await eventually('it is refused', async () => (await ask(index))?.status === 'bad', heardWithinMs);
      },
    );

    it('that is a JWT ends with the session in which it was given', async () => {
      const browser = createBrowser();
      const issuer = server.issuer('acme');
      const extra = { resource: ordersResource };
      const request = { issuer, client: web, scope: 'openid orders:read', extra };
      const { access_token: token } = await tokensFor(browser, request);
      callerIn(await call({ authorization: bearer(token) }));
      await signOut(browser, issuer);
      await eventually(
        'it is refused',
        async () => (await call({ authorization: bearer(token) })).status === 'bad',
        heardWithinMs,
      );
    });
  });

  describe('a session', () => {
    const begin = async (tenant = 'acme', login = 'alice'): Promise<string> => {
      await call({ authorization: basicOf(login, alice.password), header: tenant }, { tenants: 'all' });
      const value = await (await tenantOf(tenant)).gatewaySessions.begin({
        sub: await subOf(login, tenant),
        host: 'files.example.com',
        signedInAt: Math.floor(clock.now() / 1000),
        amr: ['pwd'],
        acr: 'urn:example:loa',
      });
      return `${tenant}.${value}`;
    };
    const cookieOf = (...entries: readonly string[]): string => `GWSESSIONID=${entries.join(':')}`;

    it('identifies the caller', async () => {
      expect(callerIn(await call({ cookie: cookieOf(await begin()) }))).toMatchObject({
        method: 'session',
        username: 'alice',
        amr: ['pwd'],
        acr: 'urn:example:loa',
        tenant: 'acme',
      });
    });

    it('is nothing when it is garbage', async () => {
      const entry = await begin();
      const garbage = [
        'GWSESSIONID=',
        'GWSESSIONID=%%%',
        'GWSESSIONID=acme.',
        `GWSESSIONID=${'x'.repeat(8192)}`,
        'GWSESSIONID=acme.\u00ff\u00fe\u0000',
        `${cookieOf(entry)}; ${cookieOf(entry)}`,
        cookieOf(entry, entry),
        cookieOf(`acme.${'A'.repeat(43)}`),
        cookieOf(entry.replace('acme', 'globex')),
        cookieOf(entry.replace('acme', '__proto__')),
        `OTHER=${entry}`,
      ];
      for (const cookie of garbage) expect(await call({ cookie }, both)).toEqual(nothing);
      expect(await call({})).toEqual(nothing);
    });

    it('is not looked at when something else is presented, be it right or wrong', async () => {
      const cookie = cookieOf(await begin());
      for (const authorization of ['Basic %%%', '', basicOf('alice', 'wrong'), 'Bearer x', 'Negotiate abc'])
        expect(await call({ cookie, authorization })).toMatchObject({ status: 'bad' });
      const asBob = basicOf(bob.username, bob.password);
      expect(callerIn(await call({ cookie, authorization: asBob })).username).toBe('bob');
    });

    it('is of the tenant that is named, else of the one that was chosen, else the first that lives', async () => {
      const [acme, globex] = [await begin('acme'), await begin('globex')];
      const tenantFor = async (options: CallOptions) => callerIn(await call(options, both)).tenant;
      const cookie = cookieOf(globex, acme);
      expect(await tenantFor({ cookie })).toBe('globex');
      expect(await tenantFor({ cookie, header: 'acme' })).toBe('acme');
      expect(await tenantFor({ cookie, tenant: 'acme' })).toBe('acme');
      expect(await tenantFor({ cookie: `tenant=acme; ${cookie}` })).toBe('acme');
      expect(await tenantFor({ cookie: `tenant=initech; ${cookie}` })).toBe('globex');
      expect(await tenantFor({ cookie: cookieOf(`globex.${'A'.repeat(43)}`, acme) })).toBe('acme');
      expect(callerIn(await call({ cookie })).tenant).toBe('acme');
    });

    it('of a tenant that the service does not serve is nothing', async () => {
      expect(await call({ cookie: cookieOf(await begin('globex')) })).toEqual(nothing);
      expect(await call({ cookie: cookieOf(await begin('initech')) }, both)).toEqual(nothing);
    });

    it('of another tenant than the client names is forbidden', async () => {
      const cookie = cookieOf(await begin('globex'));
      const contradiction = { status: 'forbidden', reason: 'tenant_contradiction' };
      expect(await call({ cookie, header: 'acme' }, both)).toEqual(contradiction);
      expect(await call({ cookie, header: '../acme' }, both)).toEqual(contradiction);
      expect(await call({ cookie, tenant: 'acme' }, both)).toEqual(nothing);
      expect(await call({ cookie: cookieOf(`globex.${'A'.repeat(43)}`), header: 'acme' }, both)).toEqual(
        nothing,
      );
    });

    it('costs no trip to the store for five seconds', async () => {
      const cookie = cookieOf(await begin());
      await call({ cookie });
      server.trips();
      clock.advance(4999);
      callerIn(await call({ cookie }));
      expect(server.trips()).toEqual([]);
      clock.advance(1);
      callerIn(await call({ cookie }));
      expect(server.trips()).not.toEqual([]);
    });

    it('is asked for once by 50 at the same time', async () => {
      const cookie = cookieOf(await begin());
      server.trips();
      await Promise.all(Array.from({ length: 50 }, () => call({ cookie })));
      expect(server.trips()).toHaveLength(1);
    });

    it('is good on its own host alone, remembered or not', async () => {
      const cookie = cookieOf(await begin());
      callerIn(await call({ cookie }));
      expect(await call({ cookie, host: 'other.example.com' })).toEqual(nothing);
    });

    it('that ends on one instance is over on the other', async () => {
      const entry = await begin();
      const cookie = cookieOf(entry);
      identify = open({}, 1);
      callerIn(await call({ cookie }));
      await (await tenantOf('acme')).gatewaySessions.end(entry.slice('acme.'.length));
      await eventually(
        'it is over',
        async () => (await call({ cookie })).status === 'nothing',
        heardWithinMs,
      );
    });

    it('is over when its time is, to the second', async () => {
      const cookie = cookieOf(await begin());
      const { expiresAt = 0 } = callerIn(await call({ cookie }));
      // in use it lives on, but never past its absolute end
      for (const seconds of [1700, 1700, 197]) {
        clock.advance(seconds * 1000);
        callerIn(await call({ cookie }));
      }
      const end = callerIn(await call({ cookie })).expiresAt ?? 0;
      expect(end - expiresAt).toBe(1800);
      clock.advance(end * 1000 - 1 - clock.now());
      callerIn(await call({ cookie }));
      clock.advance(1);
      expect(await call({ cookie })).toEqual(nothing);
    });
  });
});
