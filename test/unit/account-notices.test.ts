import { beforeEach, describe, expect, it } from '@jest/globals';
import { createNotifyOfChange } from '../../src/accounts/account-notices.ts';
import { AppError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';

const alice: AccountRecord = {
  sub: 'sub-of-alice',
  logins: ['alice'],
  username: 'alice',
  email: 'alice@acme.example',
  emailVerified: true,
  claims: {},
  groups: [],
  roles: [],
  origin: 'local',
  createdAt: 1,
  updatedAt: 1,
  version: 1,
};
const outage = new AppError('unavailable', 'The store cannot be reached');
const fails = () => Promise.reject(outage);

let waiting: 'held' | 'released' | 'removed' | undefined;
let lines: string[];
/** What became of the mail to each address. */
let mails: Map<string, 'held' | 'released' | 'removed'>;
beforeEach(() => {
  waiting = undefined;
  lines = [];
  mails = new Map();
});

const notifyWith = (fault: 'release' | 'remove' | undefined, unwritable?: string) =>
  createNotifyOfChange({
    locale: 'en',
    clock: { now: () => 1000 },
    log: createLog({ level: 'info' }, { write: (line) => void lines.push(line) }),
    mail: {
      hold: async ({ to }) => {
        if (to === unwritable) throw outage;
        waiting = 'held';
        mails.set(to, waiting);
        const settle = (as: 'released' | 'removed') => async () => {
          waiting = as;
          mails.set(to, as);
        };
        return {
          release: fault === 'release' ? fails : settle('released'),
          remove: fault === 'remove' ? fails : settle('removed'),
        };
      },
    },
  });
const notice = { kind: 'factor_removed' } as const;

describe('the mail about a change', () => {
  it('stays for its minute when it cannot be released, and the change is made', async () => {
    const made = notifyWith('release')(alice, notice, { make: async () => 'made' });
    await expect(made).resolves.toBe('made');
    expect(waiting).toBe('held');
    expect(lines.join()).toContain('a mail about a change could not be settled');
    expect(lines.join()).not.toContain('alice@acme.example');
  });

  it('is taken back when the change fails, and says why it failed', async () => {
    const change = { make: () => Promise.reject(new AppError('not_found', 'There is no such account')) };
    await expect(notifyWith(undefined)(alice, notice, change)).rejects.toThrow('There is no such account');
    expect(waiting).toBe('removed');
    await expect(notifyWith('remove')(alice, notice, change)).rejects.toThrow('There is no such account');
  });

  it('is taken back when nothing was changed, whether that works or not', async () => {
    const change = { make: async () => false, isDone: (isDone: boolean) => isDone };
    await expect(notifyWith(undefined)(alice, notice, change)).resolves.toBe(false);
    expect(waiting).toBe('removed');
    await expect(notifyWith('remove')(alice, notice, change)).resolves.toBe(false);
  });
});

describe('the mails about a change', () => {
  const former = (email: string, until: number) => ({ id: email, email, username: 'alice', until, kept: {} });
  const moved: AccountRecord = {
    ...alice,
    formerEmails: [former('past@acme.example', 1000), former('old@acme.example', 1001)],
  };
  const make = async () => 'made';

  it('leave by themselves, with a link, when nobody knows whether the change was made', async () => {
    const undoable = { ...notice, link: 'https://login.example/undo', linkSeconds: 60 };
    const broken = () => Promise.reject(new Error('a fault of ours'));
    await expect(notifyWith(undefined)(alice, undoable, { make: fails })).rejects.toBe(outage);
    expect(waiting).toBe('held');
    await expect(notifyWith(undefined)(alice, undoable, { make: broken })).rejects.toThrow('a fault');
    expect(waiting).toBe('held');
    const refused = () => Promise.reject(new AppError('not_found', 'There is no such account'));
    await expect(notifyWith(undefined)(alice, undoable, { make: refused })).rejects.toThrow('no such');
    expect(waiting).toBe('removed');
  });

  it('go to addresses of before too, while they can be put back', async () => {
    await notifyWith(undefined)(moved, notice, { make });
    expect(mails).toEqual(
      new Map([
        ['alice@acme.example', 'released'],
        ['old@acme.example', 'released'],
      ]),
    );
  });

  it('go to addresses of before alone, when that of now is not verified', async () => {
    await notifyWith(undefined)({ ...moved, emailVerified: false }, notice, { make });
    expect([...mails.keys()]).toEqual(['old@acme.example']);
  });

  it('go to the address of now alone, with a link that is for its reader', async () => {
    const link = 'https://login.example/undo';
    await notifyWith(undefined)(moved, { ...notice, link, linkSeconds: 60 }, { make });
    expect([...mails.keys()]).toEqual(['alice@acme.example']);
  });

  it('go once to one address', async () => {
    const formerEmails = ['Alice@acme.example', 'old@acme.example'].map((email) => former(email, 5000));
    await notifyWith(undefined)({ ...alice, formerEmails }, notice, { make });
    expect([...mails.keys()].toSorted()).toEqual(['alice@acme.example', 'old@acme.example']);
  });

  it('are taken back, and nothing is changed, when one of them cannot be written', async () => {
    let isMade = false;
    const change = { make: async () => (isMade = true) };
    await expect(notifyWith(undefined, 'alice@acme.example')(moved, notice, change)).rejects.toBe(outage);
    expect([isMade, ...mails.values()]).toEqual([false, 'removed']);
  });
});
