import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PasswordAttempt, SignInOutcome } from '../../src/accounts/account-types.ts';
import { createPasswordHasher } from '../../src/crypto/password-hasher.ts';
import { countingHasher, lightHashing, openPeople, type People, throttle } from '../support/people.ts';
import { createScriptedSource } from '../support/scripted-source.ts';

const password = 'lantern orbit mosaic';
let people: People;

beforeEach(async () => {
  people = await openPeople();
  await people.users().add({ username: 'alice', email: 'Alice@acme.example', password });
});
afterEach(() => people.close());

const attempt = (changes: Partial<PasswordAttempt> = {}): PasswordAttempt => ({
  login: 'alice',
  password,
  address: '192.0.2.1',
  via: 'page',
  ...changes,
});

const tryMany = (count: number, make: (index: number) => Partial<PasswordAttempt>) => {
  const accounts = people.accounts();
  return Promise.all(Array.from({ length: count }, (_, index) => accounts.signIn(attempt(make(index)))));
};

const countOf = (outcomes: readonly SignInOutcome[], reason: string): number =>
  outcomes.filter((outcome) => !outcome.ok && outcome.reason === reason).length;

const refused = { ok: false, reason: 'credentials' };

describe('a sign-in with a password', () => {
  it.each(['alice', 'ALICE', ' alice ', 'ａｌｉｃｅ', 'alice@acme.example', 'ALICE@ACME.EXAMPLE'])(
    'admits the person by %s',
    async (login) => {
      const outcome = await people.accounts().signIn(attempt({ login }));
      expect(outcome).toMatchObject({ ok: true, account: { username: 'alice' } });
    },
  );

  it('refuses a wrong password and an unknown user alike, at the cost of one hash each', async () => {
    const accounts = people.accounts();
    const before = people.hasher.computed.compare;
    expect(await accounts.signIn(attempt({ password: 'lantern orbit mosaiC' }))).toEqual(refused);
    expect(people.hasher.computed.compare).toBe(before + 1);
    expect(await accounts.signIn(attempt({ login: 'nobody' }))).toEqual(refused);
    expect(people.hasher.computed.compare).toBe(before + 2);
  });

  it('refuses disabled and locked people with the right password, at the cost of one hash', async () => {
    const accounts = people.accounts();
    const records = people.tenant('acme').accounts;
    const alice = await records.findByLogin('alice');
    for (const mark of ['disabledAt', 'lockedAt'] as const) {
      await records.update(alice?.sub ?? '', { [mark]: 1 });
      const before = people.hasher.computed.compare;
      expect(await accounts.signIn(attempt())).toEqual(refused);
      expect(people.hasher.computed.compare).toBe(before + 1);
      await records.update(alice?.sub ?? '', { [mark]: undefined });
    }
    expect(await accounts.signIn(attempt())).toMatchObject({ ok: true });
  });

  it('refuses people without a password, at the cost of one hash', async () => {
    const records = people.tenant('acme').accounts;
    const alice = await records.findByLogin('alice');
    await records.update(alice?.sub ?? '', { passwordHash: undefined });
    const before = people.hasher.computed.compare;
    expect(await people.accounts().signIn(attempt())).toEqual(refused);
    expect(people.hasher.computed.compare).toBe(before + 1);
  });

  it('knows no person of another tenant', async () => {
    expect(await people.accounts({ id: 'globex' }).signIn(attempt())).toEqual(refused);
  });

  it.each<[string, Partial<PasswordAttempt>]>([
    ['an empty password', { password: '' }],
    ['an overlong password', { password: 'x'.repeat(1025) }],
    ['a password with NUL', { password: `${password}\0` }],
    ['an empty name', { login: '  ' }],
    ['an overlong name', { login: 'a'.repeat(1_000_000) }],
    ['a name with a line break', { login: 'alice\nadmin' }],
  ])('refuses %s before anything is verified, and counts it by address', async (_name, changes) => {
    const accounts = people.accounts({
      throttle: { ...throttle, address: { points: 2, windowSeconds: 60 } },
    });
    expect(await accounts.signIn(attempt(changes))).toEqual(refused);
    expect(await accounts.signIn(attempt(changes))).toEqual(refused);
    expect(await accounts.signIn(attempt(changes))).toMatchObject({ reason: 'throttled' });
    expect(people.hasher.computed.compare).toBe(0);
  });

  it('dates the sign-in to its beginning, and never before the last password change', async () => {
    const begun = Math.floor(people.clock.now() / 1000);
    expect(await people.accounts().signIn(attempt())).toMatchObject({ signedInAt: begun });
    const records = people.tenant('acme').accounts;
    const alice = await records.findByLogin('alice');
    await records.update(alice?.sub ?? '', { notBefore: begun + 1 });
    expect(await people.accounts().signIn(attempt())).toMatchObject({ signedInAt: begun + 1 });
  });
});

