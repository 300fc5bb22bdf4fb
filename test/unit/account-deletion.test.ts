import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createAccountDeletion } from '../../src/accounts/account-deletion.ts';
import { createNotifyOfChange } from '../../src/accounts/account-notices.ts';
import { createDeletionCallOff } from '../../src/accounts/deletion-call-off.ts';
import { createDueDeletions } from '../../src/accounts/due-deletions.ts';
import { createRevocations } from '../../src/accounts/revocations.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import type { Clock } from '../../src/clock.ts';
import type { DeletionRules } from '../../src/config/tenant/tenant-definition.ts';
import { AppError } from '../../src/errors.ts';
import { authorizationsOf } from '../../src/oidc/adapter/artifact-payload.ts';
import type { AccountPatch, AccountRecord, AccountRecords } from '../../src/storage/storage.ts';
import { artifact, times } from '../contract/storage-samples.ts';
import { openPeople, type People, seedOf } from '../support/people.ts';

const password = 'lantern orbit mosaic';
const from = { address: '192.0.2.1', requestId: 'r' };
const grace = 7 * 24 * 3600;
let people: People;
let mails: string[];

beforeEach(async () => {
  people = await openPeople();
  mails = [];
});
afterEach(() => people.close());

const mail = {
  hold: async ({ kind }: { readonly kind: string }) => ({
    release: async () => void mails.push(kind),
    remove: async () => {},
  }),
};

interface Changed {
  readonly rules?: Partial<DeletionRules>;
  readonly clock?: Clock;
  readonly purgeAccount?: (sub: string) => Promise<number>;
  readonly update?: AccountRecords['update'];
}

const deletion = ({ rules, clock = people.clock, purgeAccount, update }: Changed = {}) => {
  const storage = people.tenant('acme');
  const accounts = update === undefined ? storage.accounts : { ...storage.accounts, update };
  return createAccountDeletion({
    definition: {
      accounts: {
        usernameChange: false,
        deletion: { allowed: 'local', graceSeconds: grace, ...rules },
      },
      users: [seedOf('demo-dora')],
    },
    storage: { ...storage, accounts },
    revocations: createRevocations({ storage, authorizationsOf, wantsLogout: () => true, clock }),
    throttle: createThrottle(storage.counters, clock),
    purgeAccount: purgeAccount ?? ((sub) => people.storage.purgeAccount('acme', sub)),
    notifyOfChange: createNotifyOfChange({ mail, locale: 'en', clock, log: people.log }),
    audit: people.audit('acme'),
    clock,
  });
};
const callOffAt = (clock: Clock = people.clock) =>
  createDeletionCallOff({
    records: people.tenant('acme').accounts,
    notifyOfChange: createNotifyOfChange({ mail, locale: 'en', clock, log: people.log }),
    audit: people.audit('acme'),
    clock,
  });

const add = async (username = 'dora'): Promise<AccountRecord> => {
  const added = await people
    .users()
    .add({ username, password, email: `${username}@acme.example`, emailVerified: true });
  if (!added.ok) throw new Error(added.message);
  return added.account;
};
const stored = (sub: string) => people.tenant('acme').accounts.findBySub(sub);
const by = (sub: string) => ({ actor: sub, ...from });
const begin = async (account: AccountRecord): Promise<AccountRecord> => {
  expect(await deletion().begin(account, by(account.sub))).toMatchObject({ ok: true });
  return (await stored(account.sub)) as AccountRecord; // there until its time has come
};
const secondsOf = (nowMs: number): number => Math.ceil(nowMs / 1000);
const actionsOf = async (sub: string) =>
  (await people.tenant('acme').audit.list({ sub, limit: 100 })).map(({ action }) => action);

