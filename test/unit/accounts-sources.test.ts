import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Accounts, PasswordAttempt } from '../../src/accounts/account-types.ts';
import { openPeople, type People, throttle } from '../support/people.ts';
import { asDirectory, createScriptedSource, type ScriptedSource } from '../support/scripted-source.ts';

const local = 'lantern orbit mosaic';
let people: People;
let corp: ScriptedSource;
let partner: ScriptedSource;

beforeEach(async () => {
  people = await openPeople();
  await people.users().add({ username: 'operator', password: local });
  corp = createScriptedSource('corp');
  corp.people.set('alice', { subject: 'a-1', password: 'alice-corp', username: 'alice' });
  partner = createScriptedSource('partner');
  partner.people.set('bob', { subject: 'b-1', password: 'bob-partner', username: 'bob' });
});
afterEach(() => people.close());

const attempt = (changes: Partial<PasswordAttempt> = {}): PasswordAttempt => ({
  login: 'alice',
  password: 'alice-corp',
  address: '192.0.2.1',
  via: 'page',
  ...changes,
});

const refused = { ok: false, reason: 'credentials' };
const signInAs = (accounts: Accounts, login: string, password: string) =>
  accounts.signIn(attempt({ login, password }));
const namesOfAlice = ['alice', 'alice@suffix.example', 'a.liddell@mail.example'];
const knowAliceByAllNames = (): void => {
  for (const name of namesOfAlice) corp.people.set(name, { subject: 'a-1', password: 'alice-corp' });
};
const audited = async () => [...(await people.tenant('acme').audit.list({ limit: 500 }))].reverse();
const reasons = async () => (await audited()).map(({ reason }) => reason);

