import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TOTP } from 'otpauth';
import { codeMethodsOf, factorFacts } from '../../src/accounts/factors/factor-facts.ts';
import { createFactorRecovery } from '../../src/accounts/factors/factor-recovery.ts';
import { createFactorReset } from '../../src/accounts/factors/factor-reset.ts';
import type { Factors } from '../../src/accounts/factors/factors.ts';
import { newRecoveryCode, readRecoveryCode } from '../../src/accounts/factors/recovery-codes.ts';
import { newTotpSecret, stepOfCode } from '../../src/accounts/factors/totp.ts';
import { proofMarkOf } from '../../src/accounts/proof-holder.ts';
import { createRevocations } from '../../src/accounts/revocations.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { AppError } from '../../src/errors.ts';
import { authorizationsOf } from '../../src/oidc/adapter/artifact-payload.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { openVerifications } from '../../src/tenants/mailed-proofs.ts';
import { openPeople, type People } from '../support/people.ts';
import { type AuthenticatorApp, authenticatorApp } from '../support/second-factor.ts';

const origin = { address: '192.0.2.7' };
const minute = 60_000;
let people: People;
let factors: Factors;
let count = 0;

beforeAll(async () => {
  people = await openPeople();
  factors = people.accounts().factors;
});
afterAll(() => people.close());

let alice: AccountRecord;
beforeEach(async () => {
  const added = await people.users().add({ username: `alice${count++}`, password: 'correct horse battery' });
  if (!added.ok) throw new Error(added.message);
  alice = added.account;
});

const accountNow = async ({ sub }: AccountRecord): Promise<AccountRecord> => {
  const found = await people.tenant('acme').accounts.findBySub(sub);
  if (found === undefined) throw new Error('no account');
  return found;
};

const nowMs = () => people.clock.now();
const nextCode = (app: AuthenticatorApp): string => {
  people.clock.advance(30_000);
  return app.next();
};

const setUp = async (name = 'Phone') => {
  const account = await accountNow(alice);
  const { secret, sealed } = factors.newTotp(account);
  const app = authenticatorApp(secret, nowMs);
  const added = await factors.addTotp(account, { sealed, code: app.next(), name }, origin);
  if (!added.ok) throw new Error(added.reason);
  return { app, sealed, recoveryCodes: added.recoveryCodes, account: added.account };
};

const verify = async (code: string) => factors.verify(await accountNow(alice), code, origin);

describe('an authenticator app', () => {
  it('is added once by a form that is sent twice, and not by one of another person', async () => {
    const { secret, sealed } = factors.newTotp(alice);
    const app = authenticatorApp(secret, nowMs);
    const code = app.next();
    const form = { sealed, code, name: 'Phone' };
    const twice = await Promise.all([1, 2].map(() => factors.addTotp(alice, form, origin)));
    expect(twice.filter((added) => added.ok && added.recoveryCodes !== undefined)).toHaveLength(1);
    expect((await accountNow(alice)).factors).toHaveLength(2);

    const other = await people
      .users()
      .add({ username: `mallory${count}`, password: 'correct horse battery' });
    if (!other.ok) throw new Error(other.message);
    expect(await factors.addTotp(other.account, form, origin)).toEqual({ ok: false, reason: 'expired' });
  });

  it('is not added after half an hour, nor beyond ten', async () => {
    const { secret, sealed } = factors.newTotp(alice);
    people.clock.advance(31 * minute);
    const code = authenticatorApp(secret, nowMs).next();
    expect(await factors.addTotp(alice, { sealed, code, name: '' }, origin)).toEqual({
      ok: false,
      reason: 'expired',
    });
    for (let app = 0; app < 9; app++) await setUp();
    await expect(setUp()).rejects.toThrow('limit');
  });

  it('is not added beyond ten, however many are set up at once', async () => {
    const added = await Promise.all(
      Array.from({ length: 30 }, () => {
        const { secret, sealed } = factors.newTotp(alice);
        const code = authenticatorApp(secret, nowMs).next();
        return factors.addTotp(alice, { sealed, code, name: '' }, origin);
      }),
    );
    expect((await accountNow(alice)).factors).toHaveLength(10);
    expect(added.filter(({ ok }) => ok)).toHaveLength(9);
    const records = await people.tenant('acme').audit.list({ limit: 60 });
    const refusals = records.filter(({ outcome, reason }) => outcome === 'failure' && reason === 'limit');
    expect(refusals).toHaveLength(21);
  });

  it.each([
    ['Phone', ' Phone '],
    ['App', 'Phone\u202Egnp.exe'],
    ['App', 'Phone\u0000'],
    ['App', 'Phone\uD83D'],
    ['App', '\u2029'],
    ['\u{1F511}'.repeat(60), '\u{1F511}'.repeat(61)],
  ])('has the name %j, of %j', async (name, typed) => {
    const { account } = await setUp(typed);
    expect(factorFacts(account)).toMatchObject([{ name }]);
  });

  it('shows the same secret again for the same form', () => {
    const first = factors.newTotp(alice);
    expect(factors.newTotp(alice, first.sealed)).toEqual(first);
    expect(factors.newTotp(alice, 'made up').secret).not.toBe(first.secret);
  });
});

