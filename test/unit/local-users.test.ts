import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalUsers } from '../../src/accounts/local-users.ts';
import { isSessionCurrent } from '../../src/accounts/standing.ts';
import { AppError } from '../../src/errors.ts';
import { openPeople, type People } from '../support/people.ts';
import { createScriptedSource } from '../support/scripted-source.ts';

const password = 'lantern orbit mosaic';
let people: People;

beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const signIn = (login: string, text = password) =>
  people.accounts().signIn({ login, password: text, address: '192.0.2.1', via: 'page' });

describe('adding a user', () => {
  it('makes a user who can sign in by name and by e-mail', async () => {
    const added = await people.users().add({
      username: 'Alice',
      email: 'alice@acme.example',
      password,
      claims: { name: 'Alice Liddell' },
      groups: ['staff'],
      roles: ['editor'],
    });
    expect(added).toMatchObject({
      ok: true,
      account: {
        username: 'Alice',
        emailVerified: false,
        groups: ['staff'],
        roles: ['editor'],
        origin: 'local',
      },
    });
    expect(await signIn('alice')).toMatchObject({ ok: true });
    expect(await signIn('alice@acme.example')).toMatchObject({ ok: true });
  });

  it.each([
    ['username', { username: ' ' }],
    ['username', { username: 'al\u0000ice' }],
    ['email', { email: 'not an address' }],
    ['email', { email: '' }],
    ['password', { password: 'short' }],
    ['password', { password: 'x1y2'.repeat(33) }],
    ['password', { password: 'passwordpassword' }],
    ['password', { username: 'alexandra', password: 'alexandra2024' }],
  ])('refuses a bad %s and stores nothing', async (reason, changes) => {
    const outcome = await people
      .users()
      .add({ username: 'bob', email: 'bob@acme.example', password, ...changes });
    expect(outcome).toMatchObject({ ok: false, reason });
    expect(await people.tenant('acme').accounts.count()).toBe(0);
  });

  it('keeps an international address in the spelling of DNS, and knows it in both', async () => {
    const users = people.users();
    const added = await users.add({ username: '\u200Bbob', email: 'bob@m\u00FCnchen.example', password });
    expect(added).toMatchObject({
      ok: true,
      account: { username: 'bob', email: 'bob@xn--mnchen-3ya.example' },
    });
    for (const login of ['Bob@M\u00DCNCHEN.example', 'bob@xn--mnchen-3ya.example', 'bob\u00AD'])
      expect((await users.find(login))?.username).toBe('bob');
    const refused = await users.add({ username: 'eve', email: '\u00E9ve@acme.example', password });
    expect(refused).toMatchObject({ ok: false, message: expect.stringContaining('outside ASCII') });
  });

  it.each([
    ['the name', { username: 'ALICE' }],
    ['the e-mail', { username: 'bob', email: 'ALICE@acme.example' }],
    ['the e-mail as a name', { username: 'alice@acme.example' }],
  ])('refuses %s of somebody else', async (_name, user) => {
    await people.users().add({ username: 'alice', email: 'alice@acme.example', password });
    expect(await people.users().add({ password, ...user })).toMatchObject({ ok: false, reason: 'taken' });
    expect(await people.users('globex').add({ password, ...user })).toMatchObject({ ok: true });
  });

  it('gives a name to one of many who ask for it at once', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        people.users().add({ username: 'alice', email: `alice${index}@acme.example`, password }),
      ),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await people.tenant('acme').accounts.count()).toBe(1);
  });

  it('is not done when it cannot be recorded', async () => {
    const users = createLocalUsers({
      tenant: 'acme',
      storage: people.tenant('acme'),
      purgeAccount: () => Promise.resolve(0),
      revocations: { endAccount: () => Promise.resolve(), publish: () => Promise.resolve() },
      hasher: people.hasher,
      faultOfPassword: () => undefined,
      audit: {
        note: () => Promise.resolve(),
        noteBefore: () => Promise.reject(new AppError('unavailable', 'no disk')),
      },
      clock: people.clock,
      actor: 'cli',
    });
    await expect(users.add({ username: 'alice', password })).rejects.toMatchObject({ code: 'unavailable' });
    expect(await people.tenant('acme').accounts.count()).toBe(0);
  });
});

