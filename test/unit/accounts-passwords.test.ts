import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Accounts, PasswordAttempt } from '../../src/accounts/account-types.ts';
import { openPeople, type People, throttle } from '../support/people.ts';
import { createScriptedSource, type ScriptedSource } from '../support/scripted-source.ts';

const dayMs = 86_400_000;
let people: People;

beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const attempt = (login: string, password: string): PasswordAttempt => ({
  login,
  password,
  address: '192.0.2.1',
  via: 'page',
});
const signInAs = (accounts: Accounts, login: string, password: string) =>
  accounts.signIn(attempt(login, password));
const refused = { ok: false, reason: 'credentials' };
const sourceWith = (adopt: 'off' | 'keep' | 'takeover'): ScriptedSource => {
  const source = createScriptedSource('corp', { adopt });
  source.people.set('alice', {
    subject: 'a-1',
    password: 'pw',
    username: 'alice',
    email: 'alice@acme.example',
    emailVerified: true,
  });
  return source;
};
const accountOf = (login: string) => people.tenant('acme').accounts.findByLogin(login);

describe('adopted passwords', () => {
  it('are kept, however weak, and used once the source is out of the file', async () => {
    const corp = sourceWith('keep');
    const accounts = people.accountsOf([corp.connector, 'local']);
    expect(await signInAs(accounts, 'alice', 'pw')).toMatchObject({ ok: true, source: 'corp' });
    const alone = people.accountsOf(['local']);
    expect(await signInAs(alone, 'alice', 'wrong')).toEqual(refused);
    expect(await signInAs(alone, 'alice', 'pw')).toMatchObject({ ok: true, source: 'local' });
    expect(await signInAs(alone, 'alice@acme.example', 'pw')).toMatchObject({ ok: true });
    expect(await accountOf('alice')).toMatchObject({
      adoptedFrom: 'corp',
      adoptedAt: people.clock.now(),
      passwordHash: expect.stringMatching(/^\$argon2id\$/),
    });
  });

  it.each(['off', 'keep'] as const)('decide nothing while the source is in the file (%s)', async (adopt) => {
    await signInAs(people.accountsOf([sourceWith('keep').connector]), 'alice', 'pw');
    const corp = sourceWith(adopt);
    corp.people.set('alice', { subject: 'a-1', password: 'changed' });
    for (const order of [
      [corp.connector, 'local'],
      ['local', corp.connector],
    ] as const) {
      const accounts = people.accountsOf(order);
      expect(await signInAs(accounts, 'alice', 'pw')).toEqual(refused);
      expect(await signInAs(accounts, 'alice', 'changed')).toMatchObject({ ok: true, source: 'corp' });
      corp.isDown = true;
      await expect(signInAs(accounts, 'alice', 'pw')).rejects.toMatchObject({ code: 'unavailable' });
      corp.isDown = false;
    }
  });

  it('are not kept at all unless the tenant says so', async () => {
    await signInAs(people.accountsOf([sourceWith('off').connector]), 'alice', 'pw');
    expect(await accountOf('alice')).toBeUndefined();
    expect(people.hasher.computed.hash).toBe(0);
  });

  it('cost a hash a day, not one a sign-in', async () => {
    const corp = sourceWith('keep');
    const accounts = people.accountsOf([corp.connector]);
    for (let round = 0; round < 3; round += 1) await signInAs(accounts, 'alice', 'pw');
    expect(people.hasher.computed).toEqual({ hash: 1, compare: 0 });
    people.clock.advance(dayMs);
    corp.people.set('alice', { subject: 'a-1', password: 'changed' });
    await signInAs(accounts, 'alice', 'changed');
    expect(people.hasher.computed.hash).toBe(2);
    expect(await signInAs(people.accountsOf(['local']), 'alice', 'changed')).toMatchObject({ ok: true });
  });

  it('are never made of a wrong password, nor of one that the source does not let in', async () => {
    const corp = sourceWith('keep');
    const accounts = people.accountsOf([corp.connector]);
    await signInAs(accounts, 'alice', 'wrong');
    corp.people.set('alice', { subject: 'a-1', password: 'pw', refusal: 'password_expired' });
    await signInAs(accounts, 'alice', 'pw');
    expect(people.hasher.computed.hash).toBe(0);
  });

  it('take nobody’s name and nobody’s own password', async () => {
    const added = await people.users().add({ username: 'alice', password: 'lantern orbit mosaic' });
    const corp = sourceWith('keep');
    await signInAs(people.accountsOf([corp.connector, 'local']), 'alice', 'pw');
    const alone = people.accountsOf(['local']);
    expect(await signInAs(alone, 'alice', 'lantern orbit mosaic')).toMatchObject({
      account: { sub: added.ok ? added.account.sub : '' },
    });
    expect(await signInAs(alone, 'alice', 'pw')).toEqual(refused);
    expect(await signInAs(alone, 'alice@acme.example', 'pw')).toMatchObject({ ok: true });
  });

  it('leave the password of a local account alone that is connected to the source', async () => {
    const added = await people.users().add({ username: 'bob', password: 'lantern orbit mosaic' });
    const corp = sourceWith('keep');
    const accounts = people.accountsOf([corp.connector, 'local']);
    const identity = await corp.identityOf('alice');
    const sub = added.ok ? added.account.sub : '';
    await accounts.link(sub, identity, { address: '192.0.2.1', via: 'link' });
    expect(await signInAs(accounts, 'alice', 'pw')).toMatchObject({ ok: true, account: { sub } });
    expect(await signInAs(people.accountsOf(['local']), 'bob', 'lantern orbit mosaic')).toMatchObject({
      ok: true,
    });
  });

  it('go when the source is disconnected', async () => {
    const corp = sourceWith('keep');
    const club = createScriptedSource('club');
    club.people.set('ally', { subject: 'c-1', password: 'pw' });
    const accounts = people.accountsOf([corp.connector, club.connector, 'local']);
    await signInAs(accounts, 'alice', 'pw');
    const sub = (await accountOf('alice'))?.sub ?? '';
    const origin = { address: '192.0.2.1', via: 'link' } as const;
    expect(await accounts.unlink(sub, 'corp', origin)).toEqual({ ok: false, reason: 'last' });
    await accounts.link(sub, await club.identityOf('ally'), origin);
    await accounts.unlink(sub, 'corp', origin);
    expect(await signInAs(people.accountsOf(['local']), 'alice', 'pw')).toEqual(refused);
  });
});

