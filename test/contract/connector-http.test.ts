import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/clock.ts';
import { createHttpConnector } from '../../src/connectors/http/http-connector.ts';
import { openTransport } from '../../src/connectors/upstream/transport.ts';
import { connectorContract } from './connector.contract.ts';

const secret = 'the-bearer-secret-of-the-contract';
const people = [
  { login: 'anna', password: 'anna-Passw0rd' },
  { login: 'bert', password: 'bert-Passw0rd' },
] as const;

/** A legacy system that keeps to the contract in the docstring of `createHttpConnector`. */
const openVerifier = async () => {
  let isDown = false;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (isDown) return void response.writeHead(502).end('<h1>Bad gateway</h1>');
    if (request.headers.authorization !== `Bearer ${secret}`)
      return void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    const { username, password } = JSON.parse(body) as { username: string; password: string };
    const person = people.find(({ login }) => login === username);
    if (person === undefined) return void response.writeHead(404).end('{"error":"unknown"}');
    if (person.password !== password) return void response.writeHead(401).end();
    response.writeHead(200).end(JSON.stringify({ subject: `id-of-${username}`, username }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/check`, // it listens on TCP
    setDown: (down: boolean) => {
      isDown = down;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

connectorContract('HTTP verifier', async () => {
  const verifier = await openVerifier();
  const transport = openTransport();
  const connector = createHttpConnector(
    {
      id: 'legacy',
      type: 'http',
      displayName: 'The old system',
      domains: [],
      trustedEmailDomains: [],
      mapping: [],
      adopt: 'off',
      recheckSeconds: 300,
      degradedSeconds: 0,
      revealLock: false,
      url: verifier.url,
      secret,
      tls: {},
      requestTimeoutMs: 2000,
    },
    { transport, clock: systemClock },
  );
  return {
    connector,
    people,
    nobody: 'id-of-nobody',
    secrets: [secret],
    outage: {
      begin: async () => verifier.setDown(true),
      end: async () => verifier.setDown(false),
    },
    cleanup: async () => {
      await transport.close();
      verifier.close();
    },
  };
});
