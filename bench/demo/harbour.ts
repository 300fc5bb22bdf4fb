// A server of its own with two tenants and a small service behind its gateway, which tells what it was sent.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exchange } from './http-exchange.ts';
import { type OwnServer, startOwnServer } from './own-server.ts';

/** What the service was sent. */
export interface Delivered {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** @throws Error when the answer is not the service's */
export const readDelivered = (answer: Exchange): Delivered => {
  if (answer.status !== 200)
    throw new Error(
      `expected the service's answer, saw ${answer.status} ${String(answer.headers['x-error'])}`,
    );
  return JSON.parse(answer.text) as Delivered; // of this file
};

export interface Harbour extends OwnServer {
  /** Where the service is for its callers. */
  readonly serviceUrl: string;
}

export const serviceResource = 'https://api.example/cargo';

const person = (username: string, password: string, roles: readonly string[]) => ({
  username,
  password,
  email: `${username}@example.com`,
  emailVerified: true,
  claims: { name: username === 'mara' ? 'Mara Moss' : 'Nils Nord' },
  roles,
});

const harbour = {
  displayName: 'Harbour',
  demo: true,
  grants: { password: true },
  resources: [{ identifier: serviceResource, scopes: { 'cargo:read': 'See cargo' } }],
  clients: [
    {
      client_id: 'migrator',
      client_secret: 'opens-only-this-short-lived-server-0123456789',
      grant_types: ['password'],
    },
    {
      client_id: 'scanner',
      client_name: 'Scanner',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      firstParty: true,
    },
  ],
  users: [person('mara', 'keeper of the harbour', ['keeper']), person('nils', 'loads and unloads', [])],
  gateway: { deviceClient: 'scanner' },
};

const shipyard = {
  displayName: 'Shipyard',
  demo: true,
  resources: [{ identifier: serviceResource }],
  users: [person('mara', 'keeper of the harbour', [])],
};

/** @throws Error with what the server said when it does not start */
export const openHarbour = async (): Promise<Harbour> => {
  const service = createServer((req, res) => {
    const { method = '', url = '', headers } = req;
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ method, url, headers } satisfies Delivered));
  });
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { port } = service.address() as AddressInfo; // it listens on TCP
  const services = [
    {
      name: 'cargo',
      prefix: '/cargo',
      target: `http://127.0.0.1:${port}`,
      tenants: ['harbour'],
      resources: [serviceResource],
      basic: true,
      rules: [
        { paths: ['/cargo/keys/**'], roles: ['keeper'] },
        { paths: ['/cargo/keys/**'], access: 'deny' },
        { access: 'allow' },
      ],
    },
  ];
  const server = await startOwnServer(() => ({
    tenants: { harbour, shipyard },
    environment: {
      DRAWBRIDGE_GATEWAY__SERVICES: JSON.stringify(services),
      DRAWBRIDGE_SERVER__TRUSTED_PROXIES: '127.0.0.1,::1',
    },
  }));
  return {
    ...server,
    serviceUrl: `${server.url}/cargo`,
    close: async () => {
      await server.close();
      service.closeAllConnections();
      service.close();
    },
  };
};
