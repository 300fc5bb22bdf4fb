import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SignInOutcome } from '../../src/accounts/account-types.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { openPeople, type People, seedOf } from '../support/people.ts';
import { createScriptedSource, type ScriptedSource } from '../support/scripted-source.ts';

let people: People;
let corp: ScriptedSource;
let stranger: ScriptedSource;

beforeEach(async () => {
  people = await openPeople();
  const erin = { username: 'erin', password: 'lantern orbit mosaic' };
  await people.users().add({ ...erin, email: 'erin@local.test', emailVerified: true });
  corp = createScriptedSource('corp', { trustedEmailDomains: ['acme.test'] });
  stranger = createScriptedSource('stranger', { domains: ['stranger.test'] });
});
afterEach(() => people.close());

const signIn = async (
  source: ScriptedSource,
  email: string,
  emailVerified = true,
): Promise<AccountRecord> => {
  source.people.set('x', { subject: 'x-1', password: 'pw', username: 'x', email, emailVerified });
  const accounts = people.accountsOf(['local', corp.connector, stranger.connector]);
  const outcome: SignInOutcome = await accounts.signIn({
    login: 'x',
    password: 'pw',
    address: '192.0.2.1',
    via: 'page',
  });
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.account;
};
const shown = (account: AccountRecord): Promise<string | undefined> =>
  people.accountsOf(['local', corp.connector, stranger.connector]).displayEmail(account);

describe('an address is shown to services', () => {
  it.each([
    ['a source that is trusted with its domain', () => corp, 'x@acme.test', true],
    ['a source whose people have its domain', () => stranger, 'x@stranger.test', true],
    ['any source, where the domain is nobody else’s', () => stranger, 'x@elsewhere.test', true],
    ['another source that says so of a domain of the tenant', () => stranger, 'x@acme.test', false],
    ['a source that says so of an address that a local user has', () => stranger, 'Erin@local.test', false],
  ])('by %s', async (_name, source, email, isShown) => {
    const account = await signIn(source(), email);
    expect(account.emailVerified).toBe(isShown);
    expect(await shown(account)).toBe(isShown ? email : undefined);
  });

  it('only if it is verified', async () => {
    const account = await signIn(corp, 'x@acme.test', false);
    expect(account.email).toBe('x@acme.test');
    expect(await shown(account)).toBeUndefined();
  });

  it('no longer once another account has it', async () => {
    const account = await signIn(stranger, 'new@elsewhere.test');
    const other = { username: 'new', password: 'lantern orbit mosaic', email: 'new@elsewhere.test' };
    await people.users().add({ ...other, emailVerified: true });
    expect(await shown(account)).toBeUndefined();
  });

  it('of local users as the operator says', async () => {
    const erin = await people.tenant('acme').accounts.findByLogin('erin');
    if (erin === undefined) throw new Error('erin is gone');
    expect(await shown(erin)).toBe('erin@local.test');
    expect(await shown({ ...erin, emailVerified: false })).toBeUndefined();
  });

  it.each([
    ['has', 'mallory@list.test', 'mallory', false],
    ['has as a name to sign in with', 'mallory@names.test', 'kim@names.test', false],
    ['does not have', 'mallory@other.test', 'mallory', true],
  ])(
    'not by a source without trust, in a domain that a user of the file %s',
    async (_name, email, username, isShown) => {
      stranger.people.set('x', { subject: 'x-1', password: 'pw', username: 'x', email, emailVerified: true });
      const users = [seedOf(username, { email: 'kim@LIST.test' })];
      const accounts = people.accountsOf(['local', stranger.connector], { demo: true, users });
      const outcome = await accounts.signIn({
        login: 'x',
        password: 'pw',
        address: '192.0.2.1',
        via: 'page',
      });
      if (!outcome.ok) throw new Error(outcome.reason);
      expect(outcome.account.emailVerified).toBe(isShown);
      expect(await accounts.displayEmail(outcome.account)).toBe(isShown ? email : undefined);
    },
  );
});