describe('changing a user', () => {
  beforeEach(async () => {
    await people.users().add({ username: 'alice', email: 'alice@acme.example', password });
  });

  it('sets a password that works at once, and ends the sessions begun until then', async () => {
    const before = Math.floor(people.clock.now() / 1000);
    people.clock.advance(950);
    const changed = await people.users().setPassword('ALICE', 'another long password');
    expect(await signIn('alice')).toMatchObject({ ok: false });
    const outcome = await signIn('alice', 'another long password');
    if (!changed.ok || !outcome.ok) throw new Error('refused');
    expect(isSessionCurrent(changed.account, before)).toBe(false);
    expect(isSessionCurrent(changed.account, outcome.signedInAt)).toBe(true);
  });

  it('lifts the throttle with a new password', async () => {
    for (let round = 0; round < 12; round += 1) await signIn('alice', 'wrong');
    await people.users().setPassword('alice', 'another long password');
    expect(await signIn('alice', 'another long password')).toMatchObject({ ok: true });
  });

  it('lifts the throttle of a name that is like others', async () => {
    await people.users().add({ username: 'álvaro', password: 'another long password' });
    for (let round = 0; round < 12; round += 1) await signIn('álvaro', 'wrong');
    await people.users().setPassword('álvaro', 'one more long password');
    expect(await signIn('álvaro', 'one more long password')).toMatchObject({ ok: true });
  });

  it('gives a person of a source a password of their own, and the source still fills the account', async () => {
    const corp = createScriptedSource('corp', { adopt: 'keep' });
    corp.people.set('eve', { subject: 'e-1', password: 'at the source', username: 'eve', groups: ['ops'] });
    const accounts = people.accountsOf(['local', corp.connector]);
    const signInAs = (password: string) =>
      accounts.signIn({ login: 'eve', password, address: '192.0.2.1', via: 'page' });
    await signInAs('at the source');
    await people.users().setPassword('eve', 'another long password');
    expect(await signInAs('another long password')).toMatchObject({ ok: true, source: 'local' });
    corp.people.set('eve', { subject: 'e-1', password: 'at the source', username: 'eve' });
    await accounts.admit(await corp.identityOf('eve'), { address: '192.0.2.1', via: 'upstream' });
    expect(await people.tenant('acme').accounts.findByLogin('eve')).toMatchObject({ groups: [] });
    expect(await signInAs('another long password')).toMatchObject({ ok: true, source: 'local' });
  });

  it('refuses one of words of the person or the tenant', async () => {
    const user = { username: 'bob', email: 'b.builder@mailhost.example', claims: { name: 'Robert Fixit' } };
    const weak = { ok: false, reason: 'password' };
    for (const guess of ['Fixit-Fixit-Fixit-1', 'builder.mailhost.24', 'acme acme acme acme 1'])
      expect(await people.users().add({ ...user, password: guess })).toMatchObject(weak);
    expect(await people.users().add({ ...user, password })).toMatchObject({ ok: true });
    expect(await people.users().setPassword('bob', 'Fixit-Fixit-Fixit-1')).toMatchObject(weak);
  });

  it('refuses a bad password and keeps the old one', async () => {
    expect(await people.users().setPassword('alice', 'short')).toMatchObject({
      ok: false,
      reason: 'password',
    });
    expect(await signIn('alice')).toMatchObject({ ok: true });
  });

  it('finds people of sources, who have no name here, by their sub, and lifts a source\u2019s lock', async () => {
    const { accounts } = people.tenant('acme');
    const account = { username: 'eve', claims: {}, groups: [], roles: [], origin: 'source' } as const;
    const times = { createdAt: 1, updatedAt: 1, version: 1 };
    await accounts.insert({
      ...account,
      ...times,
      sub: 'sub-of-eve',
      logins: [],
      lockedAt: 1,
      lockedBy: 'corp',
    });
    const enabled = await people.users().enable('sub-of-eve');
    expect(enabled.ok && enabled.account.lockedAt).toBeUndefined();
    expect(await people.users().disable('eve')).toMatchObject({ ok: false, reason: 'not_found' });
    expect(await people.users().disable('sub-of-eve')).toMatchObject({ ok: true });
  });

  it('disables and enables, and does not revive the sessions of before', async () => {
    const before = Math.floor(people.clock.now() / 1000);
    people.clock.advance(5000);
    expect(await people.users().disable('alice@acme.example')).toMatchObject({ ok: true });
    expect(await signIn('alice')).toMatchObject({ ok: false, reason: 'credentials' });
    const enabled = await people.users().enable('alice');
    expect(await signIn('alice')).toMatchObject({ ok: true });
    if (!enabled.ok) throw new Error('refused');
    expect(isSessionCurrent(enabled.account, before)).toBe(false);
  });

  it('finds who has a sub before who has it as a name', async () => {
    const users = people.users();
    const { sub = '' } = (await users.find('alice')) ?? {};
    expect(await users.add({ username: sub, password })).toMatchObject({ ok: true });
    expect(await users.find(sub)).toMatchObject({ username: 'alice' });
    await users.disable(sub);
    expect((await users.find('alice'))?.disabledAt).toBeDefined();
    expect(await users.find(sub.toUpperCase())).toMatchObject({ username: sub });
  });

  it('says so when there is no account of that name', async () => {
    const users = people.users();
    const missing = { ok: false, reason: 'not_found' };
    expect(await users.setPassword('bob', password)).toMatchObject(missing);
    expect(await users.disable('bob')).toMatchObject(missing);
    expect(await users.enable('\n')).toMatchObject(missing);
    expect(await users.find('bob')).toBeUndefined();
    expect(await people.users('globex').disable('alice')).toMatchObject(missing);
  });

  it('is recorded with who did it', async () => {
    await people.users().disable('alice');
    const actions = (await people.tenant('acme').audit.list({ limit: 10 })).map(({ action, actor }) => [
      action,
      actor,
    ]);
    expect(actions).toEqual(
      expect.arrayContaining([
        ['user.add', 'cli'],
        ['user.disable', 'cli'],
      ]),
    );
  });
});

