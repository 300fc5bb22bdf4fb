import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Accounts } from '../../src/accounts/account-types.ts';
import { isSessionCurrent, mayHoldTokens } from '../../src/accounts/standing.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { openPeople, type People } from '../support/people.ts';
import { createScriptedSource, type ScriptedSource } from '../support/scripted-source.ts';

const local = 'lantern orbit mosaic';
const minuteMs = 60_000;
const origin = { address: '192.0.2.1', via: 'upstream' } as const;
let people: People;
let corp: ScriptedSource;
let accounts: Accounts;
let sub: string;

beforeEach(async () => {
  people = await openPeople();
  corp = createScriptedSource('corp', { recheckSeconds: 300, degradedSeconds: 600 });
  corp.people.set('alice', {
    subject: 'a-1',
    password: 'pw',
    username: 'alice',
    groups: ['staff', 'admins'],
  });
  accounts = people.accountsOf([corp.connector, 'local']);
  sub = await admit(accounts, corp, 'alice');
});
afterEach(() => people.close());

const admit = async (into: Accounts, source: ScriptedSource, login: string): Promise<string> => {
  const outcome = await into.admit(await source.identityOf(login), origin);
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.account.sub;
};
const stored = async (): Promise<AccountRecord> => {
  const account = await people.tenant('acme').accounts.findBySub(sub);
  if (account === undefined) throw new Error('the account is gone');
  return account;
};
const recheck = async (when: 'due' | 'always' = 'due') => accounts.recheck(await stored(), when);
const change = (changes: object): void => {
  const alice = corp.people.get('alice');
  if (alice !== undefined) corp.people.set('alice', { ...alice, ...changes });
};

describe('a look at the source', () => {
  it('is taken when it is due, or asked for, and not before', async () => {
    people.clock.advance(5 * minuteMs - 1);
    await recheck();
    expect(corp.asked.find).toBe(0);
    people.clock.advance(1);
    await recheck();
    expect(corp.asked.find).toBe(1);
    await recheck();
    expect(corp.asked.find).toBe(1);
    await recheck('always');
    expect(corp.asked.find).toBe(2);
  });

  it('takes groups away and gives them, and writes it down', async () => {
    people.clock.advance(5 * minuteMs);
    change({ groups: ['staff', 'new'] });
    expect(await recheck()).toMatchObject({ groups: ['new', 'staff'] });
    expect(await stored()).toMatchObject({ groups: ['new', 'staff'] });
    expect(people.ended).toEqual([]);
  });

  it('costs local people nothing', async () => {
    await people.users().add({ username: 'operator', password: local });
    const operator = await people.tenant('acme').accounts.findByLogin('operator');
    people.clock.advance(60 * minuteMs);
    expect(await accounts.recheck(operator as AccountRecord, 'always')).toBe(operator);
    expect(corp.asked.find).toBe(0);
  });

  it('is one for all requests that wait for it', async () => {
    let release = (): void => undefined;
    corp.delay = new Promise((resolve) => {
      release = resolve;
    });
    const account = await stored();
    const all = Array.from({ length: 20 }, () => accounts.recheck(account, 'always'));
    release();
    expect(new Set((await Promise.all(all)).map(({ version }) => version)).size).toBe(1);
    expect(corp.asked.find).toBe(1);
  });
});

describe('a person whom the source has locked', () => {
  it('holds nothing while it lasts, loses nothing, and continues afterwards', async () => {
    const signedInAt = Math.floor(people.clock.now() / 1000);
    people.clock.advance(5 * minuteMs);
    change({ refusal: 'account_locked' });
    const locked = await recheck();
    expect(mayHoldTokens(locked)).toBe(false);
    expect(isSessionCurrent(locked, signedInAt)).toBe(true);
    expect(people.ended).toEqual([]);
    await recheck('always');
    const records = await people.tenant('acme').audit.list({ limit: 100 });
    expect(records.filter(({ action }) => action === 'account.source_locked')).toMatchObject([
      { actor: 'corp', object: sub },
    ]);
    change({ refusal: undefined });
    const open = await recheck('always');
    expect(mayHoldTokens(open)).toBe(true);
    expect(open.groups).toEqual(['admins', 'staff']);
  });
});

