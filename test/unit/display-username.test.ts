import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Accounts } from '../../src/accounts/account-types.ts';
import { openPeople, type People } from '../support/people.ts';
import { createScriptedSource } from '../support/scripted-source.ts';

let people: People;
let accounts: Accounts;
const corp = createScriptedSource('corp');
const guests = createScriptedSource('guests');

beforeEach(async () => {
  people = await openPeople();
  await people
    .users()
    .add({ username: 'admin', email: 'admin@acme.example', password: 'lantern orbit mosaic' });
  accounts = people.accountsOf(['local', corp.connector, guests.connector]);
});
afterEach(() => people.close());

/** What services are sent of somebody who comes from there and says to be called so. */
const usernameOf = async (source: typeof corp, username: string, subject = 's-1'): Promise<string> => {
  source.people.set(subject, { subject, password: 'pw', username });
  const outcome = await accounts.admit(await source.identityOf(subject), {
    address: '192.0.2.1',
    via: 'upstream',
  });
  if (!outcome.ok) throw new Error('not admitted');
  return accounts.displayUsername(outcome.account);
};

describe('the username that services are sent', () => {
  it('of local people is their own', async () => {
    const { accounts: records } = people.tenant('acme');
    const admin = await records.findByLogin('admin');
    if (admin === undefined) throw new Error('no admin');
    expect(await accounts.displayUsername(admin)).toBe('admin');
  });

  it('of people of the first other source is what they are called there', async () => {
    expect(await usernameOf(corp, 'anna')).toBe('anna');
  });

  it.each(['admin', 'Admin', ' ADMIN ', 'ａdmin', 'admin@acme.example'])(
    'is never that of a local user: %j',
    async (name) => {
      expect(await usernameOf(corp, name)).toMatch(/^corp:/);
      expect(await usernameOf(guests, name)).toMatch(/^guests:/);
    },
  );

  it('is never that of a person of an earlier source', async () => {
    expect(await usernameOf(guests, 'anna')).toBe('guests:anna');
  });

  it('is never that of a person of a later source', async () => {
    expect(await usernameOf(corp, 'guests:anna')).toBe('corp:guests:anna');
  });
});