describe('listing users', () => {
  it('goes through all of them, page by page', async () => {
    const users = people.users();
    for (let index = 0; index < 5; index += 1) await users.add({ username: `user${index}`, password });
    const first = await users.list({ limit: 3 });
    const rest = await users.list({ limit: 3, afterSub: first.at(-1)?.sub ?? '' });
    expect(new Set([...first, ...rest].map(({ username }) => username)).size).toBe(5);
  });
});

describe('editing a user', () => {
  const stored = async (login: string) => people.users().find(login);
  beforeEach(async () => {
    await people.users().add({
      username: 'alice',
      email: 'alice@acme.example',
      emailVerified: true,
      password,
      claims: { name: 'Alice', locale: 'en' },
      groups: ['staff'],
      roles: ['editor'],
    });
    await people.users().add({ username: 'bob', password });
  });

  it('changes what is said, and nothing else', async () => {
    const edited = await people
      .users()
      .edit('alice', { name: 'Alice Liddell', groups: ['staff', 'board', 'staff'] });
    expect(edited).toMatchObject({
      ok: true,
      account: {
        username: 'alice',
        email: 'alice@acme.example',
        emailVerified: true,
        claims: { name: 'Alice Liddell', locale: 'en' },
        groups: ['staff', 'board'],
        roles: ['editor'],
      },
    });
    expect(await signIn('alice')).toMatchObject({ ok: true });
  });

  it('lets them sign in by the new names alone, with an address that is not verified', async () => {
    await people.users().edit('alice', { username: 'Alicia', email: 'Alicia@acme.example' });
    expect(await stored('alicia')).toMatchObject({ username: 'Alicia', emailVerified: false });
    expect(await signIn('alicia')).toMatchObject({ ok: true });
    expect(await signIn('alicia@acme.example')).toMatchObject({ ok: true });
    for (const old of ['alice', 'alice@acme.example'])
      expect(await signIn(old)).toEqual({ ok: false, reason: 'credentials' });
  });

  it('removes name and address', async () => {
    await people.users().edit('alice', { name: null, email: null });
    const account = await stored('alice');
    expect(account).not.toHaveProperty('email');
    expect(account).not.toHaveProperty('emailVerified');
    expect(account).toMatchObject({ claims: { locale: 'en' }, logins: ['alice'] });
  });

  it.each([
    ['taken', 'alice', { username: 'Bob' }],
    ['taken', 'bob', { email: 'ALICE@acme.example' }],
    ['username', 'alice', { username: ' ' }],
    ['email', 'alice', { email: 'no address' }],
    ['email', 'bob', { emailVerified: true }],
    ['not_found', 'eve', { name: 'Eve' }],
  ])('is refused: %s', async (reason, login, edit) => {
    const before = await stored(login);
    expect(await people.users().edit(login, edit)).toMatchObject({ ok: false, reason });
    expect(await stored(login)).toEqual(before);
  });

  it('is refused with the name of the source that fills the account', async () => {
    const source = createScriptedSource('ldap');
    source.people.set('carol', { subject: 'c-1', password, username: 'carol' });
    await people.accountsOf([source.connector]).signIn({
      login: 'carol',
      password,
      address: '192.0.2.1',
      via: 'page',
    });
    const [carol] = (await people.users().list({ limit: 9 })).filter(({ origin }) => origin === 'source');
    expect(await people.users().edit(carol?.sub ?? '', { name: 'X' })).toMatchObject({
      ok: false,
      reason: 'owned',
      message: expect.stringContaining('the source ldap'),
    });
  });

  it('is recorded, with what was changed and no value', async () => {
    await people.users().edit('alice', { name: 'Secret Name', roles: [] });
    const [newest] = await people.tenant('acme').audit.list({ limit: 1 });
    expect(newest).toMatchObject({
      action: 'user.edit',
      actor: 'cli',
      outcome: 'success',
      reason: 'name roles',
    });
  });
});

describe('deleting a user', () => {
  it('leaves the sub in the audit record and nothing else, and the names are free', async () => {
    const added = await people.users().add({ username: 'alice', email: 'alice@acme.example', password });
    if (!added.ok) throw new Error(added.message);
    const { sub } = added.account;
    expect(await people.users().remove('alice@acme.example')).toMatchObject({ ok: true, account: { sub } });
    expect(await people.users().find('alice')).toBeUndefined();
    expect(await people.users().find(sub)).toBeUndefined();
    expect(await signIn('alice')).toEqual({ ok: false, reason: 'credentials' });
    const records = await people.tenant('acme').audit.list({ limit: 9 });
    const deleted = records.filter(({ action }) => action === 'user.delete');
    expect(deleted).toMatchObject([{ actor: 'cli', object: sub, outcome: 'success' }]);
    expect(JSON.stringify(deleted)).not.toContain('alice');
    expect(await people.users().add({ username: 'alice', password })).toMatchObject({ ok: true });
  });

  it('of whom there is none is refused', async () => {
    expect(await people.users().remove('eve')).toMatchObject({ ok: false, reason: 'not_found' });
  });
});