describe('passwords that are taken over', () => {
  const takenOver = async (): Promise<ScriptedSource> => {
    await signInAs(people.accountsOf([sourceWith('takeover').connector, 'local']), 'alice', 'pw');
    return sourceWith('takeover');
  };

  it('are checked here, and the source is no longer asked', async () => {
    const corp = await takenOver();
    corp.people.set('alice', { subject: 'a-1', password: 'changed there' });
    const accounts = people.accountsOf([corp.connector, 'local']);
    expect(await signInAs(accounts, 'alice', 'pw')).toMatchObject({ ok: true, source: 'local' });
    expect(await signInAs(accounts, 'alice', 'changed there')).toEqual(refused);
    const account = await accountOf('alice');
    people.clock.advance(dayMs);
    if (account !== undefined) await accounts.recheck(account, 'always');
    expect(corp.asked).toMatchObject({ verify: 0, find: 0 });
  });

  it('do without the source, and people who are not over yet wait for it', async () => {
    const corp = await takenOver();
    corp.people.set('late', { subject: 'l-1', password: 'pw', username: 'late' });
    corp.isDown = true;
    const accounts = people.accountsOf([corp.connector, 'local']);
    expect(await signInAs(accounts, 'alice', 'pw')).toMatchObject({ ok: true });
    await expect(signInAs(accounts, 'late', 'pw')).rejects.toMatchObject({ code: 'unavailable' });
    corp.isDown = false;
    expect(await signInAs(accounts, 'late', 'pw')).toMatchObject({ ok: true, source: 'corp' });
    expect(await signInAs(accounts, 'late', 'pw')).toMatchObject({ ok: true, source: 'local' });
  });
});

