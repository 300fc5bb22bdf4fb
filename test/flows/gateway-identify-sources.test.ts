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
import { goToAuthorization, prepareAuthorization, revoke, tokenRequest } from '../support/oauth-client.ts';
import { plainSource } from '../support/plain-source.ts';
import {
  alice,
  migrator,
  ordersResource,
  sampleTenant,
  type TenantContent,
  web,
} from '../support/sample-tenants.ts';
import { type Slapd, startSlapd } from '../support/slapd.ts';
import { describeOnce, eachStore, sqliteStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { oauth2Person, openUpstreamOauth2, type UpstreamOauth2 } from '../support/upstream-oauth2.ts';

const both: Partial<ServiceDefinition> = { tenants: ['acme', 'globex'] };
const badToken = { status: 'bad', scheme: 'Bearer', error: 'invalid_token' };
const unavailable = { code: 'unavailable' };

/** A gateway of its own at the first instance, with nothing remembered yet. */
const openAt = (server: TestServer, options: IdentifyOptions): Identify => {
  const [instance] = server.instances;
  if (instance === undefined) throw new Error('no instance');
  return identifyAt(instance, options);
};

const withoutUsers = (sources: readonly object[], changes: TenantContent = {}): TenantContent => {
  const { users: _users, ...tenant } = sampleTenant(changes);
  return { ...tenant, sources } as TenantContent; // the parts of a source are the schema's to judge
};

describe('name and password of people in a directory', () => {
  const anna = basicOf('anna', 'anna-Passw0rd');
  let slapd: Slapd;
  let server: TestServer;
  let clock: TestClock;
  let identify: Identify;
  const call = (authorization: string) => identify(requestOf({ authorization }), serviceOf());
  const bindsOf = async (uid: string, work: () => Promise<unknown>): Promise<number> => {
    const lines = await slapd.during(work);
    return lines.filter((line) => line.includes(`BIND dn="uid=${uid},`) && line.includes('method=128'))
      .length;
  };

  beforeAll(async () => {
    slapd = await startSlapd();
    clock = createTestClock(Date.now());
    const source = {
      id: 'directory',
      type: 'ldap',
      url: slapd.url,
      insecure: true,
      bind: slapd.service,
      search: { base: `ou=people,${slapd.baseDn}` },
      timeouts: { connect: '1s', operation: '1s' },
    };
    server = await startTestServer({
      store: sqliteStore,
      clock,
      tenants: { acme: withoutUsers([source], { throttle: { account: { attempts: 1000 } } }) },
    });
  });
  afterAll(async () => {
    await server.close();
    await slapd.stop();
  });
  beforeEach(() => {
    identify = openAt(server, { clock, basicCacheSeconds: 60 });
  });

  it('are checked by exactly one bind for 50 calls at the same time, and by none while they are remembered', async () => {
    const cold = await bindsOf('anna', async () => {
      const found = await Promise.all(Array.from({ length: 50 }, () => call(anna)));
      for (const each of found) expect(callerIn(each)).toMatchObject({ username: 'anna', method: 'basic' });
    });
    expect(cold).toBe(1);
    expect(await bindsOf('anna', () => call(anna))).toBe(0);
    clock.advance(60_000);
    expect(await bindsOf('anna', () => call(anna))).toBe(1);
  });

  it('are checked each time when they are wrong, or nothing is to be remembered', async () => {
    await call(anna);
    const wrong = basicOf('anna', 'wrong-Passw0rd');
    const guesses = await bindsOf('anna', async () => {
      for (let i = 0; i < 3; i += 1) expect(await call(wrong)).toMatchObject({ status: 'bad' });
    });
    expect(guesses).toBe(3);
    identify = openAt(server, { clock });
    expect(await bindsOf('anna', async () => [await call(anna), await call(anna)])).toBe(2);
  });

  it('never bind with an empty password', async () => {
    const lines = await slapd.during(async () => {
      for (const login of ['anna', 'uid=anna,ou=people,dc=example,dc=org', 'eyJhbGciOi'])
        expect(await call(basicOf(login, ''))).toMatchObject({ status: 'bad', scheme: 'Basic' });
    });
    expect(lines).toEqual([]);
  });

  it('are refused with the reason that the directory gives after the right password', async () => {
    expect(await call(basicOf('emil', 'emil-Passw0rd'))).toEqual({
      status: 'refused',
      reason: 'password_expired',
    });
    expect(await call(basicOf('emil', 'wrong-Passw0rd'))).toMatchObject({
      status: 'bad',
      error: 'credentials',
    });
  });

  it('are neither right nor wrong while the directory is down, and that is not remembered', async () => {
    const bert = basicOf('bert', 'bert-Passw0rd');
    await call(anna);
    await slapd.kill();
    try {
      await expect(call(bert)).rejects.toMatchObject(unavailable);
      await expect(call(basicOf('bert', 'wrong'))).rejects.toMatchObject(unavailable);
      await expect(call(basicOf('anna', 'wrong'))).rejects.toMatchObject(unavailable);
      // who was let in a moment ago is let in for the rest of the minute
      callerIn(await call(anna));
      clock.advance(60_000);
      await expect(call(anna)).rejects.toMatchObject(unavailable);
    } finally {
      await slapd.restart();
    }
    const isBack = async (): Promise<boolean> => {
      clock.advance(1000);
      return (await call(bert).catch(() => undefined))?.status === 'known';
    };
    await eventually('the directory is asked again', isBack, 10_000);
    callerIn(await call(anna));
  });
});

eachStore((store) => {
  describe('guessing passwords', () => {
    let server: TestServer;
    let identify: Identify;

    beforeAll(async () => {
      const tenant = sampleTenant({ throttle: { account: { attempts: 5 }, address: { attempts: 20 } } });
      server = await startTestServer({ store, tenants: { acme: tenant, globex: tenant, initech: tenant } });
      identify = openAt(server, { basicCacheSeconds: 60 });
    });
    afterAll(() => server.close());

    const call = (options: CallOptions) => identify(requestOf(options), serviceOf({ tenants: 'all' }));

    it('is throttled whichever tenants are named, on the login page too', async () => {
      const tenants = ['acme', 'globex', 'initech'];
      const statuses: string[] = [];
      for (let i = 0; i < 200; i += 1) {
        const authorization = basicOf('alice', `guess ${i}`);
        statuses.push((await call({ authorization, header: tenants[i % 3] ?? '' })).status);
      }
      expect(statuses.filter((status) => status === 'bad')).toHaveLength(15);
      expect(statuses.slice(15)).toEqual(Array.from({ length: 185 }, () => 'throttled'));

      const found = await call({ authorization: basicOf('ALICE', alice.password), header: 'acme' });
      expect(found).toMatchObject({ status: 'throttled', retryAfterSeconds: expect.any(Number) });
      const browser = createBrowser();
      const request = prepareAuthorization({ issuer: server.issuer('acme'), client: web });
      const page = await goToAuthorization(browser, request, web.redirectUri);
      const answer = await browser.submit(page, { login: alice.username, password: alice.password });
      expect(answer.status).toBe(429);
    });

    it('lets those through who were let in a moment ago, for their own password alone', async () => {
      const address = '198.51.100.9';
      const right = { authorization: basicOf('bob', 'another fine staple'), header: 'acme', address };
      callerIn(await call(right));
      for (let i = 0; i < 10; i += 1)
        await call({ ...right, authorization: basicOf('bob', `guess ${i}`), address: `203.0.113.${i}` });
      callerIn(await call(right));
      const wrong = await call({ ...right, authorization: basicOf('bob', 'guess') });
      // bob has signed in from there before, and has a limit of his own
      expect(wrong).toMatchObject({ status: 'bad' });
      const elsewhere = { ...right, address: '198.51.100.10' };
      expect(await call({ ...elsewhere, authorization: basicOf('bob', 'guess') })).toMatchObject({
        status: 'throttled',
      });
    });
  });

  describeOnce(store, 'name and password for a source of six properties', () => {
    let upstream: UpstreamOauth2;
    let server: TestServer;
    const local = { id: 'local', type: 'local' };
    const people = [oauth2Person, { login: 'alice', password: 'of the upstream' }];

    beforeAll(async () => {
      upstream = await openUpstreamOauth2(people);
      const alone = plainSource(upstream);
      const silent = plainSource(upstream, { passwordSignIn: false });
      server = await startTestServer({
        store,
        tenants: {
          acme: withoutUsers([alone]),
          globex: { ...sampleTenant(), sources: [plainSource(upstream), local] } as TenantContent,
          initech: withoutUsers([silent]),
        },
      });
    });
    afterAll(async () => {
      await server.close();
      await upstream.close();
    });
    const call = (tenant: string, login: string, password: string) =>
      openAt(server, {})(
        requestOf({ authorization: basicOf(login, password), header: tenant }),
        serviceOf({ tenants: 'all' }),
      );
    const asked = (): number => upstream.requests.length;

    it('are sent to its token endpoint without another line', async () => {
      const { login, password } = oauth2Person;
      expect(callerIn(await call('acme', login, password))).toMatchObject({
        username: 'bob',
        method: 'basic',
        amr: ['pwd'],
      });
      expect(upstream.requests.at(-1)?.form.get('grant_type')).toBe('password');
      expect(await call('acme', login, 'wrong')).toMatchObject({ status: 'bad', error: 'credentials' });
      // as `echo name:password | base64` writes them
      expect(callerIn(await call('acme', login, `${password}\n`)).username).toBe('bob');
    });

    it('are for the local list first, which sends nothing of its own people on', async () => {
      const before = asked();
      expect(callerIn(await call('globex', 'alice', alice.password)).username).toBe('alice');
      expect(await call('globex', 'alice', 'of the upstream')).toMatchObject({ status: 'bad' });
      expect(upstream.requests.slice(before).map(({ form }) => form.get('username'))).not.toContain('alice');
    });

    it('are refused with the setting that is missing where no source takes them', async () => {
      const before = asked();
      expect(await call('initech', oauth2Person.login, oauth2Person.password)).toMatchObject({
        status: 'bad',
        error: 'credentials',
        description: expect.stringContaining('set passwordSignIn: true'),
      });
      expect(asked()).toBe(before);
    });

    it('leave its page a redirect and the password grant refused', async () => {
      const form = { grant_type: 'password', username: oauth2Person.login, password: oauth2Person.password };
      const { status, body } = await tokenRequest(server.issuer('acme'), migrator, form);
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
      expect(body.error_description).toContain('passwordSignIn');
      const request = prepareAuthorization({ issuer: server.issuer('acme'), client: web });
      const browser = createBrowser();
      const sent = await browser.follow(await browser.get(request.url), (target) =>
        target.startsWith(upstream.url),
      );
      expect(sent.location).toMatch(/\/authorize\?/);
    });
  });

  describeOnce(store, "an upstream's own token", () => {
    let upstream: UpstreamOauth2;
    let server: TestServer;
    let identify: Identify;

    beforeAll(async () => {
      upstream = await openUpstreamOauth2();
      const local = { id: 'local', type: 'local' };
      const plain = plainSource(upstream, { acceptUpstreamTokens: true });
      const closed = plainSource(upstream, { acceptUpstreamTokens: true, clients: [web.id] });
      server = await startTestServer({
        store,
        tenants: {
          acme: { ...sampleTenant(), sources: [local, plain] } as TenantContent,
          globex: { ...sampleTenant(), sources: [local, plainSource(upstream)] } as TenantContent,
          initech: { ...sampleTenant(), sources: [local, closed] } as TenantContent,
          hooli: { ...sampleTenant(), sources: [local, { ...plain, tokenCache: '0s' }] } as TenantContent,
        },
      });
    });
    afterAll(async () => {
      await server.close();
      await upstream.close();
    });
    beforeEach(() => {
      upstream.setFaults();
      identify = openAt(server, {});
    });

    const call = (token: string, options: CallOptions = {}, changes: Partial<ServiceDefinition> = both) =>
      identify(requestOf({ authorization: `Bearer ${token}`, ...options }), serviceOf(changes));
    const asked = (): number => upstream.hits(/^\/userinfo$/);

    it('identifies the caller at the named tenant', async () => {
      const caller = callerIn(await call(upstream.issue(), { header: 'acme' }));
      // the local bob is somebody else
      expect(caller).toMatchObject({
        method: 'bearer',
        kind: 'person',
        username: 'plain:bob',
        tenant: 'acme',
      });
      expect(caller).not.toHaveProperty('scopes');
      expect(caller.revocationIds).toEqual([caller.sub]);
      expect(callerIn(await call(upstream.issue(), {}, { tenants: ['acme'] })).sub).toBe(caller.sub);
    });

    it('is shown to no upstream where no tenant is named', async () => {
      const before = asked();
      expect(await call(upstream.issue())).toMatchObject(badToken);
      expect(asked()).toBe(before);
    });

    it('is bad where its source does not accept it, and at other sources', async () => {
      const before = asked();
      expect(await call(upstream.issue(), { header: 'globex' })).toMatchObject(badToken);
      expect(asked()).toBe(before);
      expect(await call('made-up', { header: 'acme' })).toMatchObject(badToken);
    });

    it('is forbidden where its source is for certain apps only', async () => {
      expect(await call(upstream.issue(), { tenant: 'initech' }, { tenants: 'all' })).toMatchObject({
        status: 'forbidden',
      });
    });

    it('is asked about once for 50 calls at the same time', async () => {
      const token = upstream.issue();
      const before = asked();
      await Promise.all(Array.from({ length: 50 }, () => call(token, { header: 'acme' })));
      expect(asked() - before).toBe(1);
    });

    it('is refused at once after its end at the upstream, where nothing is to be kept', async () => {
      const token = upstream.issue();
      callerIn(await call(token, { tenant: 'hooli' }, { tenants: 'all' }));
      callerIn(await call(token, { header: 'acme' }));
      upstream.revokeAll();
      expect(await call(token, { tenant: 'hooli' }, { tenants: 'all' })).toMatchObject(badToken);
      callerIn(await call(token, { header: 'acme' }));
    });

    it('is refused when its person is disabled here', async () => {
      const { sub } = callerIn(await call(upstream.issue(), { header: 'acme' }));
      const { accounts } = server.storage.forTenant('acme');
      await accounts.update(sub, { disabledAt: Date.now() });
      const found = await call(upstream.issue(), { header: 'acme' });
      await accounts.update(sub, { disabledAt: undefined });
      expect(found).toEqual({ status: 'refused', reason: 'account_disabled' });
    });

    it('is neither good nor bad while the upstream is down', async () => {
      const token = upstream.issue();
      upstream.setFaults({ at: /userinfo/, fault: { kind: 'down' } });
      await expect(call(token, { header: 'acme' })).rejects.toMatchObject(unavailable);
      upstream.setFaults();
      await eventually(
        'it is good again',
        async () => (await call(token, { header: 'acme' }).catch(() => undefined))?.status === 'known',
        10_000,
      );
    });

    it('is not asked about when the token is ours, be it good, over, or of another tenant', async () => {
      const jwtOf = async (tenant: string): Promise<string> => {
        const form = {
          grant_type: 'password',
          scope: 'openid orders:read',
          resource: ordersResource,
          ...alice,
        };
        const { body } = await tokenRequest(server.issuer(tenant), migrator, form);
        return body.access_token ?? '';
      };
      const [own, foreign] = [await jwtOf('acme'), await jwtOf('globex')];
      const before = asked();
      callerIn(await call(own, { header: 'acme' }));
      await revoke(server.issuer('acme'), migrator, own);
      await eventually(
        'it is refused',
        async () => (await call(own, { header: 'acme' })).status === 'bad',
        3000,
      );
      expect(await call(foreign, { header: 'acme' })).toMatchObject(badToken);
      expect(asked()).toBe(before);
    });
  });
});
