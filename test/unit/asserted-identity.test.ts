import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createFindAsserted } from '../../src/accounts/asserted-identity.ts';
import { createSecretGate } from '../../src/accounts/secret-gate.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { openPeople, type People, throttle } from '../support/people.ts';
import { createScriptedSource, type ScriptedPerson } from '../support/scripted-source.ts';

let people: People;

beforeEach(async () => {
  people = await openPeople();
  await people
    .users()
    .add({ username: 'alice', email: 'alice@acme.example', password: 'lantern orbit mosaic' });
});
afterEach(() => people.close());

const unnamed = { emailVerified: false, claims: {}, groups: [], roles: [] };

const accountOf = (sub: string): AccountRecord => ({
  sub,
  username: sub,
  logins: [],
  claims: {},
  groups: [],
  roles: [],
  origin: 'source',
  createdAt: 1,
  updatedAt: 1,
  version: 1,
});

const person = (subject: string, changes: Partial<ScriptedPerson> = {}): ScriptedPerson => ({
  subject,
  password: 'pw',
  username: 'bob',
  ...changes,
});

describe('a name that a trusted party says', () => {
  it.each(['alice', ' ALICE', 'alice@acme.example'])('leads from %j to the local account', async (name) => {
    expect(await people.accounts().findAsserted(name)).toMatchObject({ username: 'alice' });
  });

  it.each(['nobody', '', 'alice\nadmin', 'alice, bob', 'a'.repeat(300)])(
    'leads from %j to nobody',
    async (name) => {
      expect(await people.accounts().findAsserted(name)).toBeUndefined();
    },
  );

  it('finds no person of another tenant', async () => {
    expect(await people.accounts({ id: 'globex' }).findAsserted('alice')).toBeUndefined();
  });

  it.each(['disabledAt', 'lockedAt'] as const)('finds no person with a mark %s', async (mark) => {
    const { accounts } = people.tenant('acme');
    const alice = await accounts.findByLogin('alice');
    await accounts.update(alice?.sub ?? '', { [mark]: 1 });
    expect(await people.accounts().findAsserted('alice')).toBeUndefined();
  });

  it('never leads to a system user, but to the person of a source who has its name', async () => {
    await people.users().add({ username: 'ci', roles: ['deployer'], isSystem: true });
    expect(await people.accounts().findAsserted('ci')).toBeUndefined();
    const corp = createScriptedSource('corp');
    corp.people.set('ci', person('c-1', { username: 'ci' }));
    const named = await people.accountsOf(['local', corp.connector]).findAsserted('ci');
    expect(named).toMatchObject({ origin: 'source', roles: [] });
  });

  it('leads to a demo user only while the tenant is a demo', async () => {
    const users = [
      { username: 'demo', password: 'demo', emailVerified: false, claims: {}, groups: [], roles: [] },
    ];
    expect(await people.accounts({ demo: true, users }).findAsserted('demo')).toMatchObject({
      origin: 'demo',
    });
    expect(await people.accounts().findAsserted('demo')).toBeUndefined();
  });

  it('leads to the same account of a directory as a sign-in does, made when it is first named', async () => {
    const corp = createScriptedSource('corp');
    corp.people.set('bob', person('b-1', { groups: ['staff'] }));
    const accounts = people.accountsOf(['local', corp.connector]);
    const named = await accounts.findAsserted('Bob');
    expect(named).toMatchObject({ username: 'bob', groups: ['staff'], origin: 'source' });
    const signedIn = await accounts.signIn({
      login: 'bob',
      password: 'pw',
      address: '192.0.2.1',
      via: 'basic',
    });
    expect(signedIn).toMatchObject({ ok: true, account: { sub: named?.sub } });
  });

  it('asks a directory whose name it is once in the time of a re-check, and then again', async () => {
    const corp = createScriptedSource('corp');
    corp.people.set('bob', person('b-1'));
    const accounts = people.accountsOf([corp.connector]);
    const first = await accounts.findAsserted('bob');
    people.clock.advance(299_000);
    expect((await accounts.findAsserted('bob'))?.sub).toBe(first?.sub);
    expect(corp.asked.find).toBe(1);

    people.clock.advance(2000);
    corp.people.set('bob', person('b-2'));
    const second = await accounts.findAsserted('bob');
    expect(second?.sub).not.toBe(first?.sub);
    expect(second).toMatchObject({ identities: [{ subject: 'b-2' }] });
  });

  it('takes what a remembered person is now from the store', async () => {
    const corp = createScriptedSource('corp');
    corp.people.set('bob', person('b-1'));
    const accounts = people.accountsOf([corp.connector]);
    const bob = await accounts.findAsserted('bob');
    await people.tenant('acme').accounts.update(bob?.sub ?? '', { disabledAt: 1 });
    expect(await accounts.findAsserted('bob')).toBeUndefined();
  });

  it('finds no person whom the directory has disabled since the last sign-in, once that is due to be looked at', async () => {
    const corp = createScriptedSource('corp');
    const bob = person('b-1');
    corp.people.set('bob', bob);
    const accounts = people.accountsOf([corp.connector]);
    await accounts.signIn({ login: 'bob', password: 'pw', address: '192.0.2.1', via: 'basic' });
    people.clock.advance(100_000);
    expect(await accounts.findAsserted('bob')).toMatchObject({ username: 'bob' });
    bob.refusal = 'account_disabled';
    people.clock.advance(205_000);
    expect(await accounts.findAsserted('bob')).toBeUndefined();
  });

  it('finds no person whom the directory has disabled, and asks no other about that name', async () => {
    const corp = createScriptedSource('corp');
    const partner = createScriptedSource('partner');
    corp.people.set('bob', person('b-1', { refusal: 'account_disabled' }));
    partner.people.set('bob', person('p-1'));
    expect(await people.accountsOf([corp.connector, partner.connector]).findAsserted('bob')).toBeUndefined();
  });

  it('leads to a person again whom the directory had locked', async () => {
    const corp = createScriptedSource('corp');
    const bob = person('b-1');
    corp.people.set('bob', bob);
    const accounts = people.accountsOf([corp.connector]);
    const first = await accounts.findAsserted('bob');
    await people.tenant('acme').accounts.update(first?.sub ?? '', { lockedAt: 1, lockedBy: 'corp' });
    expect(await accounts.findAsserted('bob')).toBeUndefined();
    people.clock.advance(301_000);
    expect((await accounts.findAsserted('bob'))?.sub).toBe(first?.sub);
  });

  it('is remembered for 10,000 names; the one used least recently is asked about again', async () => {
    const corp = createScriptedSource('corp');
    const asked: string[] = [];
    const find = createFindAsserted({
      connectors: [
        {
          ...corp.connector,
          lookup: {
            find: async (wanted) => {
              const login = 'login' in wanted ? wanted.login : wanted.subject;
              asked.push(login);
              const profile = { ...unnamed, username: login };
              return { status: 'present', person: { source: 'corp', subject: login, profile, amr: [] } };
            },
          },
        },
      ],
      records: { findBySub: async (sub) => accountOf(sub) },
      resolver: { resolve: async ({ subject }) => accountOf(subject) },
      recheck: async (account) => account,
      isAdmitted: () => true,
      clock: people.clock,
    });
    for (let index = 0; index < 10_000; index += 1) await find(`person-${index}`);
    await find('person-0');
    expect(asked).toHaveLength(10_000);
    await find('one more');
    await find('person-0');
    expect(asked).toHaveLength(10_001);
    await find('person-1');
    expect(asked.at(-1)).toBe('person-1');
  });

  it('finds no person behind a directory that cannot be reached', async () => {
    const corp = createScriptedSource('corp');
    const partner = createScriptedSource('partner');
    partner.people.set('bob', person('p-1'));
    corp.isDown = true;
    const accounts = people.accountsOf(['local', corp.connector, partner.connector]);
    await expect(accounts.findAsserted('bob')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await accounts.findAsserted('alice')).toMatchObject({ username: 'alice' });
  });

  it('is not taken for the subject of an upstream', async () => {
    const corp = createScriptedSource('corp');
    corp.people.set('bob', person('b-1'));
    corp.partly = { hasGroups: true };
    expect(await people.accountsOf([corp.connector]).findAsserted('bob')).toBeUndefined();
  });
});

