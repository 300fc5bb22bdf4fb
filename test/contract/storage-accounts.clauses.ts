import { describe, expect, it } from '@jest/globals';
import type { GetBench } from './storage.contract.ts';
import { account, startMs, times } from './storage-samples.ts';

export const accountClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').accounts;
  const elsewhere = () => bench().second.forTenant('acme').accounts;

  describe('accounts', () => {
    it('are found by sub and by each login, as they were inserted', async () => {
      expect(await open().insert(account())).toBe(true);
      expect(await elsewhere().findBySub('alice')).toEqual(account());
      expect(await elsewhere().findByLogin('alice')).toEqual(account());
      expect(await elsewhere().findByLogin('alice@example.org')).toEqual(account());
      expect(await open().findBySub('bob')).toBeUndefined();
      expect(await open().findByLogin('Alice')).toBeUndefined();
      expect(await open().findByLogin('alice\0x')).toBeUndefined();
    });

    it('give copies', async () => {
      await open().insert(account());
      const found = await open().findBySub('alice');
      Object.assign(found ?? {}, { username: 'x' });
      Object.assign(found?.claims ?? {}, { name: 'x' });
      expect(await open().findBySub('alice')).toEqual(account());
    });

    it('are not inserted when the sub or a login is taken, and nothing is written then', async () => {
      await open().insert(account());
      expect(await open().insert(account({ logins: ['new'], username: 'x' }))).toBe(false);
      expect(await elsewhere().insert(account({ sub: 'bob', logins: ['bob', 'alice@example.org'] }))).toBe(
        false,
      );
      expect(await open().findBySub('alice')).toEqual(account());
      expect(await open().findBySub('bob')).toBeUndefined();
      expect(await open().findByLogin('bob')).toBeUndefined();
      expect(await open().findByLogin('new')).toBeUndefined();
    });

    it.each([20, 100])('give a login to one of %i who want it', async (count) => {
      const won = await Promise.all(
        times(count, (n) =>
          (n % 2 ? open() : elsewhere()).insert(account({ sub: `s${n}`, logins: [`own-${n}`, 'wanted'] })),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await open().findByLogin('wanted')).toMatchObject({ sub: `s${won.indexOf(true)}` });
      expect(await open().count()).toBe(1);
    });

    it('are patched: values set, undefined removes, the rest stays, the version grows', async () => {
      await open().insert(account({ lockedAt: 1 }));
      const patch = { username: 'Al', lockedAt: undefined, disabledAt: startMs, claims: { 'a.b': 1 } };
      expect(await open().update('alice', { ...patch, updatedAt: startMs + 1 })).toBe(true);
      expect(await elsewhere().findBySub('alice')).toEqual(
        account({
          username: 'Al',
          disabledAt: startMs,
          claims: { 'a.b': 1 },
          updatedAt: startMs + 1,
          version: 2,
        }),
      );
      expect(await elsewhere().update('alice', { disabledAt: undefined }, 2)).toBe(true);
      expect(await open().findBySub('alice')).not.toHaveProperty('disabledAt');
      expect(await open().findBySub('alice')).toMatchObject({ version: 3 });
    });

    it('are not updated when absent or changed meanwhile', async () => {
      await open().insert(account());
      expect(await open().update('bob', { username: 'x' })).toBe(false);
      expect(await open().update('alice', { username: 'x' }, 2)).toBe(false);
      expect(await open().findBySub('alice')).toEqual(account());
    });

    it('change logins, unless one is taken', async () => {
      await open().insert(account());
      await open().insert(account({ sub: 'bob', logins: ['bob'] }));
      expect(await open().update('bob', { logins: ['bobby', 'alice'], username: 'x' })).toBe(false);
      expect(await open().findBySub('bob')).toEqual(account({ sub: 'bob', logins: ['bob'] }));
      expect(await open().update('alice', { logins: ['alice'] })).toBe(true);
      expect(await open().findByLogin('alice@example.org')).toBeUndefined();
      expect(await open().update('bob', { logins: ['bob', 'alice@example.org'] })).toBe(true);
      expect(await open().findByLogin('alice@example.org')).toMatchObject({ sub: 'bob' });
      expect(await open().insert(account({ sub: 'eve', logins: ['bob'] }))).toBe(false);
    });

    it.each([20, 100])('take one of %i updates that expect the same version', async (count) => {
      await open().insert(account());
      const won = await Promise.all(
        times(count, (n) => (n % 2 ? open() : elsewhere()).update('alice', { username: `${n}` }, 1)),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await open().findBySub('alice')).toMatchObject({ username: `${won.indexOf(true)}`, version: 2 });
    });

    it('lose no unconditional update', async () => {
      await open().insert(account());
      await Promise.all(times(50, (n) => (n % 2 ? open() : elsewhere()).update('alice', { updatedAt: n })));
      expect(await open().findBySub('alice')).toMatchObject({ version: 51 });
    });

    const known = {
      ...account({ sub: 'bob', logins: [], origin: 'source' }),
      identities: [
        { source: 'ldap', subject: '$uuid', linkedAt: startMs, checkedAt: startMs + 1 },
        {
          source: 'oidc',
          issuer: 'https://a.b',
          subject: 's',
          linkedAt: startMs,
          checkedAt: startMs,
          goneAt: startMs,
        },
      ],
      identityKeys: ['key-1', 'key-2'],
      lockedAt: startMs,
      lockedBy: 'ldap',
      adoptedFrom: 'ldap',
      adoptedAt: startMs,
    };

    it('are found by each identity key, as they were inserted', async () => {
      expect(await open().insert(known)).toBe(true);
      expect(await elsewhere().findByIdentity('key-1')).toEqual(known);
      expect(await elsewhere().findByIdentity('key-2')).toEqual(known);
      expect(await open().findByIdentity('key-3')).toBeUndefined();
      expect(await bench().first.forTenant('zeta').accounts.findByIdentity('key-1')).toBeUndefined();
    });

    it('are not inserted when an identity key is taken, and nothing is written then', async () => {
      await open().insert(known);
      const other = account({ sub: 'eve', logins: ['eve'], identityKeys: ['new', 'key-2'] });
      expect(await elsewhere().insert(other)).toBe(false);
      expect(await open().findBySub('eve')).toBeUndefined();
      expect(await open().findByLogin('eve')).toBeUndefined();
      expect(await open().findByIdentity('new')).toBeUndefined();
    });

    it('change identity keys, unless one is taken', async () => {
      await open().insert(known);
      await open().insert(account());
      expect(await elsewhere().update('alice', { identityKeys: ['mine', 'key-1'], username: 'x' })).toBe(
        false,
      );
      expect(await open().findBySub('alice')).toEqual(account());
      expect(await open().update('bob', { identityKeys: ['key-2'] })).toBe(true);
      expect(await elsewhere().update('alice', { identityKeys: ['mine', 'key-1'] })).toBe(true);
      expect(await open().findByIdentity('key-1')).toMatchObject({ sub: 'alice' });
      expect(await open().findByIdentity('key-2')).toMatchObject({ sub: 'bob' });
    });

    it('have no identity keys when the list is empty, or is taken away', async () => {
      for (const [n, none] of [[], undefined].entries()) {
        const sub = `s${n}`;
        await open().insert(account({ sub, logins: [], identityKeys: [`free-${n}`] }));
        expect(await elsewhere().update(sub, { identityKeys: none })).toBe(true);
        expect(await open().findBySub(sub)).not.toHaveProperty('identityKeys');
        expect(await open().findByIdentity(`free-${n}`)).toBeUndefined();
        expect(await open().insert(account({ sub: `t${n}`, logins: [], identityKeys: [] }))).toBe(true);
        expect(await open().findBySub(`t${n}`)).not.toHaveProperty('identityKeys');
      }
    });

    it.each([20, 100])('give an identity to one of %i who come at once', async (count) => {
      const won = await Promise.all(
        times(count, (n) =>
          (n % 2 ? open() : elsewhere()).insert(
            account({ sub: `s${n}`, logins: [], identityKeys: [`own-${n}`, 'wanted'] }),
          ),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await open().findByIdentity('wanted')).toMatchObject({ sub: `s${won.indexOf(true)}` });
      expect(await open().count()).toBe(1);
    });

    it('give an identity to one of 20 who are linked at once', async () => {
      for (const n of times(20, (i) => i)) await open().insert(account({ sub: `s${n}`, logins: [] }));
      const won = await Promise.all(
        times(20, (n) => (n % 2 ? open() : elsewhere()).update(`s${n}`, { identityKeys: ['wanted'] })),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await open().findByIdentity('wanted')).toMatchObject({ sub: `s${won.indexOf(true)}` });
    });

    it('are listed by sub in pages, and counted', async () => {
      for (const n of [3, 1, 5, 2, 4]) await open().insert(account({ sub: `s${n}`, logins: [`s${n}`] }));
      const subs = async (page: { afterSub?: string; limit: number }) =>
        (await elsewhere().list(page)).map(({ sub }) => sub);
      expect(await subs({ limit: 2 })).toEqual(['s1', 's2']);
      expect(await subs({ afterSub: 's2', limit: 2 })).toEqual(['s3', 's4']);
      expect(await subs({ afterSub: 's4', limit: 2 })).toEqual(['s5']);
      expect(await subs({ afterSub: 's5', limit: 2 })).toEqual([]);
      expect(await open().count()).toBe(5);
    });

    it('are listed by origin: the system users alone', async () => {
      for (const n of [4, 1, 3, 2])
        await open().insert(account({ sub: `s${n}`, logins: [`s${n}`], origin: n % 2 ? 'local' : 'system' }));
      const subs = async (afterSub: string, limit: number) =>
        (await elsewhere().list({ afterSub, origin: 'system', limit })).map(({ sub }) => sub);
      expect(await subs('', 9)).toEqual(['s2', 's4']);
      expect(await subs('', 1)).toEqual(['s2']);
      expect(await subs('s2', 1)).toEqual(['s4']);
      expect(await open().update('s2', { origin: 'local' })).toBe(true);
      expect(await subs('', 9)).toEqual(['s4']);
    });

    it('are found from the time of their deletion on, the oldest first, and their tenants', async () => {
      const due = async (nowMs: number, limit = 9, records = open()) =>
        (await records.dueForDeletion({ nowMs, limit })).map(({ sub }) => sub);
      const tenantsDue = async (nowMs: number) =>
        (await bench().second.tenantsWithDueDeletions(nowMs)).toSorted();
      for (const [n, deleteAt] of [3000, 1000, 2000].entries())
        await open().insert(account({ sub: `s${n}`, logins: [`s${n}`], deleteAt }));
      await open().insert(account());
      await bench()
        .first.forTenant('globex')
        .accounts.insert(account({ deleteAt: 2000 }));
      expect(await due(999)).toEqual([]);
      expect(await due(1000, 9, elsewhere())).toEqual(['s1']);
      expect(await due(9999)).toEqual(['s1', 's2', 's0']);
      expect(await due(9999, 2)).toEqual(['s1', 's2']);
      expect(await tenantsDue(999)).toEqual([]);
      expect(await tenantsDue(1000)).toEqual(['acme']);
      expect(await tenantsDue(2000)).toEqual(['acme', 'globex']);

      // 20 who call it off and begin its removal at once: one of them changes the account
      const changes = times(20, (n) => (n % 2 ? { deleteAt: undefined } : { disabledAt: 5000 }));
      const won = await Promise.all(
        changes.map((change, n) => (n % 3 ? open() : elsewhere()).update('s1', change, 1)),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      await open().update('s1', { deleteAt: undefined });
      expect(await open().findBySub('s1')).not.toHaveProperty('deleteAt');
      expect(await due(9999)).toEqual(['s2', 's0']);
    });

    it('are found from the end of their oldest former address on, the oldest first, and their tenants', async () => {
      const ended = async (nowMs: number, limit = 9, records = open()) =>
        (await records.withEndedEmails({ nowMs, limit })).map(({ sub }) => sub);
      const tenantsDue = async (nowMs: number) =>
        (await bench().second.tenantsWithEndedEmails(nowMs)).toSorted();
      const former = (...ends: readonly number[]) =>
        ends.map((until) => ({
          ...{ id: `i${until}`, email: 'old@acme.example', username: 'alice' },
          until,
          kept: {},
        }));
      for (const [n, ends] of [[3000], [1000, 9000], [2000], []].entries())
        await open().insert(account({ sub: `s${n}`, logins: [`s${n}`], formerEmails: former(...ends) }));
      await open().insert(account());
      await bench()
        .first.forTenant('globex')
        .accounts.insert(account({ formerEmails: former(2000) }));
      expect(await ended(999)).toEqual([]);
      expect(await ended(1000, 9, elsewhere())).toEqual(['s1']);
      expect(await ended(3000, 2)).toEqual(['s1', 's2']);
      expect([await tenantsDue(999), await tenantsDue(1000)]).toEqual([[], ['acme']]);
      expect(await tenantsDue(2000)).toEqual(['acme', 'globex']);
      await open().update('s1', { formerEmails: former(9000) });
      await open().update('s2', { formerEmails: undefined });
      expect(await ended(8999)).toEqual(['s0']);
    });
  });
};