describe('a chain of sources', () => {
  it('accepts people of each of them and says which one it was', async () => {
    const accounts = people.accountsOf([corp.connector, partner.connector, 'local']);
    expect(await signInAs(accounts, 'alice', 'alice-corp')).toMatchObject({
      ok: true,
      source: 'corp',
      amr: ['pwd'],
      account: { username: 'alice', origin: 'source' },
    });
    expect(await signInAs(accounts, 'bob', 'bob-partner')).toMatchObject({ ok: true, source: 'partner' });
    expect(await signInAs(accounts, 'operator', local)).toMatchObject({ ok: true, source: 'local' });
  });

  it('gets a name without the invisible characters that were copied with it', async () => {
    const accounts = people.accountsOf([corp.connector]);
    expect(await signInAs(accounts, '\u200Balice\u00AD ', 'alice-corp')).toMatchObject({ ok: true });
    expect(await signInAs(accounts, 'al\u200Bice', 'alice-corp')).toEqual(refused);
  });

  it('sends a password to no source behind the one that knows the person', async () => {
    const accounts = people.accountsOf([corp.connector, partner.connector]);
    partner.people.set('alice', { subject: 'x', password: 'guess' });
    expect(await signInAs(accounts, 'alice', 'guess')).toEqual(refused);
    expect(partner.asked).toMatchObject({ verify: 0, decoy: 1 });
  });

  it.each(['first', 'last'])('costs one hash for any name, with the local list %s', async (place) => {
    const accounts = people.accountsOf(
      place === 'first' ? ['local', corp.connector] : [corp.connector, 'local'],
    );
    for (const login of ['alice', 'operator', 'nobody']) {
      const before = { ...corp.asked, hashes: people.hasher.computed.compare };
      expect(await signInAs(accounts, login, 'wrong')).toEqual(refused);
      expect(people.hasher.computed.compare - before.hashes).toBe(1);
      expect(corp.asked.verify + corp.asked.decoy - before.verify - before.decoy).toBe(1);
    }
  });

  it('refuses disabled local people after the time that everybody takes', async () => {
    await people.users().disable('operator');
    const accounts = people.accountsOf(['local', corp.connector]);
    expect(await signInAs(accounts, 'operator', local)).toEqual(refused);
    expect(corp.asked).toMatchObject({ verify: 0, decoy: 1 });
  });

  it('never hands an empty password or one with NUL to a source', async () => {
    const accounts = people.accountsOf([corp.connector]);
    for (const password of ['', '\0', 'x\0']) {
      expect(await signInAs(accounts, 'alice', password)).toEqual(refused);
    }
    expect(corp.asked.verify).toBe(0);
  });

  it('counts guesses at people of a source as it counts all', async () => {
    const accounts = people.accountsOf([corp.connector]);
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, () => signInAs(accounts, 'alice', 'wrong')),
    );
    expect(outcomes.filter((outcome) => !outcome.ok && outcome.reason === 'throttled')).toHaveLength(50);
    expect(corp.asked.verify).toBe(throttle.account.points);
  });

  it('counts as one all names that a source takes for one account, but no name of a local one', async () => {
    const { passwords } = corp.connector;
    const nameFor = (login: string) => login.replace(/^.*\\|@corp\.example$/g, '');
    const connector = {
      ...corp.connector,
      ...(passwords === undefined ? {} : { passwords: { ...passwords, nameFor } }),
    };
    const accounts = people.accountsOf([connector, 'local']);
    await people.users().add({ username: 'bob@corp.example', password: local });
    const names = ['alice', 'CORP\\alice', 'alice@corp.example', 'x\\Alice', 'y\uFF3Calice'];
    let last: unknown;
    for (let at = 0; at < throttle.account.points + 1; at += 1)
      last = await signInAs(accounts, names[at % names.length] ?? '', 'wrong');
    expect(last).toMatchObject({ reason: 'throttled' });
    for (let at = 0; at < throttle.account.points; at += 1) await signInAs(accounts, 'bob', 'wrong');
    expect(await signInAs(accounts, 'bob@corp.example', local)).toMatchObject({ ok: true, source: 'local' });
  });

  it('counts as one all names with which a directory finds one person, before it says what came of it', async () => {
    const accounts = people.accountsOf([asDirectory(corp)]);
    knowAliceByAllNames();
    corp.people.set('bob@suffix.example', { subject: 'b-1', password: 'bob-corp' });
    const signInAt = (address: string, login: string, password: string) =>
      accounts.signIn(attempt({ login, password, address }));
    expect(await signInAt('192.0.2.7', 'alice', 'alice-corp')).toMatchObject({ ok: true });
    for (let one = 0; one < throttle.account.points; one += 1)
      await signInAt('192.0.2.9', namesOfAlice[one % 3] ?? '', 'wrong');

    for (const name of namesOfAlice) expect(await signInAt('192.0.2.9', name, 'alice-corp')).toEqual(refused);
    expect((await reasons()).at(-1)).toBe('corp: throttled_account');
    expect(await signInAs(accounts, 'bob@suffix.example', 'bob-corp')).toMatchObject({ ok: true });
    // where she has signed in before she has a limit of her own
    expect(await signInAt('192.0.2.7', 'alice', 'alice-corp')).toMatchObject({ ok: true });
    expect(await signInAt('192.0.2.9', 'alice@suffix.example', 'alice-corp')).toMatchObject({ ok: true });
  });

  it.each(['enable', 'setPassword'] as const)(
    'lifts the limit of a person whom a directory finds by other names: %s',
    async (change) => {
      const accounts = people.accountsOf([asDirectory(corp)]);
      knowAliceByAllNames();
      const admitted = await signInAs(accounts, 'alice', 'alice-corp');
      if (!admitted.ok) throw new Error(admitted.reason);
      const signInAt = (login: string, password: string) =>
        accounts.signIn(attempt({ login, password, address: '192.0.2.9' }));
      for (let one = 0; one < throttle.account.points; one += 1)
        await signInAt(namesOfAlice[one % 3] ?? '', 'wrong');
      expect(await signInAt('alice', 'alice-corp')).toEqual(refused);
      await people.users()[change](admitted.account.sub, 'another long password');
      expect(await signInAt('alice', 'alice-corp')).toMatchObject({ ok: true });
    },
  );

  it('says in the audit record which source decided', async () => {
    const accounts = people.accountsOf([corp.connector, 'local']);
    const signedIn = await signInAs(accounts, 'alice', 'alice-corp');
    await signInAs(accounts, 'alice', 'wrong');
    await signInAs(accounts, 'operator', 'wrong');
    const [, success, , atLocal] = await audited(); // the first is the operator's making
    expect(success).toMatchObject({
      action: 'sign_in.page',
      outcome: 'success',
      object: signedIn.ok ? signedIn.account.sub : '',
      reason: 'corp',
    });
    expect((await reasons()).slice(2)).toEqual(['corp: wrong_password', 'wrong_password']);
    expect(atLocal).toMatchObject({ object: expect.any(String) });
  });
});

