import { describe, expect, it } from '@jest/globals';
import type { Storage } from '../../src/storage/storage.ts';
import type { StoredRecord } from '../../src/storage/storage-records.ts';
import type { GetBench } from './storage.contract.ts';
import { fill, requestCalls } from './storage-calls.ts';
import {
  account,
  artifact,
  auditRecord,
  device,
  deviceCode,
  key,
  mail,
  session,
  startMs,
  times,
} from './storage-samples.ts';

/** All that a tenant can see. */
const look = async (storage: Storage, tenant: string) => {
  const {
    artifacts,
    accounts,
    keys,
    counters,
    usage,
    audit,
    auditChain,
    auditStreams,
    deliveries,
    mails,
    pictures,
    devices,
    apiKeys,
  } = storage.forTenant(tenant);
  const loaded = await artifacts.load([
    { kind: 'AccessToken', id: 'token-1' },
    { kind: 'Grant', id: 'g' },
    { kind: 'Session', id: 'session-1' },
    { kind: 'DeviceCode', userCode: 'ABCD' },
  ]);
  return {
    payloads: [...loaded.artifacts, ...loaded.linkedArtifacts]
      .map(({ kind, payload }) => `${kind} ${payload}`)
      .sort(),
    streams: (await auditStreams.list()).map(({ lastOutcome }) => lastOutcome),
    authorizations: loaded.artifacts.map(({ authorizations }) => authorizations).filter(Boolean),
    linkedAccounts: loaded.linkedAccounts.map(({ username }) => username),
    bySub: (await accounts.findBySub('alice'))?.username,
    byLogin: (await accounts.findByLogin('alice'))?.username,
    byIdentity: (await accounts.findByIdentity('identity-1'))?.username,
    sessions: (await artifacts.sessionsOf('alice')).map(({ payload }) => payload),
    list: (await accounts.list({ limit: 9 })).map(({ username }) => username),
    count: await accounts.count(),
    keys: (await keys.list()).map(({ sealed }) => sealed),
    counter: await counters.find('k', startMs),
    usage: await usage.report(),
    audit: (await audit.list({ limit: 9 })).map(({ actor }) => actor),
    links: (await auditChain.links({ afterSeq: 0, limit: 9 })).map(({ link, record }) => [
      link.hash,
      record?.actor,
    ]),
    checkpoints: (await auditChain.checkpoints({ afterSeq: 0, limit: 9 })).map(({ jws }) => jws),
    deliveries: (await deliveries.list({ limit: 9 })).map(({ reason }) => reason),
    mails: (await mails.list({ limit: 9 })).map(({ purpose }) => purpose),
    picture: (await pictures.find('alice'))?.id,
    devices: (await devices.list({ limit: 9 })).map(({ name }) => name),
    devicesOfAlice: (await devices.list({ sub: 'alice', limit: 9 })).map(({ name }) => name),
    device: (await devices.find('device-1'))?.name,
    apiKeys: (await apiKeys.list({ limit: 9 })).map(({ note }) => note),
    apiKey: (await apiKeys.findByPublicId('public-1'))?.key.note,
  };
};

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}

const inOrder = (records: readonly StoredRecord[]) =>
  [...records].sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

