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
beforeEach(() => {
  waiting = undefined;
  lines = [];
});

const notifyWith = (fault: 'release' | 'remove' | undefined) =>
  createNotifyOfChange({
    locale: 'en',
    log: createLog({ level: 'info' }, { write: (line) => void lines.push(line) }),
    mail: {
      hold: async () => {
        waiting = 'held';
        const settle = (as: 'released' | 'removed') => async () => {
          waiting = as;
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
