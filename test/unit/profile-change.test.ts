import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createNotifyOfChange } from '../../src/accounts/account-notices.ts';
import { createFormerUsernames } from '../../src/accounts/former-usernames.ts';
import { createProfileChanges } from '../../src/accounts/profile-change.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import type { NewMail, TenantMail } from '../../src/mail/tenant-mail.ts';
import type { AccountRecord, AccountRecords } from '../../src/storage/storage.ts';
import { openPeople, type People } from '../support/people.ts';

const password = 'lantern orbit mosaic';
const by = { actor: 'dana', address: '192.0.2.1', requestId: 'r' };
let people: People;
let mails: NewMail[];

beforeEach(async () => {
  people = await openPeople();
  mails = [];
});
afterEach(() => people.close());

const hold: TenantMail['hold'] = async (mail) => ({
  release: async () => void mails.push(mail),
  remove: async () => {},
});

const profile = (changes: Partial<AccountRecords> = {}) => {
  const { accounts, artifacts, counters } = people.tenant('acme');
  const records = { ...accounts, ...changes };
  return createProfileChanges({
    definition: {
      accounts: { usernameChange: true, deletion: { allowed: 'local', graceSeconds: 3600 } },
    },
    records,
    formerUsernames: createFormerUsernames({ records, artifacts, clock: people.clock }),
    revocations: { publish: async () => {} },
    throttle: createThrottle(counters, people.clock),
    notifyOfChange: createNotifyOfChange({
      ...{ mail: { hold }, locale: 'en', clock: people.clock, log: people.log },
    }),
    audit: people.audit('acme'),
    clock: people.clock,
  });
};

const add = async (username: string, email?: string): Promise<AccountRecord> => {
  const facts = email === undefined ? {} : { email, emailVerified: true };
  const added = await people.users().add({ username, password, ...facts });
  if (!added.ok) throw new Error(added.message);
  return added.account;
};

const now = async ({ sub }: AccountRecord): Promise<AccountRecord> => {
  const found = await people.tenant('acme').accounts.findBySub(sub);
  if (found === undefined) throw new Error('no account');
  return found;
};

describe('a new user name', () => {
  it('gives nobody more guesses at the password', async () => {
    const dana = await add('dana');
    const guess = (login: string, n: number) =>
      people.accounts().signIn({ login, password: 'wrong', address: `198.51.100.${n}`, via: 'page' });
    for (let n = 0; n < 10; n += 1) expect(await guess('dana', n)).toMatchObject({ reason: 'credentials' });
    expect(await profile().rename(dana, 'diana', by)).toMatchObject({ ok: true });
    expect(await guess('diana', 11)).toMatchObject({ reason: 'throttled' });
    people.clock.advance(16 * 60_000);
    expect(await guess('diana', 12)).toMatchObject({ reason: 'credentials' });
  });

  it('tells the person in the language of the profile', async () => {
    const dana = await add('dana', 'dana@acme.example');
    expect(await profile().change(dana, { locale: 'de' }, by)).toMatchObject({ ok: true });
    await profile().rename(await now(dana), 'diana', by);
    expect(mails).toMatchObject([
      { kind: 'username_changed', locale: 'de', values: { username: 'dana', next: 'diana' } },
    ]);
  });
});