describe('a look-up that returns less than a sign-in', () => {
  it('leaves what it does not say as it was', async () => {
    corp.partly = { hasGroups: false };
    corp.people.set('alice', { subject: 'a-1', password: 'pw', username: 'renamed' });
    const account = await recheck('always');
    expect(account).toMatchObject({ username: 'alice', groups: ['admins', 'staff'] });
  });

  it('takes groups away that it does return', async () => {
    corp.partly = { hasGroups: true };
    change({ groups: [] });
    expect((await recheck('always')).groups).toEqual([]);
  });
});

describe('a person whom the source no longer knows', () => {
  it.each<[string, () => void, string]>([
    ['is absent', () => corp.people.delete('alice'), 'corp: absent'],
    ['is disabled', () => change({ refusal: 'account_disabled' }), 'corp: account_disabled'],
  ])('loses access here, once and with a record, who %s', async (_name, leave, reason) => {
    const signedInAt = Math.floor(people.clock.now() / 1000);
    people.clock.advance(5 * minuteMs);
    leave();
    const account = await recheck();
    expect(mayHoldTokens(account)).toBe(false);
    expect(isSessionCurrent(account, signedInAt)).toBe(false);
    expect(account).toMatchObject({ lockedBy: 'corp', groups: [] });
    expect(await stored()).toEqual(account);
    people.clock.advance(6 * minuteMs);
    await recheck();
    await recheck('always');
    expect(people.ended).toEqual([`${sub} account.source_gone`]);
    const records = await people.tenant('acme').audit.list({ limit: 100 });
    expect(records.filter(({ action }) => action === 'account.source_gone')).toMatchObject([
      { actor: 'corp', object: sub, reason },
    ]);
  });

  it('is asked for no more often than others', async () => {
    corp.people.delete('alice');
    await recheck('always');
    people.clock.advance(5 * minuteMs);
    await recheck();
    await recheck();
    expect(corp.asked.find).toBe(2);
  });

  it('is let in again when the source knows them again, with what it says then', async () => {
    change({ refusal: 'account_disabled' });
    await recheck('always');
    corp.people.set('alice', { subject: 'a-1', password: 'pw', username: 'alice', groups: ['returned'] });
    expect(await admit(accounts, corp, 'alice')).toBe(sub);
    const account = await stored();
    expect(mayHoldTokens(account)).toBe(true);
    expect(account.groups).toEqual(['returned']);
    expect(account.lockedBy).toBeUndefined();
  });

  it('stays out who was disabled by an operator, whatever the source says', async () => {
    await people.tenant('acme').accounts.update(sub, { disabledAt: 1, lockedAt: 1 });
    await recheck('always');
    expect(await accounts.admit(await corp.identityOf('alice'), origin)).toEqual({
      ok: false,
      reason: 'account_disabled',
    });
    expect(await stored()).toMatchObject({ disabledAt: 1, lockedAt: 1 });
  });

  it('stays locked whom an operator locked, though the source loses and finds them again', async () => {
    await people.tenant('acme').accounts.update(sub, { lockedAt: 1 });
    change({ refusal: 'account_disabled' });
    await recheck('always');
    corp.people.set('alice', { subject: 'a-1', password: 'pw', username: 'alice' });
    expect(mayHoldTokens(await recheck('always'))).toBe(false);
    expect(await stored()).toMatchObject({ lockedAt: 1 });
  });

  it('keeps what another source opens, but no session, and none of what the first one gave', async () => {
    const club = createScriptedSource('club', {}, { lookup: false });
    club.people.set('ally', { subject: 'c-1', password: 'pw', username: 'ally', groups: ['chess'] });
    accounts = people.accountsOf([corp.connector, club.connector]);
    await accounts.link(sub, await club.identityOf('ally'), { ...origin, via: 'link' });
    corp.people.delete('alice');
    const account = await recheck('always');
    expect(mayHoldTokens(account)).toBe(true);
    expect(account).toMatchObject({ groups: [], notBefore: expect.any(Number) });
    expect(people.ended).toHaveLength(1);
    await admit(accounts, club, 'ally');
    expect(await stored()).toMatchObject({ groups: ['chess'], username: 'ally' });
  });

  it('is locked once no source knows them any longer, and unlocked with the first that does', async () => {
    const club = createScriptedSource('club');
    club.people.set('ally', { subject: 'c-1', password: 'pw', username: 'ally', groups: ['chess'] });
    accounts = people.accountsOf([corp.connector, club.connector]);
    await accounts.link(sub, await club.identityOf('ally'), { ...origin, via: 'link' });
    corp.people.delete('alice');
    expect(await recheck('always')).toMatchObject({ groups: ['chess'] });
    club.people.delete('ally');
    expect(mayHoldTokens(await recheck('always'))).toBe(false);
    corp.people.set('alice', { subject: 'a-1', password: 'pw', username: 'alice' });
    expect(await admit(accounts, corp, 'alice')).toBe(sub);
    expect(mayHoldTokens(await stored())).toBe(true);
  });

  it('keeps a local account that an operator made', async () => {
    const added = await people.users().add({ username: 'bob', password: local, groups: ['local'] });
    sub = added.ok ? added.account.sub : '';
    corp.people.set('bob', { subject: 'b-1', password: 'pw' });
    await accounts.link(sub, await corp.identityOf('bob'), { ...origin, via: 'link' });
    corp.people.delete('bob');
    const account = await recheck('always');
    expect(mayHoldTokens(account)).toBe(true);
    expect(account).toMatchObject({ groups: ['local'] });
    expect(people.ended).toHaveLength(1);
  });

  it('is not taken for gone on the word of an older look than the last sign-in', async () => {
    let release = (): void => undefined;
    const before = await stored();
    people.clock.advance(5 * minuteMs);
    corp.delay = new Promise((resolve) => {
      release = resolve;
    });
    const alice = corp.people.get('alice');
    const flight = accounts.recheck(before, 'always');
    const identity = await corp.identityOf('alice');
    await accounts.admit(identity, origin);
    corp.people.delete('alice');
    release();
    expect(mayHoldTokens(await flight)).toBe(true);
    if (alice !== undefined) corp.people.set('alice', alice);
    expect(people.ended).toEqual([]);
  });
});

