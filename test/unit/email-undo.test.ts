import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createForgetEndedEmails } from '../../src/accounts/ended-emails.ts';
import { createFactorReset } from '../../src/accounts/factors/factor-reset.ts';
import { identityKey } from '../../src/accounts/linked-identities.ts';
import { AppError } from '../../src/errors.ts';
import type { FactorRecord, RecoveryCodes } from '../../src/storage/factor-record.ts';
import type { AccountPatch, AccountRecord } from '../../src/storage/storage.ts';
import { type EmailChangesOfPeople, emailChangesOf } from '../support/email-changes.ts';
import { openPeople, type People } from '../support/people.ts';

const password = 'lantern orbit mosaic';
const thieves = 'another mosaic in orbit';
const old = 'dana@acme.example';
const fresh = 'thief@acme.example';
let people: People;
let emails: EmailChangesOfPeople;
let dana: AccountRecord;

beforeEach(async () => {
  people = await openPeople();
  emails = emailChangesOf(people);
  dana = await add('dana', old);
});
afterEach(() => people.close());

const add = async (username: string, email: string): Promise<AccountRecord> => {
  const added = await people.users().add({ username, password, email, emailVerified: true });
  if (!added.ok) throw new Error(added.message);
  return added.account;
};
const now = async ({ sub }: AccountRecord = dana): Promise<AccountRecord> => {
  const found = await people.tenant('acme').accounts.findBySub(sub);
  if (found === undefined) throw new Error('no account');
  return found;
};
const write = async (patch: AccountPatch): Promise<void> => {
  expect(await people.tenant('acme').accounts.update(dana.sub, patch)).toBe(true);
};
const change = async (email = fresh): Promise<void> => {
  expect(await emails.change(await now(), email)).toMatchObject({ ok: true });
};
const from = { address: '192.0.2.1', requestId: 'r' };
const undo = () => emails.undo().undo(emails.linkTo(old), from);
const actions = async () =>
  (await people.tenant('acme').audit.list({ sub: dana.sub, limit: 100 })).map(({ action }) => action);

const app = (id: string, lastStep = 1): FactorRecord => ({
  ...{ type: 'totp', id, name: id, createdAt: 1, sealedSecret: `sealed ${id}`, lastStep },
});
const codes = (createdAt: number, ...hashes: readonly string[]): RecoveryCodes => ({
  ...{ type: 'recovery_codes', createdAt, hashes },
});
const linked = (source: string) => ({ source, subject: `dana of ${source}`, linkedAt: 1, checkedAt: 1 });

it('has a mail with its link when the answer of the store to the change is lost', async () => {
  const { accounts } = people.tenant('acme');
  const update: typeof accounts.update = async (...change) => {
    await accounts.update(...change);
    throw new AppError('unavailable', 'The store cannot be reached');
  };
  emails = emailChangesOf(people, { ...accounts, update });
  await expect(emails.change(dana, fresh)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await now()).toMatchObject({ email: fresh });
  emails = { ...emailChangesOf(people), linkTo: emails.linkTo };
  expect(await undo()).toEqual({ ok: true });
});

describe('an address that was not verified', () => {
  it('cannot be put back, and gets no mail that says the new one', async () => {
    await write({ emailVerified: false });
    await change();
    expect(await now()).toMatchObject({ email: fresh, emailVerified: true, formerEmails: [] });
    expect(emails.mails.map(({ to }) => to)).toEqual([fresh]);
  });
});

