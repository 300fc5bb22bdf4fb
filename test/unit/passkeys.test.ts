import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Accounts } from '../../src/accounts/account-types.ts';
import { factorDemandOf, meetsAcr } from '../../src/accounts/factors/factor-demand.ts';
import { checkPasskeyHost, checkPasskeys } from '../../src/cli/doctor/check-passkeys.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { type Authenticator, createAuthenticator } from '../support/authenticator.ts';
import { openPeople, type People, secondFactor } from '../support/people.ts';
import { createScriptedSource } from '../support/scripted-source.ts';
import { eachStore } from '../support/stores.ts';

const place = { address: '192.0.2.7' };
const browser = 'a page in a browser';
const minute = 60_000;
let people: People;
beforeAll(async () => {
  people = await openPeople();
});
afterAll(() => people.close());

const newKey = (): Authenticator => createAuthenticator({ origin: 'https://login.example' });

const withPasskey = async ({ factors }: Accounts, account: AccountRecord): Promise<Authenticator> => {
  const key = newKey();
  const answer = JSON.parse(key.create(await factors.passkeys.askForNew(account, browser)));
  const added = await factors.passkeys.add(account, { answer, browser, name: '' }, place);
  expect(added).toMatchObject({ ok: true, proof: { acr: 'phr' } });
  return key;
};

const alone = async (accounts: Accounts, key: Authenticator, clientId?: string) => {
  const answer = JSON.parse(key.get(await accounts.factors.passkeys.ask(browser)));
  return accounts.signInWithPasskey({
    answer,
    browser,
    ...place,
    ...(clientId === undefined ? {} : { clientId }),
  });
};
const refused = { ok: false, reason: 'passkey' };

const lastReason = async (): Promise<string | undefined> =>
  (await people.tenant('acme').audit.list({ limit: 1 }))[0]?.reason;

const addLocal = async (username: string, into = people): Promise<AccountRecord> => {
  const added = await into.users().add({ username, password: 'correct horse battery' });
  if (!added.ok) throw new Error(added.message);
  return added.account;
};

eachStore((store) => {
  it('answers each challenge once, of twenty callers at two instances, and without a hash', async () => {
    const own = await openPeople(store);
    try {
      const instances = [own.accounts(), own.accounts()] as const;
      const key = await withPasskey(instances[0], await addLocal('raced', own));
      const answer = JSON.parse(key.get(await instances[0].factors.passkeys.ask(browser)));
      const before = { ...own.hasher.computed };
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, call) =>
          (call % 2 === 0 ? instances[0] : instances[1]).signInWithPasskey({ answer, browser, ...place }),
        ),
      );
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
      expect(outcomes.filter(({ ok }) => !ok)).toEqual(Array.from({ length: 19 }, () => refused));
      expect(own.hasher.computed).toEqual(before);
      expect(await alone(instances[1], key)).toMatchObject({ ok: true, acr: 'phr' });
    } finally {
      await own.close();
    }
  });
});

describe('a passkey', () => {
  it('of another host is not asked for, and the codes still are', async () => {
    const accounts = people.accounts();
    const account = await addLocal('moved');
    const key = await withPasskey(accounts, account);
    const { accounts: records } = people.tenant('acme');
    const { factors = [] } = (await records.findBySub(account.sub)) ?? {};
    await records.update(account.sub, {
      factors: factors.map((one) => (one.type === 'passkey' ? { ...one, rpId: 'old.example' } : one)),
    });
    const moved = await records.findBySub(account.sub);
    if (moved === undefined) throw new Error('no account');
    expect(await accounts.factors.passkeys.askFor(moved, browser)).toBeUndefined();
    expect(await alone(accounts, key)).toEqual(refused);
    expect(accounts.factors.demandOf({ account: moved })).toBe('factor');
    await people.storage.purgeAccount('acme', account.sub);
  });

  it('answers within half an hour, for the same page, and for one purpose', async () => {
    const accounts = people.accounts();
    const account = await addLocal('slow');
    const key = await withPasskey(accounts, account);
    const { passkeys } = accounts.factors;
    const answer = JSON.parse(key.get(await passkeys.ask(browser)));
    expect(await accounts.signInWithPasskey({ answer, browser: 'another page', ...place })).toEqual(refused);
    expect(await lastReason()).toBe('passkey_challenge');
    const found = await people.tenant('acme').accounts.findBySub(account.sub);
    if (found === undefined) throw new Error('no account');
    expect(await passkeys.verify(found, { answer, browser }, place)).toMatchObject({ ok: false });
    people.clock.advance(30 * minute);
    expect(await accounts.signInWithPasskey({ answer, browser, ...place })).toEqual(refused);
    const stale = newKey().create(await passkeys.askForNew(account, browser));
    people.clock.advance(30 * minute);
    expect(await passkeys.add(account, { answer: JSON.parse(stale), browser, name: '' }, place)).toEqual({
      ok: false,
      reason: 'expired',
    });
  });

  it('is not enough alone where the tenant says so', async () => {
    const accounts = people.accounts({ secondFactor: { ...secondFactor, passwordless: false } });
    const key = await withPasskey(accounts, await addLocal('careful'));
    expect(await alone(accounts, key)).toEqual(refused);
    expect(await lastReason()).toBe('not_offered');
  });

  it('is reported by doctor when it was made for another host', async () => {
    const { accounts } = people.tenant('acme');
    const check = (issuer: string) => checkPasskeys('tenant acme', { accounts, issuer });
    expect(await check('https://login.example:8443/oauth/acme')).toMatchObject([{ verdict: 'ok' }]);
    expect(await check('https://sign-in.example/oauth/acme')).toMatchObject([
      { verdict: 'warning', message: expect.stringMatching(/made for login\.example, .* sign-in\.example/) },
    ]);
    expect(
      await checkPasskeys('x', { accounts: people.tenant('none').accounts, issuer: 'https://a' }),
    ).toEqual([]);
  });
});

