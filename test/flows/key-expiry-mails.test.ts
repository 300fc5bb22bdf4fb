// The mail that an API key expires: once for each key, by one of all instances.
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { NewKey } from '../../src/accounts/api-keys/api-keys.ts';
import type { LocalUsers } from '../../src/accounts/local-users.ts';
import { sampleTenant } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { shownMails } from '../support/shown-mails.ts';
import { eachStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const day = 86_400;
const address = 'ruth@example.com';

eachStore((store) => {
  let server: TestServer;
  let clock: ReturnType<typeof createTestClock>;
  beforeEach(async () => {
    clock = createTestClock(Date.now());
    server = await startTestServer({
      ...{ store, clock, instances: 2 },
      tenants: {
        acme: sampleTenant({ apiKeys: { contact: 'ops@example.com' } }),
        silent: { displayName: 'Silent' },
      },
    });
  });
  afterEach(() => server.close());

  const keyOf = async (user: Parameters<LocalUsers['add']>[0], wanted: NewKey, tenant = 'acme') => {
    const added = await server.users(tenant).add(user);
    if (!added.ok) throw new Error(added.message);
    const { apiKeys } = await servedTenant(server, tenant);
    const made = await apiKeys.create(added.account, wanted, { actor: 'cli' });
    if (!made.ok) throw new Error(made.message);
    return { id: made.key.id, apiKeys };
  };
  const ruth = { username: 'ruth', password: 'lantern orbit mosaic', email: address, emailVerified: true };

  /** Both instances look, as each does once a minute; the mails that there are then. */
  const look = async (tenant = 'acme') => {
    const found = await server.instances[0]?.tenants.find(tenant);
    if (!(await server.storage.tenantsWithDueKeyNotices(clock.now())).includes(tenant)) return [];
    expect(found?.status).toBe('served');
    await Promise.all(
      [0, 1, 0, 1].map(async (n) => {
        const lookup = await server.instances[n]?.tenants.find(tenant);
        if (lookup?.status === 'served') await lookup.tenant.notifyOfExpiry();
      }),
    );
    return (await shownMails(server, tenant)).map(({ to, text }) => ({ to, text }));
  };
  const days = (count: number): void => clock.advance(count * day * 1000);

  it('goes once to the verified address of the owner, 14 days before', async () => {
    await keyOf(ruth, { lifetimeSeconds: 90 * day, note: 'nightly build', isOwn: true, services: ['mail'] });
    days(75.9);
    expect(await look()).toEqual([]);
    days(0.2);
    const mails = await look();
    expect(mails).toEqual([{ to: address, text: expect.stringContaining('nightly build') }]);
    expect(mails[0]?.text).toContain(`${server.issuer('acme')}/account/keys`);
    days(1);
    expect(await look()).toEqual([]);
    expect(await shownMails(server, 'acme')).toHaveLength(1);
  });

  it('goes to the address of a system user, or to the contact of the tenant', async () => {
    const lifetimeSeconds = 10 * day;
    await keyOf({ username: 'ci', isSystem: true }, { lifetimeSeconds });
    await keyOf({ username: 'cd', isSystem: true, email: 'cd@example.com' }, { lifetimeSeconds });
    days(4.9);
    expect(await look()).toEqual([]);
    days(0.2);
    expect((await look()).map(({ to }) => to).toSorted()).toEqual(['cd@example.com', 'ops@example.com']);
  });

  it('does not go for keys that are revoked, rotated, short or over, or to an address that is not verified', async () => {
    const lifetimeSeconds = 30 * day;
    const revoked = await keyOf({ username: 'r1', isSystem: true }, { lifetimeSeconds });
    const rotated = await keyOf({ username: 'r2', isSystem: true }, { lifetimeSeconds });
    await keyOf({ ...ruth, emailVerified: false }, { lifetimeSeconds });
    await keyOf({ username: 'r3', isSystem: true }, { lifetimeSeconds: 2 * day - 1 });
    await keyOf({ username: 'r4', isSystem: true }, { lifetimeSeconds: 16 * day - 1 });
    await revoked.apiKeys.revoke(revoked.id, { actor: 'cli' });
    days(15.9);
    await rotated.apiKeys.rotate(rotated.id, { actor: 'cli' });
    days(0.2);
    expect(await look()).toEqual([]);
    // of the new secret
    days(16);
    expect(await look()).toHaveLength(1);
  });

  it('does not go where the tenant has no mail', async () => {
    await keyOf({ username: 'ci', isSystem: true, email: address }, { lifetimeSeconds: 30 * day }, 'silent');
    days(17);
    expect(await server.storage.tenantsWithDueKeyNotices(clock.now())).toEqual(['silent']);
    await look('silent');
    expect(await server.storage.tenantsWithDueKeyNotices(clock.now())).toEqual([]);
    expect(await server.storage.forTenant('silent').mails.list({ limit: 5 })).toEqual([]);
  });
});