describe('a source that cannot be reached', () => {
  const unavailable = { code: 'unavailable' };

  it('takes nothing from anybody until the degraded time is over, and lets go on afterwards', async () => {
    corp.isDown = true;
    people.clock.advance(15 * minuteMs - 1);
    expect(await recheck()).toMatchObject({ groups: ['admins', 'staff'] });
    expect(await recheck('always')).toMatchObject({ groups: ['admins', 'staff'] });
    people.clock.advance(1);
    await expect(recheck()).rejects.toMatchObject(unavailable);
    await expect(recheck('always')).rejects.toMatchObject(unavailable);
    expect(mayHoldTokens(await stored())).toBe(true);
    expect(people.ended).toEqual([]);
    corp.isDown = false;
    expect(await recheck()).toMatchObject({ groups: ['admins', 'staff'] });
  });

  it('is asked once a request', async () => {
    corp.isDown = true;
    people.clock.advance(6 * minuteMs);
    await recheck();
    expect(corp.asked.find).toBe(1);
  });

  it('does not hold up each request, but is asked again soon, and at once for a refresh', async () => {
    corp.isDown = true;
    people.clock.advance(6 * minuteMs);
    for (let request = 0; request < 3; request += 1) await recheck();
    expect(corp.asked.find).toBe(1);
    await recheck('always');
    expect(corp.asked.find).toBe(2);
    people.clock.advance(11_000);
    await recheck();
    expect(corp.asked.find).toBe(3);
  });

  it('keeps out who was out already', async () => {
    corp.people.delete('alice');
    await recheck('always');
    corp.isDown = true;
    people.clock.advance(60 * minuteMs);
    expect(mayHoldTokens(await recheck())).toBe(false);
  });
});

describe('a source that cannot look people up, or is no longer in the file', () => {
  it('is not asked', async () => {
    const blind = createScriptedSource('corp', {}, { lookup: false });
    people.clock.advance(60 * minuteMs);
    const account = await stored();
    expect(await people.accountsOf([blind.connector]).recheck(account, 'always')).toBe(account);
    expect(await people.accountsOf(['local']).recheck(account, 'always')).toBe(account);
  });
});
