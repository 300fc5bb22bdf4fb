import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createFormerAddresses } from '../../src/accounts/former-addresses.ts';
import { createFormerUsernames } from '../../src/accounts/former-usernames.ts';
import { createRegistration, type RegistrationRequest } from '../../src/accounts/registration.ts';
import type { CheckRegistration } from '../../src/accounts/registration-check.ts';
import { createFindKnown } from '../../src/accounts/registration-link.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import { createVerifications } from '../../src/accounts/verifications.ts';
import type { NewMail } from '../../src/mail/tenant-mail.ts';
import { throttle as limits, localSource, openPeople, type People } from '../support/people.ts';

let people: People;
let sent: NewMail[];
let work: Promise<void>[];

beforeEach(async () => {
  people = await openPeople();
  sent = [];
  work = [];
});
afterEach(() => people.close());

const registrationWith = (check?: CheckRegistration) => {
  const { accounts, artifacts, counters } = people.tenant('acme');
  const throttle = createThrottle(counters, people.clock);
  const address = { points: 100_000, windowSeconds: 900 };
  return createRegistration({
    definition: {
      registration: { mode: 'open', domains: [], roles: [], groups: [] },
      sources: [localSource],
      throttle: { ...limits, address },
    },
    issuer: 'https://login.example/oauth/acme',
    findKnown: createFindKnown({
      records: accounts,
      formerAddresses: createFormerAddresses({ artifacts, clock: people.clock }),
      seed: async () => {},
    }),
    formerUsernames: createFormerUsernames({ records: accounts, artifacts, clock: people.clock }),
    verifications: createVerifications({
      ...{ tenant: 'acme', artifacts, throttle, clock: people.clock },
      sealingKey: Buffer.alloc(32, 5),
      codeKey: Buffer.alloc(32, 6),
    }),
    throttle,
    check,
    mail: { send: async (mail) => void sent.push(mail) },
    runAfterAnswer: (task) => void work.push(task.work()),
    remindOfUndo: async () => false,
    usersAs: () => people.users(),
    audit: people.audit('acme'),
  });
};

const request = (email: string): RegistrationRequest => ({
  ...{ email, browser: 'b'.repeat(43), locale: 'de', userAgent: 'Mozilla/5.0' },
  ...{ address: '192.0.2.1', requestId: 'r' },
});
const noted = async () =>
  (await people.tenant('acme').audit.list({ limit: 2000 })).map(({ reason }) => reason);

describe('a registration', () => {
  it('asks the check before a mail, and not about addresses that the rules refuse', async () => {
    const asked: string[] = [];
    const registration = registrationWith(async ({ email, userAgent }) => {
      asked.push(`${email} ${userAgent}`);
      return email.startsWith('bot') ? 'refused' : 'allowed';
    });
    expect(await registration.begin(request('bot@example.com'))).toEqual({ ok: false, reason: 'refused' });
    expect(await registration.begin(request('Dora@Example.com'))).toEqual({ ok: true });
    expect(await registration.begin(request('no address'))).toEqual({ ok: false, reason: 'address' });
    await Promise.all(work);
    expect(asked).toEqual(['bot@example.com Mozilla/5.0', 'dora@example.com Mozilla/5.0']);
    expect(sent).toMatchObject([{ kind: 'registration', to: 'dora@example.com', locale: 'de' }]);
    expect(await noted()).toEqual(['mail', 'check_refused']);
  });

  it('is for nobody while the check gives no verdict', async () => {
    const registration = registrationWith(async () => 'unavailable');
    expect(await registration.begin(request('dora@example.com'))).toEqual({
      ok: false,
      reason: 'unavailable',
      retryAfterSeconds: 30,
    });
    expect([work, sent]).toEqual([[], []]);
    expect(await noted()).toEqual(['check_unavailable']);
  });

  it('is kept from nobody by a flood that the check refuses, which fills no audit record', async () => {
    const registration = registrationWith(async ({ email }) =>
      email.startsWith('bot') ? 'refused' : 'allowed',
    );
    for (let n = 0; n < 1100; n += 1) await registration.begin(request(`bot${n}@example.com`));
    const reasons = await noted();
    expect(reasons).toHaveLength(1000);
    expect(reasons[0]).toBe('check_refused, no more are recorded in this hour');
    expect(await registration.begin(request('dora@example.com'))).toEqual({ ok: true });
  });

  it('is kept from nobody by a flood for one address, which gets five mails', async () => {
    const registration = registrationWith();
    for (let n = 0; n < 1010; n += 1) await registration.begin(request('victim@example.com'));
    expect(await registration.begin(request('victim@example.com'))).toMatchObject({ reason: 'throttled' });
    expect(await registration.begin(request('dora@example.com'))).toEqual({ ok: true });
    await Promise.all(work);
    expect(sent.map(({ to }) => to)).toEqual([...Array(5).fill('victim@example.com'), 'dora@example.com']);
  });

  it('writes a thousand mails of a tenant in an hour at most', async () => {
    const registration = registrationWith();
    for (let n = 0; n < 1000; n += 1) await registration.begin(request(`p${n}@example.com`));
    expect(await registration.begin(request('dora@example.com'))).toMatchObject({
      ...{ ok: false, reason: 'throttled' },
    });
    await Promise.all(work);
    expect(sent).toHaveLength(1000);
    people.clock.advance(3_600_000);
    expect(await registration.begin(request('dora@example.com'))).toEqual({ ok: true });
    await Promise.all(work);
  });

  it('gives nobody a user name that another person had lately', async () => {
    const users = people.users();
    await users.add({ username: 'dana', password: 'lantern orbit mosaic' });
    await users.edit('dana', { username: 'diana' });
    const registration = registrationWith();
    await registration.begin(request('dora@example.com'));
    await Promise.all(work);
    const link = new URL(sent[0]?.link ?? '').searchParams.get('token') ?? '';
    const finish = (username: string) =>
      registration.finish({
        ...{ link, name: 'Dora', username, password: 'lantern orbit mosaic', locale: 'de' },
        ...{ address: '192.0.2.1', requestId: 'r' },
      });
    expect(await finish('Dana')).toEqual({ ok: false, reason: 'taken' });
    expect(await finish('dora')).toMatchObject({ ok: true });
  });

  it('makes no second account by another link, once the first account is gone', async () => {
    const registration = registrationWith();
    for (let n = 0; n < 2; n += 1) await registration.begin(request('dora@example.com'));
    await Promise.all(work);
    const links = sent.map(({ link = '' }) => new URL(link).searchParams.get('token') ?? '');
    const finish = (n: number) =>
      registration.finish({
        ...{ link: links[n] ?? '', name: 'Dora', password: 'lantern orbit mosaic', locale: 'de' },
        ...{ address: '192.0.2.1', requestId: 'r' },
      });
    expect(await finish(0)).toMatchObject({ ok: true });
    expect(await finish(1)).toEqual({ ok: false, reason: 'known' });
    await people.users().remove('dora@example.com');
    expect(await finish(1)).toEqual({ ok: false, reason: 'link' });
    expect(await registration.find(links[1] ?? '')).toBeUndefined();
  });
});