describe('the throttle of sign-ins', () => {
  it('lets no more than the allowance of parallel guesses be verified', async () => {
    const outcomes = await tryMany(200, (index) => ({ password: `guess ${index}` }));
    expect(people.hasher.computed.compare).toBe(throttle.account.points);
    expect(countOf(outcomes, 'credentials')).toBe(throttle.account.points);
    expect(countOf(outcomes, 'throttled')).toBe(200 - throttle.account.points);
  });

  it('counts all spellings of a name as one', async () => {
    const spellings = ['Alice', 'ALICE', ' alice ', 'ａｌｉｃｅ', '\u2003alice'];
    const outcomes = await tryMany(60, (index) => ({
      login: spellings[index % spellings.length] ?? '',
      password: 'wrong',
      address: `198.51.100.${index}`,
    }));
    expect(countOf(outcomes, 'credentials')).toBe(throttle.account.points);
  });

  it('counts as one what directories take for one name', async () => {
    const spellings = (index: number) =>
      [
        `anna${' '.repeat(index + 1)}adler`,
        `a${'\u0301'.repeat(index)}nna adler`,
        `annaadler${'\ufe0f'.repeat(index)}`,
      ][index % 3] ?? '';
    const outcomes = await tryMany(30, (index) => ({ login: spellings(index), password: 'guess' }));
    expect(countOf(outcomes, 'credentials')).toBe(throttle.account.points);
    expect(countOf(outcomes, 'throttled')).toBe(30 - throttle.account.points);
  });

  it('is not lifted for a name by a sign-in under one that is like it', async () => {
    await people.users().add({ username: 'álice', password });
    const accounts = people.accounts();
    for (let round = 1; round < throttle.account.points; round += 1)
      await accounts.signIn(attempt({ password: 'guess' }));
    expect(await accounts.signIn(attempt({ login: 'álice' }))).toMatchObject({ ok: true });
    expect(await accounts.signIn(attempt({ password: 'guess' }))).toEqual(refused);
    expect(await accounts.signIn(attempt())).toMatchObject({ reason: 'throttled' });
  });

  it('counts unknown names as it counts known ones', async () => {
    const outcomes = await tryMany(30, () => ({ login: 'nobody' }));
    expect(countOf(outcomes, 'credentials')).toBe(throttle.account.points);
    expect(countOf(outcomes, 'throttled')).toBe(20);
  });

  it('refuses even the right password while it holds, says for how long, and ends by itself', async () => {
    await tryMany(10, () => ({ password: 'wrong' }));
    people.clock.advance(100_000);
    const accounts = people.accounts();
    expect(await accounts.signIn(attempt())).toEqual({
      ok: false,
      reason: 'throttled',
      retryAfterSeconds: 800,
    });
    people.clock.advance(800_000);
    expect(await accounts.signIn(attempt())).toMatchObject({ ok: true });
  });

  it('starts anew after a success', async () => {
    for (let round = 0; round < 3; round += 1) {
      const [last] = (await tryMany(9, () => ({ password: 'wrong' }))).slice(-1);
      expect(last).toEqual(refused);
      expect(await people.accounts().signIn(attempt())).toMatchObject({ ok: true });
    }
  });

  it('counts the addresses of one /64 as one, whatever names they try', async () => {
    const outcomes = await tryMany(400, (index) => ({
      login: `user${index}`,
      password: '',
      address: `2001:db8:0:7::${index.toString(16)}`,
    }));
    expect(countOf(outcomes, 'credentials')).toBe(throttle.address.points);
    const other = await people.accounts().signIn(attempt({ address: '2001:db8:0:8::1' }));
    expect(other).toMatchObject({ ok: true });
  });

  it('does not count what succeeds against the address', async () => {
    const accounts = people.accounts({
      throttle: { ...throttle, address: { points: 2, windowSeconds: 60 } },
    });
    for (let round = 0; round < 6; round += 1) {
      expect(await accounts.signIn(attempt())).toMatchObject({ ok: true });
    }
  });

  it('counts the user name and the e-mail address of one person together, and lets nobody see that', async () => {
    const guessBoth = async (...names: readonly string[]): Promise<readonly SignInOutcome[]> => {
      const outcomes: SignInOutcome[] = [];
      for (let index = 0; index < 24; index += 1) {
        const guess = { login: names[index % 2] ?? '', address: `198.51.100.${index}`, password: 'guess' };
        outcomes.push(await people.accounts().signIn(attempt(guess)));
      }
      return outcomes;
    };
    const before = people.hasher.computed.compare;
    const known = await guessBoth('alice', 'alice@acme.example');
    expect(countOf(known, 'credentials')).toBe(2 * throttle.account.points);
    // the later half was not compared with the password, though it cost as much
    expect(people.hasher.computed.compare - before).toBe(2 * throttle.account.points);
    expect(await guessBoth('nobody', 'nobody@acme.example')).toEqual(known);
    const reasons = (await people.tenant('acme').audit.list({ limit: 100 })).map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === 'wrong_password')).toHaveLength(throttle.account.points);
  });

  it('shows no person by names that are like one of two whose limit is used up', async () => {
    const flood = (login: string) =>
      tryMany(throttle.account.points, (index) => ({
        login: login.replace('@', `${' '.repeat(index)}@`),
        ...{ password: 'guess', address: `198.51.100.${index}` },
      }));
    const last = async (username: string) => {
      await flood(username);
      await flood(`${username}@acme.example`);
      return people.accounts().signIn(attempt({ login: `${username}@acme.example`, password: 'guess' }));
    };
    expect(await last('alice')).toEqual(await last('nobody'));
  });

  it('refuses the right password under the other name of a person whose names were guessed at', async () => {
    const guess = (index: number) => ({ password: 'guess', address: `198.51.100.${index}` });
    await tryMany(throttle.account.points, guess);
    const other = attempt({ login: 'alice@acme.example' });
    expect(await people.accounts().signIn(other)).toEqual(refused);
  });

  it('lets guesses at names like it keep out nobody, and shows in no answer whose name there is', async () => {
    await people.users().add({ username: 'müller', password });
    await people.users().add({ username: 'muller', password });
    const accounts = people.accounts();
    const guess = (login: string, index: number) =>
      accounts.signIn(attempt({ login, password: 'guess', address: `198.51.100.${index}` }));
    for (let index = 0; index < throttle.account.points; index += 1)
      expect(await guess(`mu${' '.repeat(index + 1)}ller`, index)).toEqual(refused);
    const costOf = async (login: string) => {
      const before = people.hasher.computed.compare;
      const outcome = await guess(login, 20);
      return { outcome, hashes: people.hasher.computed.compare - before };
    };
    const toStranger = await costOf('mu\u0300ller');
    expect(toStranger).toMatchObject({ outcome: { reason: 'throttled' }, hashes: 1 });
    expect(await costOf('müller')).toEqual(toStranger);
    expect(await accounts.signIn(attempt({ login: 'müller' }))).toMatchObject({ ok: true });
    expect(await accounts.signIn(attempt({ login: 'muller' }))).toMatchObject({ ok: true });
  });

  it('leaves accounts alone that a blocked address tries', async () => {
    const accounts = people.accounts({
      throttle: { ...throttle, address: { points: 1, windowSeconds: 60 } },
    });
    const guess = attempt({ password: 'wrong' });
    for (let round = 0; round < 20; round += 1) await accounts.signIn(guess);
    expect(await accounts.signIn(attempt({ address: '192.0.2.77' }))).toMatchObject({ ok: true });
  });

  it('is of one tenant alone', async () => {
    await tryMany(30, () => ({ password: 'wrong' }));
    await people.users('globex').add({ username: 'alice', password });
    expect(await people.accounts({ id: 'globex' }).signIn(attempt())).toMatchObject({ ok: true });
  });
});