describe('what a source says of a right password', () => {
  it.each(['password_change_required', 'password_expired', 'account_disabled'] as const)(
    'is passed on: %s, and counts for nothing',
    async (refusal) => {
      corp.people.set('alice', { subject: 'a-1', password: 'alice-corp', refusal });
      const accounts = people.accountsOf([corp.connector]);
      for (let round = 0; round < throttle.account.points + 2; round += 1) {
        expect(await signInAs(accounts, 'alice', 'alice-corp')).toEqual({
          ok: false,
          reason: refusal,
          source: 'corp',
        });
      }
      expect(await signInAs(accounts, 'alice', 'wrong')).toEqual(refused);
    },
  );

  it.each([
    [false, refused],
    [true, { ok: false, reason: 'account_locked', source: 'corp' }],
  ])(
    'is kept to ourselves when it is a lock, unless the tenant reveals locks (%s)',
    async (revealLock, outcome) => {
      const source = createScriptedSource('corp', { revealLock });
      source.people.set('alice', { subject: 'a-1', password: 'x', refusal: 'account_locked' });
      const accounts = people.accountsOf([source.connector]);
      for (let round = 0; round < throttle.account.points; round += 1) {
        expect(await signInAs(accounts, 'alice', 'guess')).toEqual(outcome);
      }
      expect(await signInAs(accounts, 'alice', 'guess')).toMatchObject({ reason: 'throttled' });
    },
  );

  it('is a disabled account when an operator disabled it here', async () => {
    const accounts = people.accountsOf([corp.connector]);
    const first = await signInAs(accounts, 'alice', 'alice-corp');
    const sub = first.ok ? first.account.sub : '';
    await people.tenant('acme').accounts.update(sub, { disabledAt: 1 });
    expect(await signInAs(accounts, 'alice', 'alice-corp')).toEqual({
      ok: false,
      reason: 'account_disabled',
      source: 'corp',
    });
    expect(await signInAs(accounts, 'alice', 'wrong')).toEqual(refused);
  });
});

describe('a source that cannot be reached', () => {
  const unavailable = { name: 'AppError', code: 'unavailable', message: 'corp cannot be reached' };

  it('is never a wrong password and counts nothing, however often it is tried', async () => {
    const accounts = people.accountsOf([corp.connector, 'local']);
    corp.isDown = true;
    for (let round = 0; round < 3 * throttle.account.points; round += 1) {
      await expect(signInAs(accounts, 'alice', 'alice-corp')).rejects.toMatchObject(unavailable);
    }
    corp.isDown = false;
    expect(await signInAs(accounts, 'alice', 'alice-corp')).toMatchObject({ ok: true });
  });

  it('is asked once a sign-in', async () => {
    const accounts = people.accountsOf([corp.connector, 'local']);
    corp.isDown = true;
    await Promise.allSettled(Array.from({ length: 10 }, () => signInAs(accounts, 'alice', 'x')));
    expect(corp.asked).toMatchObject({ verify: 10, decoy: 0, find: 0 });
  });

  it('keeps people of other sources out of nothing', async () => {
    const accounts = people.accountsOf([corp.connector, partner.connector, 'local']);
    corp.isDown = true;
    expect(await signInAs(accounts, 'bob', 'bob-partner')).toMatchObject({ ok: true });
    expect(await signInAs(accounts, 'operator', local)).toMatchObject({ ok: true, source: 'local' });
    expect(people.lines.join('')).toContain('a source of people cannot be reached');
  });

  it('makes no hour for guessing at local accounts, and looks alike for all names', async () => {
    const accounts = people.accountsOf([corp.connector, 'local']);
    corp.isDown = true;
    for (let round = 0; round < throttle.account.points; round += 1) {
      await expect(signInAs(accounts, 'operator', 'guess')).rejects.toMatchObject(unavailable);
    }
    expect(await signInAs(accounts, 'operator', local)).toMatchObject({ reason: 'throttled' });
  });

  it('decides nothing when it comes behind the one that knows the person', async () => {
    const accounts = people.accountsOf(['local', corp.connector]);
    corp.isDown = true;
    expect(await signInAs(accounts, 'operator', 'wrong')).toEqual(refused);
    expect(await signInAs(accounts, 'operator', local)).toMatchObject({ ok: true });
  });

  it('is distinguished from a source that limits attempts, whose answer is passed on and not counted here', async () => {
    const accounts = people.accountsOf([corp.connector]);
    corp.retryAfterSeconds = 17;
    for (let round = 0; round < 2 * throttle.account.points; round += 1) {
      expect(await signInAs(accounts, 'alice', 'alice-corp')).toEqual({
        ok: false,
        reason: 'throttled',
        retryAfterSeconds: 17,
      });
    }
    corp.retryAfterSeconds = undefined;
    expect(await signInAs(accounts, 'alice', 'alice-corp')).toMatchObject({ ok: true });
  });
});

