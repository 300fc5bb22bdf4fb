import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Accounts, PasswordAttempt, SignInOutcome } from '../../src/accounts/account-types.ts';
import { openPeople, type People } from '../support/people.ts';
import {
  createScriptedSource,
  type ScriptedPerson,
  type ScriptedSource,
} from '../support/scripted-source.ts';
import { eachStore } from '../support/stores.ts';

const local = 'lantern orbit mosaic';
const trusted = { trustedEmailDomains: ['acme.example'] };
const origin = { address: '192.0.2.1', via: 'upstream', clientId: 'web' } as const;
let people: People;
let corp: ScriptedSource;

beforeEach(async () => {
  people = await openPeople();
  corp = createScriptedSource('corp', trusted);
});
afterEach(() => people.close());

const attempt = (login: string, password: string): PasswordAttempt => ({
  login,
  password,
  address: '192.0.2.1',
  via: 'page',
});
const accountOf = (outcome: SignInOutcome) => {
  if (!outcome.ok) throw new Error(`refused: ${outcome.reason}`);
  return outcome.account;
};
const person = (changes: Partial<ScriptedPerson> = {}): ScriptedPerson => ({
  subject: 'a-1',
  password: 'pw',
  username: 'alice',
  email: 'alice@acme.example',
  emailVerified: true,
  ...changes,
});
const signInAs = async (accounts: Accounts, login: string, password = 'pw') =>
  accountOf(await accounts.signIn(attempt(login, password)));
const admitted = async (accounts: Accounts, source: ScriptedSource, login: string) =>
  accountOf((await accounts.admit(await source.identityOf(login), origin)) as SignInOutcome);
const stored = () => people.tenant('acme').accounts;
const actions = async () =>
  (await people.tenant('acme').audit.list({ limit: 500 })).map(({ action }) => action);

describe('the account of a person of a source', () => {
  it('is made at the first sign-in, with a subject of its own and no local name', async () => {
    corp.people.set('alice', person({ groups: ['staff'] }));
    const account = await signInAs(people.accountsOf([corp.connector]), 'alice');
    expect(account).toMatchObject({
      username: 'alice',
      email: 'alice@acme.example',
      emailVerified: true,
      groups: ['staff'],
      logins: [],
      origin: 'source',
    });
    expect(account.sub).not.toContain('a-1');
    expect(await stored().findBySub(account.sub)).toEqual(account);
    expect(account.passwordHash).toBeUndefined();
  });

  it('stays the same when everything but the subject changes, and follows the source', async () => {
    corp.people.set('alice', person());
    const accounts = people.accountsOf([corp.connector]);
    const before = await signInAs(accounts, 'alice');
    corp.people.delete('alice');
    corp.people.set('smith', person({ username: 'smith', email: 's@acme.example', groups: ['x'] }));
    const after = await signInAs(accounts, 'smith');
    expect(after).toMatchObject({
      sub: before.sub,
      username: 'smith',
      email: 's@acme.example',
      groups: ['x'],
    });
    expect(await stored().findBySub(before.sub)).toEqual(after);
    expect(await stored().count()).toBe(1);
  });

  it('is another one for another subject, source or issuer', async () => {
    const other = createScriptedSource('other');
    corp.people.set('alice', person({ emailVerified: false }));
    other.people.set('alice', person({ emailVerified: false }));
    const accounts = people.accountsOf([corp.connector, other.connector]);
    const identity = await corp.identityOf('alice');
    const all = [
      identity,
      { ...identity, subject: 'a-2' },
      { ...identity, issuer: 'https://one.example' },
      { ...identity, issuer: 'https://two.example' },
      await other.identityOf('alice'),
    ];
    for (const each of all) await accounts.admit(each, origin);
    for (const each of all) await accounts.admit(each, origin);
    expect(await stored().count()).toBe(5);
  });

  it('is not written at each sign-in, but again when it changed or half the re-check time is over', async () => {
    corp.people.set('alice', person({ groups: ['a', 'b'] }));
    const accounts = people.accountsOf([corp.connector]);
    const { version } = await signInAs(accounts, 'alice');
    corp.people.set('alice', person({ groups: ['b', 'a'] }));
    people.clock.advance(149_000);
    expect((await signInAs(accounts, 'alice')).version).toBe(version);
    people.clock.advance(1000);
    expect((await signInAs(accounts, 'alice')).version).toBe(version + 1);
    corp.people.set('alice', person({ groups: ['a'] }));
    expect(await signInAs(accounts, 'alice')).toMatchObject({ version: version + 2, groups: ['a'] });
  });

  it('takes no name over: a person with the name of a local user gets another account', async () => {
    await people.users().add({ username: 'admin', password: local, email: 'admin@acme.example' });
    corp.people.set('admin', person({ username: 'admin', email: 'admin@acme.example' }));
    const accounts = people.accountsOf(['local', corp.connector]);
    const mine = await stored().findByLogin('admin');
    const theirs = await admitted(accounts, corp, 'admin');
    expect(theirs.sub).not.toBe(mine?.sub);
    expect(await stored().findByLogin('admin')).toEqual(mine);
    expect(theirs.roles).toEqual([]);
  });

  it('is filled by the first source of the file that knows the person', async () => {
    const club = createScriptedSource('club', trusted);
    club.people.set('alice', person({ subject: 'c-1', username: 'ally', groups: ['chess'] }));
    corp.people.set('alice', person({ groups: ['staff'] }));
    const accounts = people.accountsOf([corp.connector, club.connector]);
    const first = await admitted(accounts, club, 'alice');
    expect(first).toMatchObject({ username: 'ally', groups: ['chess'] });
    expect(await admitted(accounts, corp, 'alice')).toMatchObject({
      sub: first.sub,
      username: 'alice',
      groups: ['staff'],
    });
    expect(await admitted(accounts, club, 'alice')).toMatchObject({ username: 'alice', groups: ['staff'] });
  });
});