describe('the secret of a machine', () => {
  const action = 'gateway.proof' as const;
  const limited = () =>
    people.accounts({ throttle: { ...throttle, address: { points: 3, windowSeconds: 60 } } });
  const wrong = (address: string) => ({ isRight: false, action, address });
  const right = (address: string) => ({ isRight: true, action, address });

  it('is refused, right or wrong, from an address that was wrong too often, until the window ends', async () => {
    const accounts = limited();
    for (let guess = 0; guess < 3; guess += 1)
      expect(await accounts.judgeSecret(wrong('192.0.2.1'))).toEqual({ ok: false, reason: 'credentials' });
    const throttled = { ok: false, reason: 'throttled', retryAfterSeconds: 60 };
    expect(await accounts.judgeSecret(wrong('192.0.2.1'))).toEqual(throttled);
    expect(await accounts.judgeSecret(right('192.0.2.1'))).toEqual(throttled);
    expect(await accounts.judgeSecret(right('192.0.2.2'))).toEqual({ ok: true });
    people.clock.advance(60_000);
    expect(await accounts.judgeSecret(right('192.0.2.1'))).toEqual({ ok: true });
  });

  it('is refused by another process from its first wrong one on', async () => {
    const first = limited();
    for (let guess = 0; guess < 4; guess += 1) await first.judgeSecret(wrong('192.0.2.1'));
    const second = limited();
    expect(await second.judgeSecret(wrong('192.0.2.1'))).toMatchObject({ reason: 'throttled' });
    expect(await second.judgeSecret(right('192.0.2.1'))).toMatchObject({ reason: 'throttled' });
    const records = await people.tenant('acme').audit.list({ limit: 50 });
    expect(records.filter(({ reason }) => reason === 'throttled_address')).toHaveLength(1);
  });

  it('blocks 10,000 addresses without asking the store; beyond that the oldest is looked up again', async () => {
    const judge = createSecretGate({
      throttle: {
        spend: async () => ({ isAllowed: false, retryAfterSeconds: 60, count: 301, isFirstRefusal: false }),
      },
      limits: throttle,
      audit: people.audit('acme'),
      clock: people.clock,
    });
    const addressOf = (index: number): string => `10.0.${index >> 8}.${index & 255}`;
    for (let index = 0; index < 10_000; index += 1) await judge(wrong(addressOf(index)));
    expect(await judge(right(addressOf(0)))).toMatchObject({ reason: 'throttled' });
    await judge(wrong(addressOf(10_000)));
    expect(await judge(right(addressOf(0)))).toEqual({ ok: true });
    expect(await judge(right(addressOf(1)))).toMatchObject({ reason: 'throttled' });
  });

  it('leaves a record of each wrong one that counts, and one of all that do not', async () => {
    const accounts = limited();
    for (let guess = 0; guess < 8; guess += 1) await accounts.judgeSecret(wrong('192.0.2.1'));
    const reasons = (await people.tenant('acme').audit.list({ limit: 50 }))
      .filter((record) => record.action === action)
      .map(({ reason, address }) => `${reason} ${address}`);
    expect(reasons.sort()).toEqual([
      'throttled_address 192.0.2.1',
      ...Array<string>(3).fill('wrong_secret 192.0.2.1'),
    ]);
  });
});