describe('a person who changes a password', () => {
  let corp: ScriptedSource;
  let accounts: Accounts;
  const next = 'a new one';
  const change = (login: string, password: string, newPassword = next) =>
    accounts.changePassword({ ...attempt(login, password), newPassword });

  beforeEach(async () => {
    corp = sourceWith('keep');
    await people.users().add({ username: 'operator', password: 'lantern orbit mosaic' });
    accounts = people.accountsOf([corp.connector, 'local']);
  });

  it('does so at the source, is signed in, and all other sessions end', async () => {
    const first = await signInAs(accounts, 'alice', 'pw');
    const sub = first.ok ? first.account.sub : '';
    people.clock.advance(10_500);
    const outcome = await change('alice', 'pw');
    expect(outcome).toMatchObject({ ok: true, source: 'corp', account: { sub } });
    expect(people.ended).toEqual([`${sub} user.passwd`]);
    const notBefore = outcome.ok ? (outcome.account.notBefore ?? 0) : 0;
    expect(first.ok && first.signedInAt < notBefore).toBe(true);
    expect(outcome.ok && outcome.signedInAt >= notBefore).toBe(true);
    expect(await signInAs(accounts, 'alice', 'pw')).toEqual(refused);
    expect(await signInAs(accounts, 'alice', next)).toMatchObject({ ok: true });
    expect(await signInAs(people.accountsOf(['local']), 'alice', next)).toMatchObject({ ok: true });
    expect(await people.tenant('acme').audit.list({ limit: 10 })).toContainEqual(
      expect.objectContaining({ action: 'user.passwd', outcome: 'success', object: sub, reason: 'corp' }),
    );
  });

  it('changes only the own one, and before the second factor only one that its source no longer accepts', async () => {
    const first = await signInAs(accounts, 'alice', 'pw');
    const sub = first.ok ? first.account.sub : '';
    const operator = await signInAs(accounts, 'operator', 'lantern orbit mosaic');
    const asked = { ...attempt('alice', 'pw'), newPassword: next };
    const others = { ...asked, sub: operator.ok ? operator.account.sub : '' };
    expect(await accounts.changePassword(others)).toEqual({ ok: false, reason: 'credentials' });
    const local = { ...attempt('operator', 'lantern orbit mosaic'), newPassword: 'another mosaic in orbit' };
    expect(await accounts.changePassword({ ...local, sub })).toEqual({ ok: false, reason: 'credentials' });
    for (const good of [asked, local])
      expect(await accounts.changePassword({ ...good, isDemanded: true })).toEqual({
        ok: false,
        reason: 'not_offered',
      });
    expect(await signInAs(accounts, 'alice', 'pw')).toMatchObject({ ok: true });
    expect(await signInAs(accounts, 'operator', 'lantern orbit mosaic')).toMatchObject({ ok: true });
    expect(await accounts.changePassword({ ...asked, sub })).toMatchObject({ ok: true });
    corp.people.set('alice', { subject: 'a-1', password: next, refusal: 'password_expired' });
    const expired = { ...attempt('alice', next), newPassword: 'yet another one' };
    expect(await accounts.changePassword({ ...expired, isDemanded: true })).toMatchObject({ ok: true });
  });

  it('gets a mail about it at a verified address, once it is changed', async () => {
    const password = 'lantern orbit mosaic';
    const facts = { email: 'ruth@acme.example', emailVerified: true, claims: { locale: 'de' } };
    await people.users().add({ username: 'ruth', password, ...facts });
    await change('ruth', 'a wrong password', 'another mosaic in orbit');
    expect(people.mails).toEqual([]);
    expect(await change('ruth', password, 'another mosaic in orbit')).toMatchObject({ ok: true });
    expect(people.mails).toMatchObject([
      { kind: 'password_changed', to: 'ruth@acme.example', locale: 'de', values: { username: 'ruth' } },
    ]);
  });

  it.each(['password_change_required', 'password_expired'] as const)(
    'may, whose sign-in said %s',
    async (refusal) => {
      corp.people.set('alice', { subject: 'a-1', password: 'pw', refusal });
      expect(await change('alice', 'pw')).toMatchObject({ ok: true });
    },
  );

  it('is throttled as a sign-in is, by the same counters', async () => {
    for (let round = 0; round < throttle.account.points; round += 1) {
      expect(await change('alice', 'guess')).toEqual(refused);
    }
    expect(await change('alice', 'pw')).toMatchObject({ reason: 'throttled' });
    expect(await signInAs(accounts, 'alice', 'pw')).toMatchObject({ reason: 'throttled' });
    expect(corp.asked.change).toBe(0);
  });

  it('sees why the source refuses the new one, which is not counted as an attempt', async () => {
    corp.changeVerdict = { ok: false, reason: 'policy', message: 'Password is in history' };
    for (let round = 0; round < 2 * throttle.account.points; round += 1) {
      expect(await change('alice', 'pw')).toEqual({
        ok: false,
        reason: 'policy',
        message: 'Password is in history',
      });
    }
    expect(people.ended).toEqual([]);
  });

  it.each(['', 'x\0'])('cannot choose %j, and the source hears nothing of it', async (newPassword) => {
    expect(await change('alice', 'pw', newPassword)).toMatchObject({ ok: false, reason: 'policy' });
    expect(corp.asked).toMatchObject({ verify: 0, change: 0 });
  });

  it('hears that it is not offered only with the right password', async () => {
    const fixed = createScriptedSource('fixed', {}, { change: false });
    fixed.people.set('fred', { subject: 'f-1', password: 'pw', username: 'fred' });
    accounts = people.accountsOf([corp.connector, fixed.connector, 'local']);
    expect(await change('fred', 'wrong')).toEqual(refused);
    expect(await change('fred', 'pw')).toEqual({ ok: false, reason: 'not_offered' });
    expect(await change('nobody', 'x')).toEqual(refused);
  });

  it('is let down by an outage as at a sign-in', async () => {
    corp.isDown = true;
    for (let round = 0; round < 2 * throttle.account.points; round += 1) {
      await expect(change('alice', 'pw')).rejects.toMatchObject({ code: 'unavailable' });
    }
    corp.isDown = false;
    expect(await change('alice', 'pw')).toMatchObject({ ok: true });
  });

  it('has neither password in a record or the log', async () => {
    await change('alice', 'pw', 'tell-nobody-this');
    const records = JSON.stringify(await people.tenant('acme').audit.list({ limit: 100 }));
    expect(records + people.lines.join('')).not.toMatch(/tell-nobody-this|"pw"/);
  });
});