describe('linking by e-mail', () => {
  const addLocal = (emailVerified: boolean) =>
    people.users().add({ username: 'alice', password: local, email: 'alice@acme.example', emailVerified });

  it('joins a verified address of a trusted source to the local account that has verified it', async () => {
    const added = await addLocal(true);
    corp.people.set('alice', person({ email: 'Alice@ACME.example', username: 'root', groups: ['admins'] }));
    const account = await admitted(people.accountsOf([corp.connector, 'local']), corp, 'alice');
    expect(account.sub).toBe(added.ok ? added.account.sub : '');
    expect(account).toMatchObject({ username: 'alice', groups: [], origin: 'local' });
    expect(await actions()).toContain('account.link');
    expect(await signInAs(people.accountsOf(['local', corp.connector]), 'alice', local)).toMatchObject({
      sub: account.sub,
    });
  });

  it.each<[string, boolean, Partial<ScriptedPerson>, readonly string[]]>([
    ['is not verified there', true, { emailVerified: false }, ['acme.example']],
    ['has no email_verified there', true, { emailVerified: undefined }, ['acme.example']],
    ['says "true" in words there', true, { emailVerified: 'true' }, ['acme.example']],
    ['is not verified here', false, {}, ['acme.example']],
    ['is in a domain the source is not trusted with', true, {}, ['other.example']],
    ['is in a sub-domain of a trusted one', true, { email: 'alice@x.acme.example' }, ['acme.example']],
    ['is two addresses', true, { email: 'alice@acme.example,x@acme.example' }, ['acme.example']],
  ])('joins nothing when the address %s', async (_name, here, there, domains) => {
    await addLocal(here);
    const source = createScriptedSource('corp', { trustedEmailDomains: domains });
    source.people.set('alice', person(there));
    const account = await admitted(people.accountsOf([source.connector, 'local']), source, 'alice');
    expect(account.origin).toBe('source');
    expect(await stored().count()).toBe(2);
  });

  it('joins people of two trusted sources, in either order, and not of one that is not', async () => {
    const club = createScriptedSource('club', trusted);
    const street = createScriptedSource('street');
    for (const source of [corp, club, street]) source.people.set('alice', person({ subject: 's' }));
    const accounts = people.accountsOf([street.connector, corp.connector, club.connector]);
    const stranger = await admitted(accounts, street, 'alice');
    const one = await admitted(accounts, corp, 'alice');
    const two = await admitted(accounts, club, 'alice');
    expect(two.sub).toBe(one.sub);
    expect(stranger.sub).not.toBe(one.sub);
    expect(two.identities).toHaveLength(2);
  });

  it('does not hand an account on with an address that the source gave to another person', async () => {
    corp.people.set('alice', person());
    const accounts = people.accountsOf([corp.connector]);
    const former = await admitted(accounts, corp, 'alice');
    corp.people.set('alice', person({ subject: 'a-2' }));
    const successor = await admitted(accounts, corp, 'alice');
    expect(successor.sub).not.toBe(former.sub);
    expect((await admitted(accounts, corp, 'alice')).version).toBe(successor.version);
  });

  it('takes a name that a source without trust brought along for nobody’s address', async () => {
    const street = createScriptedSource('street', { adopt: 'keep' });
    const club = createScriptedSource('club', trusted);
    street.people.set('mallory', person({ subject: 's' }));
    club.people.set('mallory', person({ subject: 'c', email: 'mallory@acme.example' }));
    corp.people.set('alice', person());
    const accounts = people.accountsOf([street.connector, club.connector, corp.connector, 'local']);
    // before the tenant had a source that it trusts with the domain
    const mallory = await signInAs(people.accountsOf([street.connector, 'local']), 'mallory');
    await accounts.link(mallory.sub, await club.identityOf('mallory'), { ...origin, via: 'link' });
    expect((await stored().findByLogin('alice@acme.example'))?.sub).toBe(mallory.sub);
    expect((await admitted(accounts, corp, 'alice')).sub).not.toBe(mallory.sub);
  });

  it('ends when the source is no longer trusted', async () => {
    const club = createScriptedSource('club', trusted);
    const distrusted = createScriptedSource('corp');
    corp.people.set('alice', person());
    club.people.set('alice', person({ subject: 'c' }));
    const former = await admitted(people.accountsOf([corp.connector, club.connector]), corp, 'alice');
    const later = await admitted(people.accountsOf([distrusted.connector, club.connector]), club, 'alice');
    expect(later.sub).not.toBe(former.sub);
  });

  it('does not bypass an operator who disabled the account', async () => {
    await addLocal(true);
    await people.users().disable('alice');
    corp.people.set('alice', person());
    const accounts = people.accountsOf([corp.connector, 'local']);
    expect(await accounts.admit(await corp.identityOf('alice'), origin)).toEqual({
      ok: false,
      reason: 'account_disabled',
    });
    expect(await stored().count()).toBe(1);
  });
});