describe('a user name that somebody had', () => {
  const day = 24 * 3600_000;

  it('is kept from other people for thirty days, and not from its own person', async () => {
    const [dana, other] = [await add('dana'), await add('other')];
    expect(await profile().rename(dana, 'diana', by)).toMatchObject({ ok: true });
    expect(await profile().rename(other, 'DANA', by)).toEqual({ ok: false, reason: 'taken' });
    expect(await profile().rename(await now(dana), 'Dana', by)).toMatchObject({ ok: true });
    expect(await profile().rename(await now(dana), 'diana', by)).toMatchObject({ ok: true });
    people.clock.advance(30 * day - 1000);
    expect(await profile().rename(other, 'dana', by)).toEqual({ ok: false, reason: 'taken' });
    people.clock.advance(1000);
    expect(await profile().rename(other, 'dana', by)).toMatchObject({ ok: true });
  });

  it('is kept before its account loses it, also when an operator changes it', async () => {
    const [dana, other] = [await add('dana'), await add('other')];
    const { accounts } = people.tenant('acme');
    const update: AccountRecords['update'] = async (...change) => {
      const isDone = await accounts.update(...change);
      expect(await profile().rename(other, 'dana', by)).toEqual({ ok: false, reason: 'taken' });
      return isDone;
    };
    expect(await profile({ update }).rename(dana, 'diana', by)).toMatchObject({ ok: true });
    expect(await people.users().edit('diana', { username: 'dora' })).toMatchObject({ ok: true });
    expect(await profile().rename(other, 'diana', by)).toEqual({ ok: false, reason: 'taken' });
  });

  it('is kept also when two changes of the name meet', async () => {
    const [dana, other] = [await add('dana'), await add('other')];
    for (const name of ['diana', 'dora'])
      expect(await profile().rename(dana, name, by)).toMatchObject({ ok: true });
    expect(await profile().rename(other, 'diana', by)).toEqual({ ok: false, reason: 'taken' });
  });

  it('is for an operator to give, and free when its account is deleted', async () => {
    const dana = await add('dana');
    await profile().rename(dana, 'diana', by);
    expect(await add('dana')).toMatchObject({ username: 'dana' });
    await profile().rename(await now(dana), 'dora', by);
    expect(await people.users().remove('dora')).toMatchObject({ ok: true });
    expect(await profile().rename(await add('other'), 'diana', by)).toMatchObject({ ok: true });
  });

  it('can be one of five in thirty days, so that nobody keeps many', async () => {
    const dana = await add('dana');
    const rename = async (name: string) => profile().rename(await now(dana), name, by);
    await add('other');
    for (const name of ['d1', 'd2', 'other', 'd3', 'd4', 'd5', 'dana'])
      expect(await rename(name)).toMatchObject({ ok: name !== 'other' });
    expect(await rename('d6')).toMatchObject({ ok: false, reason: 'throttled' });
    expect(await rename('d5')).toMatchObject({ ok: true });
    people.clock.advance(30 * day);
    expect(await rename('d6')).toMatchObject({ ok: true });
  });
});

describe('a change of the profile', () => {
  it('loses nothing that was changed since it was read', async () => {
    const dana = await add('dana');
    await profile().change(dana, { name: 'Dana Doe' }, by);
    await profile().change(dana, { locale: 'de' }, by);
    expect((await now(dana)).claims).toEqual({ name: 'Dana Doe', locale: 'de' });
  });

  it('keeps a language that a person of a source has chosen, also where the source has the same now', async () => {
    const dana = await add('dana');
    const { accounts } = people.tenant('acme');
    const choose = async (locale: 'de' | null) => profile().change(await now(dana), { locale }, by);
    await accounts.update(dana.sub, { origin: 'source', claims: { locale: 'de-AT' } });
    expect(await choose('de')).toMatchObject({ ok: true });
    await accounts.update(dana.sub, { claims: { locale: 'en' } });
    expect(await now(dana)).toMatchObject({ chosenLocale: 'de' });
    await choose(null);
    expect(await now(dana)).not.toHaveProperty('chosenLocale');
  });

  it('keeps the region of a language that stays the same', async () => {
    const dana = await add('dana');
    await people.tenant('acme').accounts.update(dana.sub, { claims: { locale: 'de-AT' } });
    const { version } = await now(dana);
    await profile().change(await now(dana), { locale: 'de' }, by);
    expect(await now(dana)).toMatchObject({ version, claims: { locale: 'de-AT' } });
  });

  it('leaves the sessions of the person as they are', async () => {
    const dana = await add('dana');
    await profile().change(dana, { name: 'Dana Doe' }, by);
    await profile().rename(await now(dana), 'diana', by);
    expect(await now(dana)).not.toHaveProperty('notBefore');
    expect(people.ended).toEqual([]);
  });
});

it('is not made for a person who was signed out everywhere since the account was read', async () => {
  const dana = await add('dana', 'dana@acme.example');
  const { accounts } = people.tenant('acme');
  let isFirst = true;
  const signOutBefore: AccountRecords['update'] = async (...update) => {
    if (isFirst) await accounts.update(dana.sub, { notBefore: Math.ceil(people.clock.now() / 1000) });
    isFirst = false;
    return accounts.update(...update);
  };
  const late = profile({ update: signOutBefore });
  await expect(late.rename(dana, 'diana', by)).rejects.toMatchObject({ code: 'not_found' });
  expect(mails).toEqual([]);
  isFirst = true;
  const read = await now(dana);
  people.clock.advance(5000);
  await expect(late.change(read, { name: 'Diana' }, by)).rejects.toMatchObject({ code: 'not_found' });
  expect(await now(dana)).toMatchObject({ username: 'dana', claims: {} });
});