describe('with the address of before comes back', () => {
  it('the password', async () => {
    await change();
    await people.users().setPasswordBySub(dana.sub, thieves);
    expect(await undo()).toEqual({ ok: true });
    const signIn = (typed: string) =>
      people.accounts().signIn({ login: old, password: typed, address: from.address, via: 'page' });
    expect(await signIn(thieves)).toMatchObject({ ok: false, reason: 'credentials' });
    expect(await signIn(password)).toMatchObject({ ok: true });
  });

  it('neither password nor second factors in place of what an operator has decided since', async () => {
    await write({ factors: [app('phone'), codes(1, 'a', 'b')], adoptedFrom: 'gone', adoptedAt: 1 });
    await change();
    await people.users().setPassword('dana', thieves);
    const decided = await now();
    const { accounts } = people.tenant('acme');
    await createFactorReset({
      ...{ records: accounts, audit: people.audit('acme'), clock: people.clock, actor: 'cli' },
      revocations: { endAccount: async () => {} },
      recoveryKey: Buffer.alloc(32, 2),
    }).removeAll(decided);
    expect(await undo()).toEqual({ ok: true });
    expect(await now()).toMatchObject({ email: old, passwordHash: decided.passwordHash });
    for (const gone of ['factors', 'adoptedFrom', 'adoptedAt']) expect(await now()).not.toHaveProperty(gone);
  });

  it('no second factor that was added since', async () => {
    await change();
    await write({ factors: [app('thief'), codes(2, 'c')], factorGuesses: { count: 10, endsAt: 4e12 } });
    expect(await undo()).toEqual({ ok: true });
    expect(await now()).not.toHaveProperty('factors');
    expect(await now()).not.toHaveProperty('factorGuesses');
  });

  it('each second factor that was removed since', async () => {
    const factors = [app('phone'), codes(1, 'a', 'b')];
    await write({ factors });
    await change();
    await write({ factors: [app('thief'), codes(2, 'c')] });
    await undo();
    expect((await now()).factors).toEqual(factors);
  });

  it('no code that was used since, and none that was issued since', async () => {
    await write({ factors: [app('phone'), codes(1, 'a', 'b')] });
    await change();
    await write({ factors: [app('phone', 7), codes(1, 'b', 'c')] });
    await undo();
    expect((await now()).factors).toEqual([app('phone', 7), codes(1, 'b')]);
  });

  it('the connected sources of then, without those that were connected since', async () => {
    const [kept, removed, stolen] = [linked('kept'), linked('removed'), linked('stolen')];
    const given = linked('given');
    const then = [kept, removed, given];
    await write({ identities: then, identityKeys: [...then.map(identityKey), 'a key by address'] });
    await change();
    const since = [kept, stolen];
    await write({ identities: since, identityKeys: [...since.map(identityKey), 'a key by address'] });
    const other = await add('other', 'other@acme.example');
    await people
      .tenant('acme')
      .accounts.update(other.sub, { identities: [given], identityKeys: [identityKey(given)] });

    expect(await undo()).toEqual({ ok: true });
    const after = await now();
    expect(after.identities).toEqual([kept, removed]);
    expect(after.identityKeys).toEqual([identityKey(kept), identityKey(removed), 'a key by address']);
    expect(emails.forgotten).toEqual([`${dana.sub} stolen`]);
  });

  it('the account, when its deletion was asked for since', async () => {
    await change();
    await write({ deleteAt: people.clock.now() + 3600_000 });
    expect(await undo()).toEqual({ ok: true });
    expect(await now()).not.toHaveProperty('deleteAt');
    expect(await actions()).toContain('account.delete_undo');
  });

  it('no account whose deletion is due', async () => {
    await change();
    await write({ deleteAt: people.clock.now() });
    expect(await undo()).toEqual({ ok: false, reason: 'link' });
  });

  it('the user name, when it is the address of now', async () => {
    await change();
    await write({ username: fresh, logins: [fresh] });
    expect(await undo()).toEqual({ ok: true });
    expect(await now()).toMatchObject({ username: 'dana', logins: ['dana', old] });
    expect(await actions()).not.toContain('account.delete_undo');
  });

  it('in place of a user name that another account has by now, the address', async () => {
    await change();
    await write({ username: fresh, logins: [fresh] });
    await add('dana', 'other@acme.example');
    expect(await undo()).toEqual({ ok: true });
    expect(await now()).toMatchObject({ username: old, logins: [old] });
  });

  it('what there was at the first of two changes', async () => {
    await change();
    await people.users().setPasswordBySub(dana.sub, thieves);
    await write({ factors: [app('thief'), codes(2, 'c')] });
    await change('next@acme.example');
    expect(await undo()).toEqual({ ok: true });
    expect(await now()).toMatchObject({ email: old, passwordHash: dana.passwordHash });
    expect(await now()).not.toHaveProperty('factors');
  });
});

