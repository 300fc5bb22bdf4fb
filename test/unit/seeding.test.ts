import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openPeople, type People, seedOf } from '../support/people.ts';

const alice = seedOf('alice', { email: 'alice@acme.example', groups: ['staff'] });
const bob = seedOf('bob');
let people: People;

beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const demo = (...users: readonly (typeof alice)[]) => people.accounts({ demo: true, users });
const attempt = (login: string, password = `${login}-demo`) =>
  ({ login, password, address: '192.0.2.1', via: 'page' }) as const;
const find = (login: string) => people.tenant('acme').accounts.findByLogin(login);

describe('users of a demo tenant', () => {
  it('are there at the first sign-in, and nothing is hashed before', async () => {
    const accounts = demo(alice, bob);
    expect(people.hasher.computed.hash).toBe(0);
    expect(await accounts.signIn(attempt('alice'))).toMatchObject({
      ok: true,
      account: { origin: 'demo', groups: ['staff'], email: 'alice@acme.example' },
    });
  });

  it('are written once, however many processes start together', async () => {
    await Promise.all(Array.from({ length: 8 }, () => demo(alice, bob).seed()));
    expect(await people.tenant('acme').accounts.count()).toBe(2);
    expect((await find('alice'))?.version).toBe(1);
  });

  it('cost no hash once they are there', async () => {
    await demo(alice, bob).seed();
    const before = { ...people.hasher.computed };
    await demo(alice, bob).seed();
    expect(people.hasher.computed).toEqual(before);
  });

  it('follow the file, and keep their sub', async () => {
    await demo(alice).seed();
    const before = await find('alice');
    const { email: _email, ...withoutEmail } = alice;
    await demo({ ...withoutEmail, groups: ['admins'] }).seed();
    expect(await find('alice')).toMatchObject({ sub: before?.sub, groups: ['admins'] });
    expect(await find('alice')).not.toHaveProperty('email');
    expect(await find('alice')).not.toHaveProperty('notBefore');
    expect(await find('alice@acme.example')).toBeUndefined();
    expect(await demo(alice).signIn(attempt('alice'))).toMatchObject({ ok: true });
  });

  it('are renewed once, however many processes see the new file', async () => {
    await demo(alice).seed();
    await Promise.all(Array.from({ length: 8 }, () => demo({ ...alice, password: 'brand new' }).seed()));
    expect((await find('alice'))?.version).toBe(2);
    expect(people.lines).toEqual([]);
  });

  it('get the new password of the file, which ends their sessions', async () => {
    await demo(alice).seed();
    const accounts = demo({ ...alice, password: 'brand new' });
    expect(await accounts.signIn(attempt('alice', 'brand new'))).toMatchObject({ ok: true });
    expect(await accounts.signIn(attempt('alice'))).toMatchObject({ ok: false });
    expect(await find('alice')).toHaveProperty('notBefore');
  });

  it('are left alone once an operator has set a password, and stay disabled', async () => {
    await demo(alice, bob).seed();
    await people.users().setPassword('alice', 'lantern orbit mosaic');
    await people.users().disable('bob');
    const accounts = demo({ ...alice, groups: ['other'] }, { ...bob, groups: ['other'] });
    expect(await accounts.signIn(attempt('alice', 'lantern orbit mosaic'))).toMatchObject({ ok: true });
    expect(await find('alice')).toMatchObject({ origin: 'local', groups: ['staff'] });
    expect(await accounts.signIn(attempt('bob'))).toMatchObject({ ok: false });
  });

  it('are replaced by a local user of the same name, and the log says so', async () => {
    await people.users().add({ username: 'alice', password: 'lantern orbit mosaic' });
    const accounts = demo(alice, bob);
    expect(await accounts.signIn(attempt('alice', 'lantern orbit mosaic'))).toMatchObject({ ok: true });
    expect(await accounts.signIn(attempt('bob'))).toMatchObject({ ok: true });
    expect(people.lines.filter((line) => line.includes('is taken'))).toHaveLength(1);
  });

  it('are refused once the tenant is no longer a demo', async () => {
    await demo(alice).seed();
    const accounts = people.accounts({ demo: false, users: [alice] });
    expect(await accounts.signIn(attempt('alice'))).toEqual({ ok: false, reason: 'credentials' });
    expect(await accounts.findBySub((await find('alice'))?.sub ?? '')).toBeUndefined();
    expect(await demo(alice).findBySub((await find('alice'))?.sub ?? '')).toMatchObject({
      username: 'alice',
    });
  });

  it('are tried again after a failure', async () => {
    let failures = 1;
    const flaky = {
      ...people.hasher,
      hash: (tenant: string, password: string) => {
        failures -= 1;
        return failures >= 0 ? Promise.reject(new Error('busy')) : people.hasher.hash(tenant, password);
      },
    };
    const accounts = people.accounts({ demo: true, users: [alice] }, flaky);
    await expect(accounts.signIn(attempt('alice'))).rejects.toThrow('busy');
    expect(await accounts.signIn(attempt('alice'))).toMatchObject({ ok: true });
  });
});
