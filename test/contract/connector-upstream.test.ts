import { oauth2Source, openConnectors } from '../support/upstream-fixture.ts';
import { openUpstreamOauth2 } from '../support/upstream-oauth2.ts';
import { type ConnectorFixture, connectorContract } from './connector.contract.ts';

const people: ConnectorFixture['people'] = [
  { login: 'anna', password: 'anna-Passw0rd' },
  { login: 'bert', password: 'bert-Passw0rd' },
];

connectorContract('passwords at an OAuth 2.0 server', async () => {
  const upstream = await openUpstreamOauth2(people);
  const connectors = openConnectors();
  const source = oauth2Source(upstream.url, {
    passwordSignIn: true,
    requestTimeoutMs: 10_000,
    details: { uri: `${upstream.url}/details/{subject}` },
  });
  return {
    connector: connectors.connector(source),
    people,
    nobody: 'nobody',
    secrets: [source.clientSecret ?? ''],
    outage: {
      begin: async () => upstream.setFaults({ at: /./, fault: { kind: 'down' } }),
      end: async () => upstream.setFaults(),
    },
    cleanup: async () => {
      await connectors.close();
      await upstream.close();
    },
  };
});