export const generalClauses = (bench: GetBench): void => {
  describe('tenants', () => {
    it('never meet, with the same ids, in any method', async () => {
      const { first, second } = bench();
      for (const tenant of ['acme', 'acme-2', 'ac']) await fill(first, tenant);
      for (const tenant of ['acme', 'acme-2', 'ac']) {
        expect(await look(second, tenant)).toEqual({
          streams: [tenant],
          payloads: ['AccessToken', 'DeviceCode', 'Grant', 'Grant', 'Session', 'Session'].map(
            (k) => `${k} ${tenant}`,
          ),
          authorizations: [{ [tenant]: '1' }],
          linkedAccounts: [tenant],
          bySub: tenant,
          byLogin: tenant,
          byIdentity: tenant,
          sessions: [tenant],
          list: [tenant],
          count: 1,
          keys: [tenant],
          counter: { count: 1, endsAt: startMs + 1000 },
          usage: [{ clientId: 'c', count: 1, lastUsedAt: startMs, distinctUsers: 1 }],
          audit: [tenant],
          links: [[tenant, tenant]],
          checkpoints: [tenant],
          deliveries: [tenant],
          mails: [tenant],
          picture: tenant,
          devices: [tenant],
          devicesOfAlice: [tenant],
          device: tenant,
          apiKeys: [tenant],
          apiKey: tenant,
        });
      }
    });

    it('are untouched by what is done to another', async () => {
      const { first } = bench();
      await fill(first, 'other');
      await fill(first, 'acme');
      const before = await look(first, 'other');
      const { artifacts, accounts, counters, deliveries, devices } = first.forTenant('acme');
      await artifacts.consume('AccessToken', 'token-1', startMs);
      await artifacts.poll('device-1', startMs, 5);
      expect(await artifacts.replaceInPhase(deviceCode({ phase: 'claimed' }), ['pending'])).toBe(true);
      await artifacts.write([
        { op: 'removeByGrant', grantId: 'g' },
        { op: 'mergeSession', artifact: session({ authorizations: { x: '1' } }), removed: ['other'] },
        { op: 'remove', kind: 'Session', id: 'session-1' },
        { op: 'remove', kind: 'Grant', id: 'g' },
      ]);
      expect(await artifacts.tryInsert(artifact())).toBe(true);
      await accounts.update('alice', { username: 'x', logins: ['y'], identityKeys: ['z'] });
      await deliveries.settle('d-1', {
        state: 'delivered',
        nextAttemptAt: startMs,
        lastAttemptAt: startMs,
        lastOutcome: '200',
      });
      expect(await deliveries.claim(startMs, startMs + 1)).toBeUndefined();
      await counters.reset('k');
      await devices.signIn(device({ grantId: 'x' }));
      await devices.rename('device-1', 'x');
      await devices.seen('device-1', { nowMs: startMs + 9, minimumGapMs: 0 });
      expect(await devices.remove('device-1')).toMatchObject({ grantId: 'x', lastSeenAt: startMs + 9 });
      expect(await look(first, 'other')).toEqual(before);
      expect(await first.forTenant('other').deliveries.claim(startMs, startMs + 1)).toMatchObject({
        attempts: 1,
      });
      const untouched = first.forTenant('other').artifacts;
      expect(await untouched.consume('AccessToken', 'token-1', startMs)).toMatchObject({ won: true });
      expect(await untouched.poll('device-1', startMs, 5)).toMatchObject({ tooSoon: false });
      expect(await untouched.replaceInPhase(deviceCode(), ['pending'])).toBe(true);
    });

    it('cannot be reached through a crafted id', async () => {
      const { first } = bench();
      expect(() => first.forTenant('')).toThrow();
      expect(() => first.forTenant('a|b')).toThrow();
    });

    it('lose one person with all that is theirs, and nothing of others', async () => {
      const { first, second } = bench();
      for (const tenant of ['acme', 'acme-2']) await fill(first, tenant);
      const { accounts, artifacts, devices, usage } = first.forTenant('acme');
      await accounts.insert(account({ sub: 'bob', logins: ['bob'] }));
      await artifacts.write([
        { op: 'put', artifact: session({ id: 'of-bob', accountId: 'bob' }) },
        { op: 'put', artifact: artifact({ kind: 'GatewaySession', id: 'of-alice', accountId: 'alice' }) },
        ...times(600, (n) => ({
          op: 'put' as const,
          artifact: artifact({ kind: 'RefreshToken', id: `r${n}`, grantId: 'g', accountId: 'alice' }),
        })),
      ]);
      await usage.record({ clientId: 'web', sub: 'bob', nowMs: startMs });
      await first.forTenant('acme').mails.add([mail({ id: 'of-bob', sub: 'bob' })]);
      const other = await look(first, 'acme-2');

      expect(await second.purgeAccount('acme', 'alice')).toBeGreaterThan(600);
      expect(await second.purgeAccount('acme', 'alice')).toBe(0);
      expect(await accounts.findBySub('alice')).toBeUndefined();
      expect(await accounts.findByLogin('alice')).toBeUndefined();
      expect(await artifacts.sessionsOf('alice')).toEqual([]);
      expect(await artifacts.tokensOfGrant('g')).toEqual([]);
      expect((await artifacts.load([{ kind: 'GatewaySession', id: 'of-alice' }])).artifacts).toEqual([]);
      expect(await devices.list({ sub: 'alice', limit: 9 })).toEqual([]);
      expect(await first.forTenant('acme').pictures.find('alice')).toBeUndefined();
      expect((await first.forTenant('acme').mails.list({ limit: 9 })).map(({ sub }) => sub)).toEqual(['bob']);
      expect(await accounts.findByLogin('bob')).toMatchObject({ sub: 'bob' });
      expect(await artifacts.sessionsOf('bob')).toHaveLength(1);
      expect((await usage.report()).map(({ distinctUsers }) => distinctUsers)).toContain(1);
      expect(await look(first, 'acme-2')).toEqual(other);
      // the names are free again
      expect(await accounts.insert(account({ sub: 'new' }))).toBe(true);
    });

    it('are listed when they have data, and purged alone', async () => {
      const { first, second } = bench();
      expect(await first.listTenants()).toEqual([]);
      for (const tenant of ['zeta', 'acme', 'acme-2', 'ac']) await fill(first, tenant);
      await first.forTenant('keys-only').keys.putIfAbsent(key());
      expect(await second.listTenants()).toEqual(['ac', 'acme', 'acme-2', 'keys-only', 'zeta']);
      const before = await look(first, 'acme-2');
      expect(await second.purgeTenant('acme')).toBe(17);
      expect(await second.purgeTenant('acme')).toBe(0);
      expect(await look(first, 'acme')).toEqual(await look(first, 'never-heard-of'));
      expect(await look(first, 'acme-2')).toEqual(before);
      expect(await first.listTenants()).toEqual(['ac', 'acme-2', 'keys-only', 'zeta']);
      await fill(first, 'acme');
      expect(await first.forTenant('acme').accounts.findByLogin('alice')).toBeDefined();
    });
  });

  describe('the installation', () => {
    it('keeps the first value of a fact', async () => {
      const { first, second } = bench();
      expect(await first.installation.putIfAbsent('check', 'one')).toBe('one');
      expect(await second.installation.putIfAbsent('check', 'two')).toBe('one');
      expect(await second.installation.putIfAbsent('other', 'two')).toBe('two');
      const values = await Promise.all(
        times(20, (n) => (n % 2 ? first : second).installation.putIfAbsent('raced', `${n}`)),
      );
      expect(new Set(values).size).toBe(1);
    });

    it('answers a ping, and no longer when it is closed', async () => {
      const { first } = bench();
      await first.ping();
      await first.close();
      await expect(first.ping()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(
        first.forTenant('acme').artifacts.write([{ op: 'put', artifact: artifact() }]),
      ).rejects.toMatchObject({
        code: 'unavailable',
      });
    });

    it('sweeps nothing that is alive', async () => {
      const { first, clock } = bench();
      await fill(first, 'acme');
      const before = await look(first, 'acme');
      await first.sweep();
      expect(await look(first, 'acme')).toEqual(before);
      clock.advance(60_000);
      await first.sweep();
      await first.forTenant('acme').artifacts.tryInsert(session({ expiresAt: startMs / 1000 + 90 }));
      const { artifacts } = await first
        .forTenant('acme')
        .artifacts.load([{ kind: 'Session', id: 'session-1' }]);
      expect(artifacts).toHaveLength(1);
    });

    it('drops artifacts and counters, and nothing else', async () => {
      const { first, second } = bench();
      await fill(first, 'acme');
      await fill(first, 'zeta');
      const before = await look(first, 'zeta');
      await second.dropEphemeral();
      expect(await look(first, 'zeta')).toEqual({
        ...before,
        payloads: [],
        authorizations: [],
        linkedAccounts: [],
        sessions: [],
        counter: undefined,
      });
    });
  });

  describe('a backup', () => {
    it('carries all durable records to an empty store', async () => {
      const { first } = bench();
      await fill(first, 'acme');
      await fill(first, 'zeta');
      await first.installation.putIfAbsent('check', 'one');
      const records = JSON.parse(JSON.stringify(await collect(first.exportRecords())));
      for (const tenant of await first.listTenants()) await first.purgeTenant(tenant);
      expect(await first.importRecords(each(records))).toBe(records.length);
      expect(inOrder(await collect(first.exportRecords()))).toEqual(inOrder(records));
      expect(await look(first, 'acme')).toMatchObject({
        payloads: [],
        bySub: 'acme',
        byLogin: 'acme',
        byIdentity: 'acme',
        keys: ['acme'],
        usage: [{ clientId: 'c', count: 1, lastUsedAt: startMs, distinctUsers: 1 }],
        audit: ['acme'],
        devices: ['acme'],
        picture: 'acme',
        apiKeys: ['acme'],
        apiKey: 'acme',
      });
      expect(await first.installation.putIfAbsent('check', 'two')).toBe('one');
    });

    it('replaces records with the same key', async () => {
      const { first } = bench();
      await fill(first, 'acme');
      const records = await collect(first.exportRecords());
      await first.forTenant('acme').accounts.update('alice', { username: 'x', logins: ['x'], lockedAt: 1 });
      await first.forTenant('acme').usage.record({ clientId: 'c', sub: 'alice', nowMs: startMs + 5 });
      await first.importRecords(each(records));
      expect(inOrder(await collect(first.exportRecords()))).toEqual(inOrder(records));
      expect(await first.forTenant('acme').accounts.findByLogin('x')).toBeUndefined();
    });

    it('is refused where it contradicts what is stored', async () => {
      const { first } = bench();
      await first.forTenant('acme').accounts.insert(account({ sub: 'somebody-else' }));
      await first
        .forTenant('acme')
        .accounts.insert(account({ sub: 'other', logins: [], identityKeys: ['i'] }));
      const values = [account(), account({ logins: ['free'], identityKeys: ['i'] })];
      for (const value of values) {
        const record: StoredRecord = { collection: 'accounts', tenant: 'acme', key: 'alice', value };
        await expect(first.importRecords(each([record]))).rejects.toMatchObject({ code: 'invalid_request' });
      }
    });

    it('is complete with more records than one step takes', async () => {
      const { first, second } = bench();
      const { audit } = first.forTenant('acme');
      const records = times(1203, (n) => auditRecord({ id: `id-${n}`, at: startMs + (n % 7) }));
      for (let from = 0; from < records.length; from += 50) {
        await Promise.all(records.slice(from, from + 50).map((record) => audit.append(record)));
      }
      const exported = await collect(second.exportRecords());
      expect(new Set(exported.map((record) => record.key)).size).toBe(1203);
      expect(await first.purgeTenant('acme')).toBe(1203);
      expect(await second.importRecords(each(exported))).toBe(1203);
      expect(await audit.list({ limit: 2000 })).toHaveLength(1203);
    });
  });

  describe('a call', () => {
    it('is one trip', async () => {
      const { first, trips } = bench();
      await fill(first, 'acme');
      const calls = requestCalls(first, 'acme');
      const counted: Record<string, number> = {};
      for (const [name, call] of Object.entries(calls)) {
        const before = trips.length;
        await call();
        counted[name] = trips.length - before;
      }
      expect(counted).toEqual(Object.fromEntries(Object.keys(calls).map((name) => [name, 1])));
    });
  });
};