describe('asking for the deletion', () => {
  it('is done once, however often the form was sent', async () => {
    const account = await add();
    const begun = await Promise.all(times(20, () => deletion().begin(account, by(account.sub))));
    const deleteAt = people.clock.now() + grace * 1000;
    expect(new Set(begun.map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify({ ok: true, deleteAt })]),
    );
    expect(mails).toEqual(['account_deletion_begun']);
    expect((await actionsOf(account.sub)).filter((one) => one === 'account.delete_begin')).toHaveLength(1);
  });

  it.each([
    ['local', 'local', undefined],
    ['local', 'source', 'tenant'],
    ['everyone', 'source', undefined],
    ['nobody', 'local', 'tenant'],
    ['everyone', 'demo', 'file'],
  ] as const)('where it is for %s, a person of the kind %s: %s', async (allowed, origin, refusal) => {
    const account = { ...(await add()), origin };
    expect(deletion({ rules: { allowed } }).refusalFor(account)).toBe(refusal);
    if (refusal === undefined) return;
    const begun = await deletion({ rules: { allowed } }).begin(account, by(account.sub));
    expect(begun).toEqual({ ok: false, reason: refusal });
    expect(await stored(account.sub)).not.toHaveProperty('deleteAt');
  });

  it('is not for a person of the file whose password an operator has changed', async () => {
    const account = await add('demo-dora');
    expect(deletion().refusalFor(account)).toBe('file');
    const ofSource = { ...account, origin: 'source' } as const;
    expect(deletion({ rules: { allowed: 'everyone' } }).refusalFor(ofSource)).toBeUndefined();
  });

  it('is refused for an account that an operator has disabled meanwhile', async () => {
    const account = await add();
    await people.users().disable('dora');
    await expect(deletion().begin(account, by(account.sub))).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('asking for the deletion of an account that is being changed', () => {
  /** Another change wins the first time. */
  const afterOther = (sub: string, patch: AccountPatch): AccountRecords['update'] => {
    const { accounts } = people.tenant('acme');
    let isFirst = true;
    return async (...update) => {
      if (isFirst) await accounts.update(sub, patch);
      isFirst = false;
      return accounts.update(...update);
    };
  };

  it('is refused when the person was signed out everywhere', async () => {
    const account = await add();
    const { sub } = account;
    const late = deletion({ update: afterOther(sub, { notBefore: 4e9 }) }).begin(account, by(sub));
    await expect(late).rejects.toMatchObject({ code: 'not_found' });
    expect(await stored(sub)).not.toHaveProperty('deleteAt');
    expect(mails).toEqual([]);
  });

  it('is refused when the account is one of a source by now', async () => {
    const account = await add();
    const { sub } = account;
    const late = deletion({ update: afterOther(sub, { origin: 'source' }) }).begin(account, by(sub));
    expect(await late).toEqual({ ok: false, reason: 'tenant' });
    expect(await stored(sub)).not.toHaveProperty('deleteAt');
  });

  it('has a date when no address of before can be put back any more', async () => {
    const account = await add();
    const { sub } = account;
    const until = people.clock.now() + 3 * 24 * 3600_000;
    const formerEmails = [{ id: 'i', email: 'old@acme.example', username: 'dora', until, kept: {} }];
    const soon = deletion({
      rules: { graceSeconds: 3600 },
      update: afterOther(sub, { formerEmails }),
    });
    expect(soon.dueAt(account)).toBe(people.clock.now() + 3600_000);
    expect(await soon.begin(account, by(sub))).toEqual({ ok: true, deleteAt: until });
    expect(await stored(sub)).toMatchObject({ deleteAt: until });
    expect(deletion().dueAt({ ...account, formerEmails })).toBe(people.clock.now() + grace * 1000);
  });
});

describe('a sign-in', () => {
  it('calls the deletion off once, of 20 at once', async () => {
    const account = await begin(await add());
    people.clock.advance(5000);
    const signedInAt = secondsOf(people.clock.now());
    const kept = await Promise.all(times(20, () => callOffAt()({ account, signedInAt, ...from })));
    expect(kept.map((one) => one?.deleteAt)).toEqual(kept.map(() => undefined));
    expect(kept.every((one) => one !== undefined)).toBe(true);
    expect(mails).toEqual(['account_deletion_begun', 'account_deletion_undone']);
    expect((await actionsOf(account.sub)).filter((one) => one === 'account.delete_undo')).toHaveLength(1);
  });

  it('that began before the request does not', async () => {
    const account = await add();
    const signedInAt = secondsOf(people.clock.now()) - 10;
    const asked = await begin(account);
    expect(await callOffAt()({ account: asked, signedInAt, ...from })).toBeUndefined();
    expect(await stored(account.sub)).toHaveProperty('deleteAt');
  });

  it('by a program at the gateway does not, and is refused', async () => {
    const account = await begin(await add());
    people.clock.advance(5000);
    const attempt = { login: 'dora', password, ...from };
    const accounts = people.accounts();
    expect(await accounts.signInAtOnce({ ...attempt, via: 'basic' })).toEqual({
      ok: false,
      reason: 'credentials',
    });
    expect(await stored(account.sub)).toHaveProperty('deleteAt');
    expect(await accounts.signInAtOnce({ ...attempt, via: 'password_grant' })).toMatchObject({ ok: true });
    expect(await stored(account.sub)).not.toHaveProperty('deleteAt');
    expect(await accounts.signInAtOnce({ ...attempt, via: 'basic' })).toMatchObject({ ok: true });
  });

  it('reads and writes nothing for anybody else', async () => {
    const account = await add();
    const { version } = account;
    expect(await callOffAt()({ account, signedInAt: 0, ...from })).toBe(account);
    expect((await stored(account.sub))?.version).toBe(version);
    expect(mails).toEqual([]);
  });
});

describe('when the time has come', () => {
  it('one instance removes the account, of 20 that look', async () => {
    const { sub } = await begin(await add());
    const other = await add('nora');
    people.clock.advance(grace * 1000);
    const removed = await Promise.all(times(20, () => deletion().removeDue()));
    expect(removed.reduce((all, one) => all + one, 0)).toBe(1);
    expect(await stored(sub)).toBeUndefined();
    expect(await stored(other.sub)).toBeDefined();
    expect((await actionsOf(sub)).filter((one) => one === 'user.delete')).toHaveLength(1);
  });

  it('another instance finishes what one has left undone', async () => {
    const account = await begin(await add());
    people.clock.advance(grace * 1000);
    const broken = deletion({
      purgeAccount: () => Promise.reject(new AppError('unavailable', 'The store is away')),
    });
    await expect(broken.removeDue()).rejects.toMatchObject({ code: 'unavailable' });
    const signedInAt = secondsOf(people.clock.now());
    expect(await callOffAt()({ account, signedInAt, ...from })).toBeUndefined();
    expect(await deletion().removeDue()).toBe(0);
    people.clock.advance(120_000);
    expect(await deletion().removeDue()).toBe(1);
    expect(await stored(account.sub)).toBeUndefined();
  });

  it('a sign-in that comes between the look at an account and its removal keeps it', async () => {
    const account = await begin(await add());
    const { sub, deleteAt = 0 } = account;
    const { accounts, artifacts } = people.tenant('acme');
    const signedInAt = secondsOf(people.clock.now()) + 1;
    const removed: string[] = [];
    const removeDue = createDueDeletions({
      records: {
        ...accounts,
        findBySub: async (asked) => {
          const found = await accounts.findBySub(asked);
          await callOffAt({ now: () => deleteAt - 1 })({ account, signedInAt, ...from });
          return found;
        },
      },
      artifacts,
      remove: async (one) => void removed.push(one.sub),
      clock: { now: () => deleteAt },
    });
    expect(await removeDue()).toBe(0);
    expect(removed).toEqual([]);
    expect(await stored(sub)).toMatchObject({ username: 'dora' });
    expect(await stored(sub)).not.toHaveProperty('disabledAt');
  });

  it('a sign-in at the last moment keeps the whole account, or is refused', async () => {
    const { artifacts } = people.tenant('acme');
    for (const round of times(20, (n) => n)) {
      const account = await begin(await add(`dora-${round}`));
      const { sub, deleteAt = 0 } = account;
      const id = `grant-${round}`;
      await artifacts.write([
        {
          op: 'put',
          artifact: artifact({ kind: 'Grant', id, accountId: sub, expiresAt: secondsOf(deleteAt) + 3600 }),
        },
      ]);
      const signedInAt = secondsOf(people.clock.now()) + 1;
      // the clocks of two instances are never the same
      const signIn = () => callOffAt({ now: () => deleteAt - 1 })({ account, signedInAt, ...from });
      const remove = () => deletion({ clock: { now: () => deleteAt } }).removeDue();
      const [kept, removed] =
        round % 2 === 0
          ? await Promise.all([signIn(), remove()])
          : await Promise.all([remove(), signIn()]).then(([one, other]) => [other, one] as const);
      const after = await stored(sub);
      const grants = await artifacts.grantsOf(sub, { limit: 5 });
      expect([removed, after === undefined, grants.length]).toEqual(
        kept === undefined ? [1, true, 0] : [0, false, 1],
      );
      expect(after?.disabledAt).toBeUndefined();
    }
  });
});
