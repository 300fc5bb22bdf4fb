import { createLocalConnector } from '../../src/connectors/local/local-connector.ts';
import { localSource, openPeople } from '../support/people.ts';
import { connectorContract } from './connector.contract.ts';

const contractPeople = [
  { login: 'alice', password: 'lantern orbit mosaic' },
  { login: 'bob@acme.example', password: 'velvet canyon thimble' },
] as const;

connectorContract('local list', async () => {
  const people = await openPeople();
  await people.users().add({ username: 'alice', password: contractPeople[0].password });
  await people
    .users()
    .add({ username: 'bob', email: 'bob@acme.example', password: contractPeople[1].password });
  const connector = createLocalConnector(localSource, {
    tenant: 'acme',
    records: people.tenant('acme').accounts,
    hasher: people.hasher,
    hasLocalPassword: () => true,
    faultOfPassword: () => undefined,
    log: people.log,
  });
  return {
    connector,
    people: contractPeople,
    nobody: 'AAAAAAAAAAAAAAAAAAAAAA',
    secrets: [],
    cleanup: () => people.close(),
  };
});