describe('the choice of sources', () => {
  const forClient = createScriptedSource('staff', { clients: ['intranet'] });
  const home = createScriptedSource(
    'home',
    { domains: ['home.example'] },
    { redirect: true, passwords: false },
  );
  const claimed = createScriptedSource('claimed', { domains: ['corp.example'] });
  const open = createScriptedSource('open');

  it('sends a name in a claimed domain to its source and the local list only', async () => {
    const accounts = people.accountsOf([open.connector, claimed.connector, 'local']);
    const before = people.hasher.computed.compare;
    await accounts.signIn(attempt({ login: 'Alice@CORP.example' }));
    expect([open.asked.verify, claimed.asked.verify]).toEqual([0, 1]);
    expect(people.hasher.computed.compare).toBe(before + 1);
    await accounts.signIn(attempt({ login: 'alice@elsewhere.example' }));
    expect([open.asked.verify, claimed.asked.verify]).toEqual([1, 1]);
    await accounts.signIn(attempt({ login: 'alice' }));
    expect([open.asked.verify, claimed.asked.verify]).toEqual([2, 2]);
  });

  it('shows the passwords of a claimed domain to no other source, whatever the client may use', async () => {
    const restricted = createScriptedSource('claimed', { domains: ['corp.example'], clients: ['intranet'] });
    const other = createScriptedSource('other');
    const accounts = people.accountsOf([restricted.connector, other.connector]);
    expect(await accounts.signIn(attempt({ login: 'a@corp.example', clientId: 'shop' }))).toEqual(refused);
    expect([restricted.asked.verify, other.asked.verify]).toEqual([0, 0]);
  });

  it('asks a source for certain clients for those only', async () => {
    forClient.people.set('zoe', { subject: 'z', password: 'zoe-staff' });
    const accounts = people.accountsOf([forClient.connector]);
    const asZoe = attempt({ login: 'zoe', password: 'zoe-staff' });
    expect(await accounts.signIn({ ...asZoe, clientId: 'shop' })).toEqual(refused);
    expect(await accounts.signIn(asZoe)).toEqual(refused);
    expect(await accounts.signIn({ ...asZoe, clientId: 'intranet' })).toMatchObject({ ok: true });
    expect(accounts.choose({ clientId: 'shop' })).toMatchObject({ passwords: false });
    expect(accounts.choose({ clientId: 'intranet' })).toMatchObject({ passwords: true });
  });

  it('finds the home of a domain, and says nothing about who is known', () => {
    const accounts = people.accountsOf([home.connector, 'local']);
    expect(accounts.choose({})).toEqual({
      passwords: true,
      redirects: [{ id: 'home', displayName: 'People of home' }],
      asksNameFirst: true,
    });
    for (const login of ['known@home.example', 'NOBODY@HOME.example', 'x@y@home.example']) {
      expect(accounts.choose({ login })).toMatchObject({ home: 'home' });
    }
    for (const login of ['a@elsewhere.example', 'a@sub.home.example', 'home.example', '@home.example', '']) {
      expect(accounts.choose({ login }).home).toBeUndefined();
    }
    expect(people.accountsOf(['local']).choose({})).toEqual({
      passwords: true,
      redirects: [],
      asksNameFirst: false,
    });
  });
});