describe('parameters that have risen', () => {
  const risen = () => countingHasher(createPasswordHasher({ ...lightHashing, iterations: 2 }));

  it('renew the hash at the next sign-in, once', async () => {
    const hasher = risen();
    const accounts = people.accounts({}, hasher);
    expect(await accounts.signIn(attempt())).toMatchObject({ ok: true });
    expect((await people.tenant('acme').accounts.findByLogin('alice'))?.passwordHash).toContain('t=2');
    expect(await accounts.signIn(attempt())).toMatchObject({ ok: true });
    expect(hasher.computed.hash).toBe(1);
  });

  it('accept a person whose hash cannot be renewed', async () => {
    const hasher = { ...risen(), hash: () => Promise.reject(new Error('out of memory')) };
    expect(await people.accounts({}, hasher).signIn(attempt())).toMatchObject({ ok: true });
  });

  it('never undo a password change that happens meanwhile', async () => {
    const inner = risen();
    const hasher = {
      ...inner,
      hash: async (tenant: string, text: string) => {
        await people.users().setPassword('alice', 'a new long password');
        return inner.hash(tenant, text);
      },
    };
    await people.accounts({}, hasher).signIn(attempt());
    expect(await people.accounts().signIn(attempt({ password: 'a new long password' }))).toMatchObject({
      ok: true,
    });
    expect(await people.accounts().signIn(attempt())).toEqual(refused);
  });
});