describe('doctor', () => {
  it.each([
    ['https://login.example/oauth/acme', ['passkey'], 0],
    ['http://localhost:3000/oauth/acme', ['passkey'], 0],
    ['http://login.example/oauth/acme', ['passkey'], 1],
    ['http://127.0.0.1:3000/oauth/acme', ['passkey'], 1],
    ['https://[::1]/oauth/acme', ['passkey'], 1],
    ['http://login.example/oauth/acme', ['totp', 'passkey'], 0],
  ] as const)(
    'warns where browsers have no passkeys and nothing else is offered: %s, %j',
    (issuer, methods, warnings) => {
      expect(checkPasskeyHost('tenant acme', { methods, issuer })).toHaveLength(warnings);
    },
  );
});

describe('a passkey of a person of a source', () => {
  const admitted = async (
    source: ReturnType<typeof createScriptedSource>,
    login: string,
    clientId = 'web',
  ) => {
    source.people.set(login, { subject: `s-${login}`, password: 'pw', username: login });
    const accounts = people.accountsOf([source.connector]);
    const outcome = await accounts.admit(await source.identityOf(login), {
      ...place,
      clientId,
      via: 'upstream',
    });
    if (!outcome.ok) throw new Error(outcome.reason);
    return { accounts, key: await withPasskey(accounts, outcome.account) };
  };

  it('counts while the directory knows the person', async () => {
    const corp = createScriptedSource('corp');
    const { accounts, key } = await admitted(corp, 'dora');
    people.clock.advance(10 * 24 * 60 * minute);
    expect((await alone(accounts, key)).ok).toBe(true);
    corp.people.delete('dora');
    expect(await alone(accounts, key)).toEqual(refused);
    expect(await lastReason()).toBe('disabled_or_locked');
  });

  it('is checked later when the directory has been down for too long', async () => {
    const corp = createScriptedSource('down');
    const { accounts, key } = await admitted(corp, 'emil');
    corp.isDown = true;
    expect((await alone(accounts, key)).ok).toBe(true);
    people.clock.advance(60 * minute);
    await expect(alone(accounts, key)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is not enough when an upstream that cannot be asked has not seen the person for long', async () => {
    const idp = createScriptedSource('idp', {}, { passwords: false, lookup: false, redirect: true });
    const { accounts, key } = await admitted(idp, 'fred');
    expect((await alone(accounts, key)).ok).toBe(true);
    people.clock.advance(16 * minute);
    expect(await alone(accounts, key)).toEqual(refused);
    expect(await lastReason()).toBe('source_not_asked');
  });

  it('is for the apps of the source alone', async () => {
    const corp = createScriptedSource('limited', { clients: ['shop'] });
    const { accounts, key } = await admitted(corp, 'gina', 'shop');
    expect((await alone(accounts, key, 'shop')).ok).toBe(true);
    expect(await alone(accounts, key, 'web')).toEqual(refused);
  });
});

describe('acr=phr', () => {
  it('is met by itself, and meets mfa', () => {
    expect(meetsAcr('phr', ['mfa'])).toBe(true);
    expect(meetsAcr('phr', ['phr'])).toBe(true);
    expect(meetsAcr('mfa', ['phr'])).toBe(false);
    expect(meetsAcr(undefined, ['phr'])).toBe(false);
  });

  const app = { type: 'totp', id: 'a', name: 'App', createdAt: 1, sealedSecret: 's', lastStep: 1 } as const;
  const passkey = {
    type: 'passkey',
    id: 'p',
    name: 'Key',
    createdAt: 1,
    credentialId: 'c',
    publicKey: 'k',
    counter: 0,
    isSynced: false,
    isBackedUp: false,
    rpId: 'login.example',
  } as const;

  it.each([
    // what the person has, what was proven, what is asked for, what is missing
    [[], undefined, ['phr'], 'enrolment'],
    [[app], undefined, ['phr'], 'factor'],
    [[app], 'mfa', ['phr'], 'enrolment'],
    [[passkey], undefined, ['phr'], 'factor'],
    [[app, passkey], 'mfa', ['phr'], 'factor'],
    [[app, passkey], 'phr', ['phr'], 'none'],
    [[app, passkey], 'phr', ['mfa'], 'none'],
    [[app, passkey], 'mfa', ['phr', 'mfa'], 'none'],
    [[passkey], 'phr', undefined, 'none'],
    [[passkey], undefined, undefined, 'factor'],
  ] as const)(
    'is asked for by what the person has and has proven: case %#',
    (factors, acr, acrValues, missing) => {
      const account = { sub: 'alice', factors, roles: [], groups: [] };
      expect(factorDemandOf(secondFactor, { account, acr, acrValues }, 0)).toBe(missing);
      const without = { ...secondFactor, methods: [] };
      expect(factorDemandOf(without, { account, acr, acrValues }, 0)).toBe('none');
    },
  );
});
