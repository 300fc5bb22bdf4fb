// API keys at the gateway: who is known by one, where, and until when.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ApiKeys, KeyMade, NewKey } from '../../src/accounts/api-keys/api-keys.ts';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import type { Identify } from '../../src/gateway/callers/identify.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { basicOf, type CallOptions, callerIn, identifyAt, requestOf, serviceOf } from '../support/callers.ts';
import { dumpStore } from '../support/dump-store.ts';
import { eventually } from '../support/eventually.ts';
import { sampleTenant } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { describeOnce, eachStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const badKey = { status: 'bad', error: 'invalid_token', description: 'The API key is not valid' };
const typo = { ...badKey, description: 'The API key is not complete, or has a typing error' };
const by = { actor: 'cli' };
const day = 86_400;
/** How many milliseconds an event may take from one instance to another. */
const heardWithinMs = 3000;

eachStore((store) => {
  let clock: TestClock;
  let server: TestServer;
  let keys: ApiKeys;
  let identify: Identify;
  let elsewhere: Identify;
  let robot: AccountRecord;
  let count = 0;

  beforeAll(async () => {
    clock = createTestClock(Date.now());
    const apiKeys = { maximumAge: '365d', allowNonExpiring: true, rotationOverlap: '7d' };
    server = await startTestServer({
      ...{ store, clock, instances: 2 },
      tenants: {
        acme: sampleTenant({ apiKeys }),
        globex: sampleTenant({ apiKeys: { onePerSystemUser: true } }),
      },
    });
    const acme = await servedTenant(server, 'acme');
    keys = acme.apiKeys;
    await acme.accounts.seed();
    const [first, second] = server.instances;
    if (first === undefined || second === undefined) throw new Error('two instances were asked for');
    identify = identifyAt(first, { clock });
    elsewhere = identifyAt(second, { clock });
  });
  afterAll(() => server.close());

  const addRobot = async (tenant = 'acme'): Promise<AccountRecord> => {
    count += 1;
    const facts = { username: `robot-${count}`, roles: ['reader', 'writer'], groups: ['robots'] };
    const added = await server.users(tenant).add({ ...facts, isSystem: true });
    if (!added.ok) throw new Error(added.message);
    return added.account;
  };
  beforeEach(async () => {
    robot = await addRobot();
  });

  const made = (outcome: KeyMade): Extract<KeyMade, { ok: true }> => {
    if (!outcome.ok) throw new Error(outcome.message);
    return outcome;
  };
  const make = async (wanted: NewKey = {}) => made(await keys.create(robot, wanted, by));
  const call = (key: string, options: CallOptions = {}, changes: Partial<ServiceDefinition> = {}) =>
    identify(requestOf({ authorization: `Bearer ${key}`, ...options }), serviceOf(changes));
  const callElsewhere = (key: string) =>
    elsewhere(requestOf({ authorization: `Bearer ${key}` }), serviceOf());
  const halves = (secret: string) => {
    const [prefix, publicId, rest = ''] = secret.split('_');
    return { 'x-api-key': `${prefix}_${publicId}`, 'x-api-secret': rest };
  };

  it('is known in every way a key may be presented, with one trip in the cold and none after it', async () => {
    const { secret, key } = await make({ scopes: ['orders:read'] });
    server.trips();
    expect(callerIn(await call(secret))).toMatchObject({
      ...{ tenant: 'acme', issuer: server.issuer('acme'), sub: robot.sub, username: robot.username },
      ...{ kind: 'person', method: 'apikey', amr: [], scopes: ['orders:read'] },
      ...{
        roles: ['reader', 'writer'],
        groups: ['robots'],
        expiresAt: Math.floor((key.expiresAt ?? 0) / 1000),
      },
    });
    expect(server.trips().filter((name) => !/used|update/.test(name))).toHaveLength(1);
    await eventually(
      'the use is noted',
      async () => (await keys.find(key.id))?.lastUsedAt !== undefined,
      5000,
    );
    server.trips();
    await call(secret);
    expect(server.trips()).toEqual([]);
    for (const authorization of [basicOf(secret, ''), basicOf(robot.username, secret), `bearer ${secret}`])
      expect(callerIn(await call(secret, { authorization }))).toMatchObject({ sub: robot.sub });
    for (const headers of [halves(secret), { 'x-api-key': secret }])
      expect(callerIn(await identify(requestOf({ headers }), serviceOf()))).toMatchObject({ sub: robot.sub });
  });

  it('is noted with time and address, once a minute, and no use changes its version', async () => {
    const { secret, key } = await make();
    const used = () => keys.find(key.id);
    await call(secret, { address: '192.0.2.1' });
    await eventually('the use is noted', async () => (await used())?.lastUsedAt === clock.now(), 5000);
    expect(await used()).toMatchObject({ lastUsedFrom: '192.0.2.1', version: 1 });
    clock.advance(30_000);
    await call(secret, { address: '192.0.2.2' });
    clock.advance(31_000);
    await call(secret, { address: '192.0.2.3' });
    await eventually('the later use is noted', async () => (await used())?.lastUsedAt === clock.now(), 5000);
    expect(await used()).toMatchObject({ lastUsedFrom: '192.0.2.3' });
  });

  it('is dead on all instances once 20 callers have reassigned it, and the newest one is good', async () => {
    const { secret, key } = await make();
    for (const at of [call, callElsewhere]) expect((await at(secret)).status).toBe('known');
    const there = (await servedTenant(server, 'acme', 1)).apiKeys;
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? keys : there).reassign(key.id, by)),
    );
    const won = outcomes.flatMap((outcome) => (outcome.ok ? [outcome] : []));
    for (const outcome of outcomes) if (!outcome.ok) expect(outcome.reason).toBe('changed');
    expect(won.length).toBeGreaterThan(0);
    const newest = Math.max(...won.map(({ key: made }) => made.version));
    expect((await keys.find(key.id))?.version).toBe(newest);
    for (const at of [call, callElsewhere])
      for (const { key: made, secret: shown } of [...won, { key, secret }]) {
        const isNewest = made.version === newest;
        const isJudged = async () => (await at(shown)).status === (isNewest ? 'known' : 'bad');
        await eventually('the newest key alone is accepted', isJudged, heardWithinMs);
      }
  });

  it('overlaps with its old secret after a rotation, which then dies by itself', async () => {
    const { secret, key } = await make();
    const next = made(await keys.rotate(key.id, by));
    expect((await call(secret)).status).toBe('known');
    expect((await callElsewhere(next.secret)).status).toBe('known');
    clock.advance(7 * day * 1000 - 1000);
    expect((await call(secret)).status).toBe('known');
    clock.advance(1000);
    expect(await call(secret)).toMatchObject(badKey);
    expect((await call(next.secret)).status).toBe('known');
  });

  it('is refused within a second on every instance once revoked, and when its owner may not use it', async () => {
    const { secret, key } = await make();
    const other = await make();
    for (const at of [call, callElsewhere]) expect((await at(secret)).status).toBe('known');
    expect((await callElsewhere(other.secret)).status).toBe('known');
    await keys.revoke(key.id, by);
    for (const at of [call, callElsewhere])
      await eventually('the key is refused', async () => (await at(secret)).status === 'bad', heardWithinMs);
    await server.users('acme').disable(robot.sub);
    await eventually(
      'refused',
      async () => (await callElsewhere(other.secret)).status === 'bad',
      heardWithinMs,
    );
  });

  it('loses the roles that its owner has lost', async () => {
    const { secret } = await make({ roles: ['writer'] });
    expect(callerIn(await call(secret))).toMatchObject({ roles: ['writer'], groups: [] });
    await server.users('acme').edit(robot.username, { roles: ['reader'] });
    await eventually(
      'without the role',
      async () => callerIn(await call(secret)).roles.length === 0,
      heardWithinMs,
    );
  });

  it('is one for each system user where the tenant says so, for one of 20 callers', async () => {
    const [here, there] = [await servedTenant(server, 'globex'), await servedTenant(server, 'globex', 1)];
    const owner = await addRobot('globex');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? here : there).apiKeys.create(owner, {}, by)),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    for (const outcome of outcomes) if (!outcome.ok) expect(outcome.reason).toBe('only');
  });

  it('is in neither store nor log', async () => {
    const { secret, key } = await make();
    const next = made(await keys.rotate(key.id, by));
    await call(secret);
    await identify(requestOf({ headers: halves(next.secret) }), serviceOf());
    const kept = `${await dumpStore(server.storeUrl)}${server.logLines().join('\n')}`;
    expect(kept).toContain(key.secrets[0]?.publicId);
    for (const shown of [secret, next.secret]) expect(kept).not.toContain(shown.slice(20, 48));
  });

  describeOnce(store, 'whatever the store', () => {
    it('is refused with any one character changed, without a trip', async () => {
      const { secret } = await make();
      server.trips();
      for (let at = 0; at < secret.length; at += 1) {
        const other = secret[at] === 'x' ? 'y' : 'x';
        const answer = await call(secret.slice(0, at) + other + secret.slice(at + 1));
        // a changed prefix is no key at all, but a token
        expect(answer).toMatchObject(at < 3 ? { status: 'bad' } : typo);
        const trips = server.trips();
        if (at >= 3) expect(trips).toEqual([]);
      }
    });

    it('is good for its networks and services alone', async () => {
      const { secret } = await make({ networks: ['192.0.2.0/28', '2001:db8::/32'], services: ['orders'] });
      const at = (address: string, name = 'orders') => call(secret, { address }, { name });
      for (const address of ['192.0.2.1', '2001:db8::7']) expect((await at(address)).status).toBe('known');
      server.trips();
      for (const address of ['192.0.2.16', '10.0.0.1', '2001:db9::7'])
        expect(await at(address)).toEqual({ status: 'forbidden', reason: 'api_key_network' });
      expect(await at('192.0.2.1', 'prices')).toEqual({ status: 'forbidden', reason: 'api_key_service' });
      // what was found at the first address is no answer for the others, and spares them the look-up
      expect(server.trips()).toEqual([]);
    });

    it('is refused with its owner, and good again with them', async () => {
      const { secret } = await make();
      await server.users('acme').disable(robot.sub);
      expect(await call(secret)).toMatchObject(badKey);
      await server.users('acme').enable(robot.sub);
      expect((await call(secret)).status).toBe('known');
      await server.users('acme').remove(robot.sub);
      await eventually('refused', async () => (await call(secret)).status === 'bad', heardWithinMs);
      expect(await keys.list({ sub: robot.sub, limit: 1 })).toEqual([]);
    });

    it('dies at once with a second rotation', async () => {
      const { secret, key } = await make();
      const second = made(await keys.rotate(key.id, by));
      expect((await call(secret)).status).toBe('known');
      const third = made(await keys.rotate(key.id, by));
      expect(await call(secret)).toMatchObject(badKey);
      for (const shown of [second.secret, third.secret]) expect((await call(shown)).status).toBe('known');
    });

    it('goes with the name of its owner only, and never past a bad Authorization', async () => {
      const { secret } = await make();
      const other = await addRobot();
      expect(await call(secret, { authorization: basicOf(other.username, secret) })).toMatchObject(badKey);
      const headers = { 'x-api-key': secret };
      expect(
        await identify(requestOf({ headers, authorization: 'Bearer nonsense' }), serviceOf()),
      ).toMatchObject({
        status: 'bad',
      });
      const foreign = { 'x-api-key': 'sk_live_of_another_program' };
      expect((await identify(requestOf({ headers: foreign }), serviceOf())).status).toBe('nothing');
    });

    it('expires when it says, and never when the tenant allows that for a system user', async () => {
      const brief = await make({ lifetimeSeconds: day });
      const lasting = await make({ lifetimeSeconds: 'never' });
      clock.advance(day * 1000);
      expect(await call(brief.secret)).toMatchObject(badKey);
      expect((await call(lasting.secret)).status).toBe('known');
      const person = await server.storage.forTenant('acme').accounts.findByLogin('alice');
      if (person === undefined) throw new Error('no alice');
      for (const lifetimeSeconds of ['never', 366 * day] as const)
        expect(await keys.create(person, { lifetimeSeconds }, by)).toMatchObject({
          ok: false,
          reason: 'lifetime',
        });
      expect(callerIn(await call(made(await keys.create(person, {}, by)).secret))).toMatchObject({
        username: 'alice',
      });
    });

    it.each([
      ['a role that the owner has not', { roles: ['admin'] }, 'limits', 'has no role admin'],
      ['no network', { networks: ['10.0.0.0/33'] }, 'limits', 'no network'],
      ['no lifetime', { lifetimeSeconds: 0 }, 'lifetime', 'at most 365 days, and at least a second'],
      ['a note of two lines', { note: 'a\nb' }, 'note', 'plain text'],
    ])('is not made with %s', async (_what, wanted, reason, words) => {
      expect(await keys.create(robot, wanted, by)).toMatchObject({
        ...{ ok: false, reason, message: expect.stringContaining(words) },
      });
    });

    it('of another tenant is unknown', async () => {
      const { secret } = await make();
      const at = { tenants: ['acme', 'globex'] };
      expect(await call(secret, { header: 'globex' }, at)).toMatchObject(badKey);
      expect((await call(secret, {}, at)).status).toBe('known');
    });
  });

  describe('a system user', () => {
    it('never signs in, and gets no password', async () => {
      expect(await server.users('acme').setPassword(robot.username, 'a password of its own')).toMatchObject({
        ok: false,
        reason: 'system',
      });
      const { accounts } = await servedTenant(server, 'acme');
      const attempt = {
        login: robot.username,
        password: 'anything',
        address: '192.0.2.1',
        via: 'page',
      } as const;
      expect(await accounts.signIn(attempt)).toMatchObject({ ok: false, reason: 'credentials' });
    });
  });
});