describe('admitting a proven person', () => {
  it('refuses sources that are not in the file or not for the client, and leaves nothing behind', async () => {
    const staff = createScriptedSource('staff', { clients: ['intranet'] });
    staff.people.set('alice', person());
    const identity = await staff.identityOf('alice');
    const forbidden = { code: 'forbidden' };
    await expect(people.accountsOf(['local']).admit(identity, origin)).rejects.toMatchObject(forbidden);
    const accounts = people.accountsOf([staff.connector]);
    await expect(accounts.admit(identity, origin)).rejects.toMatchObject(forbidden);
    expect(await stored().count()).toBe(0);
    expect(await accounts.admit(identity, { ...origin, clientId: 'intranet' })).toMatchObject({ ok: true });
  });

  it('passes on how the person was proven, and writes it down', async () => {
    corp.people.set('alice', person());
    const identity = { ...(await corp.identityOf('alice')), amr: ['mfa'], acr: 'high' };
    const outcome = await people.accountsOf([corp.connector]).admit(identity, origin);
    expect(outcome).toMatchObject({ ok: true, source: 'corp', amr: ['mfa'], acr: 'high' });
    const [record] = await people.tenant('acme').audit.list({ limit: 1 });
    expect(record).toMatchObject({
      action: 'sign_in.upstream',
      outcome: 'success',
      object: accountOf(outcome as SignInOutcome).sub,
      reason: 'corp',
      clientId: 'web',
      address: '192.0.2.1',
    });
  });
});