describe('an account that was signed out everywhere', () => {
  it('gets no factor from whoever had signed in before', async () => {
    const { secret, sealed } = factors.newTotp(alice);
    const app = authenticatorApp(secret, nowMs);
    const { accounts } = people.tenant('acme');
    await accounts.update(alice.sub, { notBefore: Math.ceil(nowMs() / 1000) }, alice.version);
    const form = { sealed, code: app.next(), name: 'Mine' };
    await expect(factors.addTotp(alice, form, origin)).rejects.toMatchObject({ code: 'not_found' });
    expect((await accountNow(alice)).factors).toBeUndefined();
  });
});

it('tells a program of the codes that the tenant still takes', async () => {
  const { account } = await setUp();
  expect(codeMethodsOf({ methods: ['totp'] }, account)).toEqual(['totp', 'recovery_code']);
  expect(codeMethodsOf({ methods: ['passkey'] }, account)).toEqual(['recovery_code']);
});

it('accepts the codes of three time steps of thirty seconds, and no other text', () => {
  const secret = newTotpSecret();
  const codeAt = (at: number): string => new TOTP({ secret }).generate({ timestamp: at });
  const moment = fc.integer({ min: 3_600_000, max: 4_000_000_000_000 });
  const typed = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.string(),
    fc.constantFrom('', '000000 ', '1e5', '-00001', '１２３４５６'),
  );
  fc.assert(
    fc.property(moment, typed, (at, what) => {
      const step = Math.floor(at / 30_000);
      const steps = [step - 1, step, step + 1];
      const code = typeof what === 'number' ? codeAt(at + what * 30_000) : what;
      const meant = steps.filter((one) => codeAt(one * 30_000) === code);
      const found = stepOfCode(secret, code, at);
      if (found === undefined) expect(meant).toEqual([]);
      else expect(meant).toContain(found);
    }),
  );
});

describe('a change of factors', () => {
  it('is in a mail to a person whose address is verified, once it is made', async () => {
    const add = async (email: string, emailVerified: boolean) => {
      const user = { username: `erin${count++}`, password: 'correct horse battery', email, emailVerified };
      const added = await people.users().add({ ...user, claims: { locale: 'de-AT' } });
      if (!added.ok) throw new Error(added.message);
      alice = added.account;
      people.mails.length = 0;
      const { account } = await setUp('Phone');
      const [factor] = account.factors ?? [];
      await factors.remove(account, factor?.type === 'totp' ? factor.id : '', origin);
      await factors.remove(await accountNow(alice), 'none', origin);
      return people.mails;
    };
    const about = {
      to: 'erin@acme.example',
      locale: 'de',
      values: expect.objectContaining({ factor: 'Phone' }),
    };
    expect(await add('erin@acme.example', true)).toMatchObject([
      { kind: 'factor_added', ...about },
      { kind: 'factor_removed', ...about },
    ]);
    expect(await add('frank@acme.example', false)).toEqual([]);
  });
});

describe('wrong codes', () => {
  it('are counted over an hour, and forgotten after a right one', async () => {
    const { app } = await setUp();
    for (let guess = 0; guess < 9; guess++)
      expect(await verify('000000')).toEqual({ ok: false, reason: 'code' });
    expect((await verify(nextCode(app))).ok).toBe(true);
    for (let guess = 0; guess < 10; guess++) await verify('000000');
    expect(await verify(nextCode(app))).toMatchObject({ ok: false, reason: 'throttled' });
    people.clock.advance(61 * minute);
    expect((await verify(nextCode(app))).ok).toBe(true);
  });

  it('are all counted, however many come at once', async () => {
    const { app } = await setUp();
    const account = await accountNow(alice);
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () => factors.verify(account, '000000', origin)),
    );
    expect(outcomes.filter((outcome) => !outcome.ok && outcome.reason === 'code')).toHaveLength(10);
    expect(await verify(nextCode(app))).toMatchObject({ ok: false, reason: 'throttled' });
  });
});