describe('somebody who signed in before', () => {
  const flood = (login = 'alice') =>
    tryMany(50, (index) => ({ login, password: 'guess', address: `198.51.100.${index}` }));
  const elsewhere = { address: '192.0.2.99' };

  it('signs in from the same address while strangers try the name, with either name', async () => {
    const accounts = people.accounts();
    expect(await accounts.signIn(attempt())).toMatchObject({ ok: true });
    await flood();
    expect(await accounts.signIn(attempt(elsewhere))).toMatchObject({ reason: 'throttled' });
    expect(await people.accounts().signIn(attempt())).toMatchObject({ ok: true });
    const byMail = attempt({ login: 'alice@acme.example', via: 'password_grant' });
    expect(await people.accounts().signIn(byMail)).toMatchObject({ ok: true });
    people.clock.advance(31 * 86_400_000);
    await flood();
    expect(await people.accounts().signIn(attempt())).toMatchObject({ reason: 'throttled' });
  });

  it('has no more than one limit there', async () => {
    const accounts = people.accounts();
    await accounts.signIn(attempt());
    await flood();
    const outcomes = await tryMany(30, () => ({ password: 'guess' }));
    expect(countOf(outcomes, 'credentials')).toBe(throttle.account.points);
    expect(await accounts.signIn(attempt())).toMatchObject({ reason: 'throttled' });
  });

  it('signs in in the same browser, from any address, with any of the names', async () => {
    const accounts = people.accounts();
    const first = await accounts.signIn(attempt());
    if (!first.ok) throw new Error('alice cannot sign in');
    const browser = accounts.rememberBrowser(first, { login: 'alice' });
    await flood();
    await flood('alice@acme.example');
    for (const login of ['alice', 'ALICE@acme.example'])
      expect(await people.accounts().signIn(attempt({ ...elsewhere, login, browser }))).toMatchObject({
        ok: true,
      });
    // also when all addresses of the company are one, and it is blocked
    await tryMany(400, (index) => ({ ...elsewhere, login: `user${index}`, password: '' }));
    expect(await accounts.signIn(attempt({ ...elsewhere, browser }))).toMatchObject({ ok: true });
    people.clock.advance(181 * 86_400_000);
    await flood();
    expect(await accounts.signIn(attempt({ ...elsewhere, browser }))).toMatchObject({ reason: 'throttled' });
  });

  it('has one limit in that browser, of which others know nothing', async () => {
    const accounts = people.accounts();
    const first = await accounts.signIn(attempt());
    if (!first.ok) throw new Error('alice cannot sign in');
    const browser = accounts.rememberBrowser(first, { login: 'alice' });
    const outcomes = await tryMany(30, () => ({ ...elsewhere, browser, password: 'guess' }));
    expect(countOf(outcomes, 'credentials')).toBe(throttle.account.points);
    expect(countOf(outcomes, 'throttled')).toBe(30 - throttle.account.points);
    expect(await accounts.signIn(attempt(elsewhere))).toMatchObject({ ok: true });
  });

  it('gives nobody a guess at another name, nor with a cookie that was changed or is of another tenant', async () => {
    await people.users().add({ username: 'mallory', password });
    await people.users('globex').add({ username: 'alice', password });
    const accounts = people.accounts();
    const cookieOf = async (login: string, of = accounts): Promise<string> => {
      const signedIn = await of.signIn(attempt({ login }));
      if (!signedIn.ok) throw new Error(`${login} cannot sign in`);
      return of.rememberBrowser(signedIn, { login });
    };
    const own = await cookieOf('alice');
    const ofMallory = await cookieOf('mallory');
    const ofOtherTenant = await cookieOf('alice', people.accounts({ id: 'globex' }));
    await flood();
    const [, , signature] = own.split('.');
    const changed = [
      own.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
      own.replace(`${signature}`, 'x'),
      `${own}x`,
    ];
    for (const browser of [ofMallory, ofOtherTenant, ...changed, '', '~', '....'])
      expect(await accounts.signIn(attempt({ ...elsewhere, browser }))).toMatchObject({
        reason: 'throttled',
      });
    expect(await accounts.signIn(attempt({ ...elsewhere, browser: own }))).toMatchObject({ ok: true });
  });

  it('is not known in the browser of who had the name before', async () => {
    const accounts = people.accounts();
    const first = await accounts.signIn(attempt());
    if (!first.ok) throw new Error('alice cannot sign in');
    const browser = accounts.rememberBrowser(first, { login: 'alice' });
    await people.users().edit('alice', { username: 'alicia' });
    for (const login of ['alice', 'alice@acme.example']) await flood(login);
    const atAddress = attempt({ ...elsewhere, login: 'alice@acme.example', browser });
    expect(await accounts.signIn(atAddress)).toMatchObject({ ok: true });
    expect(await accounts.signIn(attempt({ ...elsewhere, browser }))).toMatchObject({ reason: 'throttled' });
    await people.users().add({ username: 'alice', password });
    expect(await accounts.signIn(attempt({ ...elsewhere, browser }))).toMatchObject({ reason: 'throttled' });

    await people.users().remove('alicia');
    await people.users().add({ username: 'finn', email: 'alice@acme.example', password });
    await flood('alice@acme.example');
    expect(await accounts.signIn(atAddress)).toMatchObject({ reason: 'throttled' });
  });

  it('is known there as a person of a directory, whom no account is found for by the name', async () => {
    const directory = createScriptedSource('directory');
    directory.people.set('dora', { subject: 'd1', password, username: 'dora' });
    const accounts = people.accountsOf([directory.connector, 'local']);
    const login = 'dora';
    const first = await accounts.signIn(attempt({ login }));
    if (!first.ok) throw new Error('dora cannot sign in');
    const browser = accounts.rememberBrowser(first, { login });
    await flood(login);
    expect(await accounts.signIn(attempt({ ...elsewhere, login }))).toMatchObject({ reason: 'throttled' });
    expect(await accounts.signIn(attempt({ ...elsewhere, login, browser }))).toMatchObject({ ok: true });
  });

  it('shares the browser with a few others, whom the cookie does not name', async () => {
    const accounts = people.accounts();
    let browser = '';
    const names = ['alice', 'ben', 'cid', 'dora', 'eve', 'finn'];
    for (const name of names) {
      if (name !== 'alice') await people.users().add({ username: name, password });
      const signedIn = await accounts.signIn(attempt({ login: name }));
      if (!signedIn.ok) throw new Error(`${name} cannot sign in`);
      browser = accounts.rememberBrowser(signedIn, { login: name, browser });
    }
    expect(browser.length).toBeLessThan(1000);
    expect(browser).not.toMatch(/alice|finn/);
    for (const name of names) {
      await flood(name);
      const outcome = await accounts.signIn(attempt({ ...elsewhere, login: name, browser }));
      expect({ name, ok: outcome.ok }).toEqual({ name, ok: name !== 'alice' });
    }
  });
});