describe('connecting sources to an account', () => {
  const byLink = { ...origin, via: 'link' } as const;
  let accounts: Accounts;
  let sub: string;

  beforeEach(async () => {
    accounts = people.accountsOf(['local', corp.connector]);
    const added = await people.users().add({ username: 'alice', password: local });
    sub = added.ok ? added.account.sub : '';
    corp.people.set('smith', person({ username: 'smith', emailVerified: false }));
  });

  it('makes both ways of signing in lead to it', async () => {
    expect(await accounts.link(sub, await corp.identityOf('smith'), byLink)).toMatchObject({ ok: true });
    expect((await signInAs(accounts, 'smith')).sub).toBe(sub);
    expect((await signInAs(accounts, 'alice', local)).sub).toBe(sub);
    expect(await accounts.link(sub, await corp.identityOf('smith'), byLink)).toMatchObject({ ok: true });
    expect((await actions()).filter((action) => action === 'account.link')).toHaveLength(1);
  });

  it('takes no identity from another account', async () => {
    const owner = await signInAs(accounts, 'smith');
    expect(await accounts.link(sub, await corp.identityOf('smith'), byLink)).toEqual({
      ok: false,
      reason: 'taken',
    });
    expect((await signInAs(accounts, 'smith')).sub).toBe(owner.sub);
  });

  it('is for people in good standing and sources in the file', async () => {
    const identity = await corp.identityOf('smith');
    const notFound = { ok: false, reason: 'not_found' };
    expect(await accounts.link('nobody', identity, byLink)).toEqual(notFound);
    expect(await people.accountsOf(['local']).link(sub, identity, byLink)).toEqual(notFound);
    await people.users().disable('alice');
    expect(await accounts.link(sub, identity, byLink)).toEqual(notFound);
  });

  it('is undone, and what was connected then is a stranger', async () => {
    await accounts.link(sub, await corp.identityOf('smith'), byLink);
    expect(await accounts.unlink(sub, 'corp', byLink)).toMatchObject({ ok: true });
    expect((await signInAs(accounts, 'smith')).sub).not.toBe(sub);
    expect(await accounts.unlink(sub, 'corp', byLink)).toEqual({ ok: false, reason: 'not_found' });
    expect(await actions()).toContain('account.unlink');
  });

  it('keeps the last way of signing in', async () => {
    const club = createScriptedSource('club');
    club.people.set('smith', person({ subject: 'c', emailVerified: false, groups: ['chess'] }));
    const both = people.accountsOf([club.connector, corp.connector]);
    const owner = await admitted(both, corp, 'smith');
    expect(await both.unlink(owner.sub, 'corp', byLink)).toEqual({ ok: false, reason: 'last' });
    await both.link(owner.sub, await club.identityOf('smith'), byLink);
    const unlinked = await both.unlink(owner.sub, 'club', byLink);
    expect(unlinked).toMatchObject({ ok: true, account: { groups: [], roles: [] } });
    expect(await both.unlink(owner.sub, 'corp', byLink)).toEqual({ ok: false, reason: 'last' });
    expect((await admitted(both, corp, 'smith')).sub).toBe(owner.sub);
  });

  it('keeps one of two that are disconnected at the same time', async () => {
    const club = createScriptedSource('club');
    club.people.set('smith', person({ subject: 'c', emailVerified: false }));
    const both = people.accountsOf([club.connector, corp.connector]);
    const owner = await admitted(both, corp, 'smith');
    await both.link(owner.sub, await club.identityOf('smith'), byLink);
    const outcomes = await Promise.all(['club', 'corp'].map((id) => both.unlink(owner.sub, id, byLink)));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(outcomes).toContainEqual({ ok: false, reason: 'last' });
    expect((await stored().findBySub(owner.sub))?.identities).toHaveLength(1);
    expect((await actions()).filter((action) => action === 'account.unlink')).toHaveLength(1);
  });
});

eachStore((store) => {
  describe('first sign-ins at the same time', () => {
    let shared: People;
    beforeEach(async () => {
      shared = await openPeople(store);
    });
    afterEach(() => shared.close());

    const proveAll = async (sources: readonly ScriptedSource[]): Promise<ReadonlySet<string>> => {
      const connectors = sources.map(({ connector }) => connector);
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const source = sources[index % sources.length] as ScriptedSource;
          return shared.accountsOf([...connectors, 'local']).admit(await source.identityOf('alice'), origin);
        }),
      );
      return new Set(outcomes.map((outcome) => accountOf(outcome as SignInOutcome).sub));
    };

    it('make one account', async () => {
      corp.people.set('alice', person({ emailVerified: false }));
      expect((await proveAll([corp])).size).toBe(1);
      expect(await shared.tenant('acme').accounts.count()).toBe(1);
    });

    it('make one account of people that two trusted sources say are one', async () => {
      const club = createScriptedSource('club', trusted);
      club.people.set('alice', person({ subject: 'c-1' }));
      corp.people.set('alice', person());
      expect((await proveAll([corp, club])).size).toBe(1);
      expect(await shared.tenant('acme').accounts.count()).toBe(1);
    });

    it('join one local account with the verified address', async () => {
      await shared.users().add({
        username: 'alice',
        password: local,
        email: 'alice@acme.example',
        emailVerified: true,
      });
      corp.people.set('alice', person());
      expect((await proveAll([corp])).size).toBe(1);
      expect(await shared.tenant('acme').accounts.count()).toBe(1);
    });
  });
});
