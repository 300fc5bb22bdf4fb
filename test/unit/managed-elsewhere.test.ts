import { describe, expect, it } from '@jest/globals';
import {
  type AccountSources,
  canChangePassword,
  managedElsewhere,
} from '../../src/accounts/managed-elsewhere.ts';
import { account } from '../contract/storage-samples.ts';

const sourcesOf = (changesPasswords: boolean): AccountSources => {
  const definition = { id: 'staff', displayName: 'Staff directory', type: 'ldap' };
  const change = () => Promise.reject(new Error('nobody changes one here'));
  const connector = { definition, passwords: changesPasswords ? { change } : {} };
  // what is looked at of a tenant's sources
  return { sources: [definition], connectors: [connector] } as unknown as AccountSources;
};
const identities = [{ source: 'staff', subject: 's-1', linkedAt: 1, checkedAt: 1 }];
const ofDirectory = account({ origin: 'source', identities });

describe('what is changed at a source', () => {
  it.each([
    [
      'all of a person of a directory',
      ofDirectory,
      false,
      { profile: ['Staff directory'], password: ['Staff directory'] },
    ],
    [
      'not the password, where the directory lets it be changed',
      ofDirectory,
      true,
      { profile: ['Staff directory'] },
    ],
    ['nothing of a local person', account(), false, {}],
    ['nothing of a local person who connected a source', account({ identities }), false, {}],
    [
      'nothing at a source that no longer knows the person',
      account({ origin: 'source', identities: identities.map((one) => ({ ...one, goneAt: 2 })) }),
      false,
      {},
    ],
    [
      'nothing at a source that is no longer there',
      account({ origin: 'source', identities: identities.map((one) => ({ ...one, source: 'old' })) }),
      false,
      {},
    ],
  ])('is %s', (_what, person, changesPasswords, expected) => {
    expect(managedElsewhere(person, sourcesOf(changesPasswords))).toEqual(expected);
  });

  it('is the password, only for people whom that source knows', () => {
    expect(canChangePassword(ofDirectory, sourcesOf(true))).toBe(true);
    expect(canChangePassword(account(), sourcesOf(true))).toBe(false);
    expect(canChangePassword({ ...ofDirectory, origin: 'demo' }, sourcesOf(true))).toBe(false);
  });
});
