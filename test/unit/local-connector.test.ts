import { expect, it } from '@jest/globals';
import { createLocalConnector } from '../../src/connectors/local/local-connector.ts';
import { localSource, openPeople } from '../support/people.ts';

it('the local list knows no person whom another source made, until their password is here', async () => {
  const people = await openPeople();
  try {
    const records = people.tenant('acme').accounts;
    await records.insert({
      ...{ sub: 'sub-of-eve', logins: ['eve'], username: 'eve', claims: {}, groups: [], roles: [] },
      ...{ origin: 'source', createdAt: 1, updatedAt: 1, version: 1 },
    });
    const statusWhen = async (isHere: boolean) => {
      const parts = { tenant: 'acme', records, hasher: people.hasher, log: people.log };
      const connector = createLocalConnector(localSource, { ...parts, hasLocalPassword: () => isHere });
      return (await connector.lookup?.find({ login: 'eve' }))?.status;
    };
    expect(await statusWhen(false)).toBe('absent');
    expect(await statusWhen(true)).toBe('present');
  } finally {
    await people.close();
  }
});
