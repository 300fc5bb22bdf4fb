import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { createAfterAnswer } from '../../src/accounts/after-answer.ts';
import { createEmailCodes } from '../../src/accounts/factors/email-codes.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import { createAudit } from '../../src/audit/audit.ts';
import type { FactorMethod } from '../../src/config/tenant/tenant-definition.ts';
import type { NewMail } from '../../src/mail/tenant-mail.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { AccountRecord, Storage } from '../../src/storage/storage.ts';
import { account } from '../contract/storage-samples.ts';
import { dumpStore } from '../support/dump-store.ts';
import { eachStore, type OpenedStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const place = 'the page in this browser';
const origin = { address: '192.0.2.7', requestId: 'r1' };

eachStore((store) => {
  let opened: OpenedStore;
  let stores: readonly [Storage, Storage];
  let clock: TestClock;
  let mails: NewMail[];
  let alice: AccountRecord;
  const log = pino({ enabled: false });
  const afterAnswer = createAfterAnswer(log);

  beforeEach(async () => {
    opened = await store.open();
    clock = createTestClock(Date.now());
    const open = () => openStorage({ url: opened.url, clock, log });
    stores = [await open(), await open()];
    mails = [];
    const { accounts } = stores[0].forTenant('acme');
    alice = account({ email: 'alice@example.com', emailVerified: true });
    await accounts.insert(alice);
  });
  afterEach(async () => {
    for (const storage of stores) await storage.close();
    await opened.cleanup();
  });

  const of = (instance: 0 | 1 = 0, methods: readonly FactorMethod[] = ['totp', 'email']) => {
    const { accounts, artifacts, counters, audit } = stores[instance].forTenant('acme');
    const required = { everyone: true, roles: [], groups: [], clients: [] };
    return createEmailCodes({
      definition: { id: 'acme', locale: 'en', secondFactor: { methods, passwordless: true, required } },
      ...{ records: accounts, artifacts, clock },
      throttle: createThrottle(counters, clock),
      mail: { send: async (mail) => void mails.push(mail) },
      runAfterAnswer: afterAnswer.forTenant('acme'),
      key: Buffer.alloc(32, 7),
      audit: createAudit({ records: audit, log, clock }),
    });
  };
  const now = async (): Promise<AccountRecord> => {
    const found = await stores[0].forTenant('acme').accounts.findBySub(alice.sub);
    if (found === undefined) throw new Error('no account');
    return found;
  };
  const send = async (at = place) => {
    const sent = await of().send(await now(), { place: at, locale: 'en', requestId: 'r1' });
    await afterAnswer.idle();
    return sent;
  };
  const mailed = (): string => mails.at(-1)?.code ?? '';
  const verify = async (code: string, at = place, instance: 0 | 1 = 0) =>
    of(instance).verify(await now(), { place: at, code }, origin);
  const change = async (patch: Partial<AccountRecord>) => {
    const { sub, version } = await now();
    expect(await stores[0].forTenant('acme').accounts.update(sub, patch, version)).toBe(true);
  };
  const wrong = { ok: false, reason: 'code' };

  it('accepts the code of a mail once, however it is typed, and says so in amr and audit record', async () => {
    expect(await send()).toEqual({ ok: true });
    const [mail] = mails;
    expect(mail).toMatchObject({
      kind: 'factor_code',
      to: 'alice@example.com',
      locale: 'en',
      codeSeconds: 600,
    });
    const code = mailed();
    expect(code).toMatch(/^\d{8}$/);
    const typed = ` ${code.slice(0, 4)} ${code.slice(4)}-`;
    expect(await verify(typed)).toMatchObject({ ok: true, acr: 'mfa', amr: ['email', 'mfa'] });
    expect(await verify(code)).toEqual(wrong);
    const events = await stores[0].forTenant('acme').audit.list({ limit: 9 });
    expect(events.map(({ action, outcome, reason }) => [action, outcome, reason])).toEqual([
      ['factor.verify', 'failure', 'wrong_email_code'],
      ['factor.verify', 'success', 'email'],
    ]);
  });

  it('lets one of 20 callers at two instances have it', async () => {
    await send();
    const code = mailed();
    const asked = await now();
    const tried = await Promise.all(
      Array.from({ length: 20 }, (_, n) => of(n % 2 === 0 ? 0 : 1).verify(asked, { place, code }, origin)),
    );
    expect(tried.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('is good for ten minutes, in one place, for one address, and until the next password', async () => {
    await send();
    expect(await verify(mailed(), 'another browser')).toEqual(wrong);
    clock.advance(599_000);
    expect((await verify(mailed())).ok).toBe(true);
    await send();
    clock.advance(600_000);
    expect(await verify(mailed())).toEqual(wrong);
    await send();
    await change({ email: 'alice@other.example' });
    expect(await verify(mailed())).toEqual(wrong);
    await send();
    expect(mails.at(-1)?.to).toBe('alice@other.example');
    await change({ notBefore: 1 });
    expect(await verify(mailed())).toEqual(wrong);
    await send();
    expect((await verify(mailed())).ok).toBe(true);
  });

  it('counts guesses with those of other factors, also those that are made at once', async () => {
    await send();
    const asked = await now();
    const guess = (n: number) => of().verify(asked, { place, code: `${n}`.padStart(8, '0') }, origin);
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, n) => guess(n)));
    expect(guesses.filter((one) => !one.ok && one.reason === 'throttled')).toHaveLength(2);
    expect((await now()).factorGuesses?.count).toBe(10);
    expect(await verify(mailed())).toMatchObject({ ok: false, reason: 'throttled' });
  });

  it('is sent five times an hour, and not at all to people with another factor or an unverified address', async () => {
    for (let n = 0; n < 5; n += 1) expect((await send(`browser ${n}`)).ok).toBe(true);
    expect(await send()).toMatchObject({
      ok: false,
      reason: 'throttled',
      retryAfterSeconds: expect.any(Number),
    });
    expect(mails).toHaveLength(5);
    clock.advance(3_600_000);
    await change({ emailVerified: false });
    await send();
    await change({
      emailVerified: true,
      factors: [{ type: 'totp', id: 'a', name: 'A', createdAt: 0, sealedSecret: '', lastStep: 0 }],
    });
    await send();
    expect(mails).toHaveLength(5);
  });

  it('is worth nothing once the person has a stronger factor', async () => {
    await send();
    await change({
      factors: [{ type: 'totp', id: 'a', name: 'A', createdAt: 0, sealedSecret: '', lastStep: 0 }],
    });
    expect(await verify(mailed())).toEqual(wrong);
  });

  it('is not in the store', async () => {
    await send();
    const dump = await dumpStore(opened.url);
    expect(dump).toContain('EmailCode');
    expect(dump).not.toContain(mailed());
  });
});