describe('the audit record of a sign-in', () => {
  const records = () => people.tenant('acme').audit.list({ limit: 500 });

  it('says who, from where, with which app, and why not', async () => {
    const accounts = people.accounts();
    await accounts.signIn(attempt({ via: 'password_grant', clientId: 'migrator', requestId: 'r1' }));
    people.clock.advance(1000);
    await accounts.signIn(attempt({ login: 'Nobody', password: 'wrong' }));
    const [failure, success] = await records();
    const sub = (await people.tenant('acme').accounts.findByLogin('alice'))?.sub;
    expect(success).toMatchObject({
      action: 'sign_in.password_grant',
      outcome: 'success',
      actor: sub,
      clientId: 'migrator',
      address: '192.0.2.1',
      requestId: 'r1',
    });
    expect(failure).toMatchObject({ outcome: 'failure', actor: 'Nobody', reason: 'unknown_login' });
  });

  it('does not say that the operator or another person has typed a wrong name', async () => {
    const { sub = '' } = (await people.tenant('acme').accounts.findByLogin('alice')) ?? {};
    const typed = ['cli', 'CLI', 'drawbridge', sub, `${sub} `, 'cliff'];
    for (const login of typed) await people.accounts().signIn(attempt({ login, password: 'wrong' }));
    const failures = (await records()).filter(({ action }) => action === 'sign_in.page');
    expect(failures.map(({ actor }) => actor).reverse()).toEqual([
      '"cli"',
      '"CLI"',
      '"drawbridge"',
      ...[`"${sub}"`, `"${sub}"`],
      'cliff',
    ]);
  });

  it('holds no password', async () => {
    await people.accounts().signIn(attempt());
    await people.accounts().signIn(attempt({ password: 'wrong but secret' }));
    expect(JSON.stringify(await records()) + people.lines.join('')).not.toMatch(
      /lantern|wrong but secret|argon2/,
    );
  });

  it('is written once a window for a flood', async () => {
    await tryMany(200, () => ({ password: 'wrong' }));
    const all = await records();
    expect(all.filter(({ reason }) => reason === 'throttled_account')).toHaveLength(1);
    expect(all.filter(({ reason }) => reason === 'wrong_password')).toHaveLength(10);
  });
});