describe('while it can be put back, an address of before', () => {
  const day = 24 * 3600_000;

  it('is known', async () => {
    await change();
    expect(await emails.findKnown(old)).toMatchObject({ sub: dana.sub });
    people.clock.advance(3 * day - 1);
    expect(await emails.findKnown(old)).toMatchObject({ sub: dana.sub });
    people.clock.advance(1);
    expect(await emails.findKnown(old)).toBeUndefined();
  });

  it('gets a link again when somebody has entered it', async () => {
    await change();
    const asked = { email: old, locale: 'de' } as const;
    people.clock.advance(day);
    expect(await emails.remindOfUndo(await now(), asked)).toBe(true);
    expect(await emails.remindOfUndo(await now(), { ...asked, email: fresh })).toBe(false);
    expect(emails.mails.at(-1)).toMatchObject({
      ...{ kind: 'email_former', to: old, locale: 'de', values: { username: 'dana' } },
      momentMs: people.clock.now() + 2 * day,
    });
    people.clock.advance(2 * day - 1);
    expect(await undo()).toEqual({ ok: true });
    expect(await emails.remindOfUndo(await now(), asked)).toBe(false);
    await change();
    people.clock.advance(3 * day);
    expect(await emails.remindOfUndo(await now(), asked)).toBe(false);
  });

  it('is known before the account has another one', async () => {
    const { accounts } = people.tenant('acme');
    const seen: unknown[] = [];
    const update: typeof accounts.update = async (...patch) => {
      const isDone = await accounts.update(...patch);
      seen.push((await emails.findKnown(old))?.sub);
      return isDone;
    };
    emails = emailChangesOf(people, { ...accounts, update });
    await change();
    expect(seen).toEqual([dana.sub]);
  });

  it('is no name to sign in with', async () => {
    await change();
    const attempt = { login: old, password, address: from.address, via: 'page' } as const;
    expect(await people.accounts().signIn(attempt)).toMatchObject({ ok: false, reason: 'credentials' });
  });

  it('goes to no other account, and back to its own one', async () => {
    await write({ email: 'Dana@acme.example' });
    await change();
    const other = await add('other', 'other@acme.example');
    await expect(emails.change(other, old)).rejects.toThrow('no mail with a link');
    expect(emails.mails.at(-1)).toMatchObject({ kind: 'email_taken', to: old });
    await change(old);
    expect(await now()).toMatchObject({ email: old, logins: ['dana', old] });
  });

  it('goes to no other account that had proven it before', async () => {
    const other = await add('other', 'other@acme.example');
    await write({ email: fresh, logins: ['dana', fresh] });
    const confirm = await emails.begin(other, old);
    await write({ email: old, logins: ['dana', old] });
    await change('next@acme.example');
    expect(await confirm()).toEqual({ ok: false, reason: 'taken' });
  });

  it('leaves the account with all that was kept beside it when it no longer can', async () => {
    const records = people.tenant('acme').accounts;
    const forget = createForgetEndedEmails({ records, clock: people.clock });
    await change();
    people.clock.advance(day);
    await change('next@acme.example');
    people.clock.advance(2 * day - 1);
    expect(await forget()).toBe(0);
    people.clock.advance(1);
    const { version, ...before } = await now();
    const forgotten = await Promise.all(Array.from({ length: 20 }, () => forget()));
    expect(forgotten.toSorted().slice(-2)).toEqual([0, 1]);
    expect(await now()).toEqual({
      ...before,
      formerEmails: [before.formerEmails?.[1]],
      version: version + 1,
    });
    people.clock.advance(day);
    expect(await forget()).toBe(1);
    expect(await now()).not.toHaveProperty('formerEmails');
    expect(await forget()).toBe(0);
  });

  it('leaves each of many accounts at once when they no longer can', async () => {
    const records = people.tenant('acme').accounts;
    await change();
    const { formerEmails = [], ...account } = await now();
    for (let n = 0; n < 120; n += 1) {
      const copy = {
        ...account,
        sub: `copy-${n}`,
        username: `copy-${n}`,
        logins: [`copy-${n}`],
        formerEmails,
      };
      expect(await records.insert(copy)).toBe(true);
    }
    people.clock.advance(3 * day);
    expect(await createForgetEndedEmails({ records, clock: people.clock })()).toBe(121);
    expect(await now()).not.toHaveProperty('formerEmails');
  });

  it('is free when an operator has chosen the address of the account', async () => {
    await change();
    expect(await people.users().edit('dana', { email: 'chosen@acme.example' })).toMatchObject({ ok: true });
    expect(await emails.findKnown(old)).toBeUndefined();
  });
});

describe('the link', () => {
  const outage = () => Promise.reject(new AppError('unavailable', 'The store cannot be reached'));

  it('stays good after an outage, whatever cannot be reached', async () => {
    await change();
    const link = emails.linkTo(old);
    const { accounts } = people.tenant('acme');
    const audit = people.audit('acme');
    for (const parts of [
      { records: { ...accounts, findByLogin: outage } },
      { records: { ...accounts, update: outage } },
      { audit: { ...audit, noteBefore: outage } },
    ])
      await expect(emails.undo(parts).undo(link, from)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await emails.undo().undo(link, from)).toEqual({ ok: true });
  });

  it('says that the address is back when the answer of the store was lost, and ends what is left', async () => {
    await change();
    const link = emails.linkTo(old);
    const { accounts } = people.tenant('acme');
    const update: typeof accounts.update = async (...patch) => {
      await accounts.update(...patch);
      return outage();
    };
    const ended: unknown[] = [];
    const revocations = { endAccount: async (sub: string) => void ended.push(sub) };
    const undoAgain = () => emails.undo({ revocations }).undo(link, from);
    await expect(emails.undo({ records: { ...accounts, update } }).undo(link, from)).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await undoAgain()).toEqual({ ok: false, reason: 'done' });
    expect(emails.forgotten).toEqual([`${dana.sub} local`, `${dana.sub} corp`]);
    const { version } = await now();
    expect(await undoAgain()).toEqual({ ok: false, reason: 'done' });
    expect(await emails.undo().findDone(link)).toMatchObject({ email: old, account: { sub: dana.sub } });
    expect([ended, emails.forgotten.length, (await now()).version]).toEqual([[dana.sub], 2, version]);
    await change();
    expect(await undoAgain()).toEqual({ ok: false, reason: 'link' });
  });

  it('stays good while another account has the address', async () => {
    await change();
    const other = await add('other', old);
    expect(await undo()).toEqual({ ok: false, reason: 'taken' });
    await people.users().edit(other.username, { email: null });
    expect(await undo()).toEqual({ ok: true });
  });

  it('counts once, of 20 uses at once, even when it cannot be used up', async () => {
    await change();
    const link = emails.linkTo(old);
    const verifications = { ...emails.verifications, consumeLink: outage };
    const used = await Promise.all(
      Array.from({ length: 20 }, () => emails.undo({ verifications }).undo(link, from)),
    );
    expect(used.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await emails.undo().find(link)).toBeUndefined();
  });
});