describe('recovery codes', () => {
  it('are read as people write them, and never mistaken for another', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.constantFrom(' ', '-', '')), (separators) => {
        const code = newRecoveryCode();
        const typed = [...code.toUpperCase().replaceAll('-', '')]
          .map((letter) => letter.replace('0', 'O').replace('1', 'l') + separators.next().value)
          .join('');
        expect(readRecoveryCode(typed)).toBe(code.replaceAll('-', ''));
      }),
    );
  });

  it('are used up one by one, and replaced by new ones', async () => {
    const { recoveryCodes = [] } = await setUp();
    expect(await verify(recoveryCodes[0] ?? '')).toMatchObject({ ok: true, recoveryCodesLeft: 9 });
    expect((await verify(recoveryCodes[0] ?? '')).ok).toBe(false);
    const renewed = await factors.renewRecoveryCodes(await accountNow(alice), origin);
    expect((await verify(recoveryCodes[1] ?? '')).ok).toBe(false);
    expect((await verify(renewed?.codes[1] ?? '')).ok).toBe(true);
    expect(JSON.stringify(await accountNow(alice))).not.toContain(renewed?.codes[2]);
  });
});

describe('an operator', () => {
  const reset = () =>
    createFactorReset({
      records: people.tenant('acme').accounts,
      revocations: createRevocations({
        storage: people.tenant('acme'),
        authorizationsOf,
        wantsLogout: () => false,
        clock: people.clock,
      }),
      recoveryKey: Buffer.alloc(32, 2),
      audit: people.audit('acme'),
      clock: people.clock,
      actor: 'cli',
    });

  it('gives a person who lost the app a code that is good once, also after too many wrong ones', async () => {
    expect(await reset().issueCode(alice)).toBeUndefined();
    await setUp();
    for (let guess = 0; guess < 10; guess++) await verify('000000');
    const code = (await reset().issueCode(await accountNow(alice))) ?? '';
    expect(await verify(code)).toMatchObject({ ok: true, recoveryCodesLeft: 10 });
    expect((await verify(code)).ok).toBe(false);
  });

  it('sends a link that an outage does not use up', async () => {
    const { account } = await setUp();
    const email = `${account.username}@example.com`;
    const { accounts, artifacts, counters } = people.tenant('acme');
    await accounts.update(account.sub, { email, emailVerified: true }, account.version);
    const { clock } = people;
    const verifications = openVerifications('acme', {
      storage: { artifacts },
      throttle: createThrottle(counters, clock),
      masterKey: createMasterKey('a master key of this test alone, 0123456789'),
      clock,
    });
    const { link } = await verifications.create({
      ...{ purpose: 'factor-recovery', address: email, sub: account.sub },
      about: proofMarkOf(account),
    });
    const parts = { records: accounts, verifications, recoveryKey: Buffer.alloc(32, 2), clock };
    const redeem = (changed: Partial<typeof parts> = {}) =>
      createFactorRecovery({ ...parts, audit: people.audit('acme'), ...changed }).redeem(link, {
        ...origin,
        requestId: 'r1',
      });
    const outage = () => Promise.reject(new AppError('unavailable', 'The store does not answer'));
    const findBySub = (sub: string) => accounts.findBySub(sub);
    const isOut = { code: 'unavailable' };
    await expect(redeem({ records: { ...accounts, findBySub, update: outage } })).rejects.toMatchObject(
      isOut,
    );
    await expect(redeem({ verifications: { ...verifications, consumeLink: outage } })).rejects.toMatchObject(
      isOut,
    );

    expect((await verify((await redeem()) ?? '')).ok).toBe(true);
    expect(await redeem()).toBeUndefined();
  });

  it('removes all factors and ends all sessions', async () => {
    const { account } = await setUp();
    await reset().removeAll(account);
    const now = await accountNow(alice);
    expect(now.factors).toBeUndefined();
    expect(now.notBefore).toBeGreaterThanOrEqual(nowMs() / 1000);
    expect(factors.demandOf({ account: now })).toBe('none');
  });
});
