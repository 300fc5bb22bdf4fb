import { describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { AccessRule } from '../../src/config/gateway/gateway-definition.ts';
import { createBrowser } from '../support/browser.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { type Parameters, redeem, signIn, type TokenBody } from '../support/oauth-client.ts';
import {
  type KnownClient,
  openClient,
  ordersResource,
  partner,
  publicClient,
  sampleClients,
  sampleTenant,
  web,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const stranger = openClient('stranger', 'http://127.0.0.1:49153/callback');
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;
const rules: readonly AccessRule[] = [
  { paths: ['/admin/**'], roles: ['admin'], access: 'allow' },
  { paths: ['/admin/**'], access: 'deny' },
  { paths: ['/partner/**'], clients: [partner.id], access: 'allow' },
  { paths: ['/scoped/**'], scopes: ['email'], access: 'allow' },
  { access: 'allow' },
];

const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant({
      clients: [
        ...sampleClients,
        publicClient(stranger, { redirect_uris: ['http://127.0.0.1/callback'], firstParty: false }),
      ],
    }),
  },
  settings: {
    server: { trustedProxies: ['127.0.0.1', '::1'] },
    gateway: {
      services: [
        serviceOf('plain', { host: 'plain.example.com' }),
        serviceOf('ruled', { host: 'ruled.example.com', rules }),
        serviceOf('orders', { host: 'orders.example.com', resources: [ordersResource], rules }),
        ...algorithms.map((signingAlgorithm) =>
          serviceOf(signingAlgorithm.toLowerCase(), {
            host: `${signingAlgorithm.toLowerCase()}.example.com`,
            signingAlgorithm,
          }),
        ),
      ],
    },
  },
});

describe('an access token at a service', () => {
  const tokenOf = async (client: KnownClient, scope: string, extra: Parameters = {}): Promise<TokenBody> => {
    const request = { issuer: server.issuer('acme'), client, scope, extra, consent: client !== web };
    const { body } = await redeem(request, await signIn(createBrowser(), request), extra);
    return body;
  };
  const ask = async (
    { access_token: token }: TokenBody,
    service: string,
    path = '/',
  ): Promise<{ readonly status: number; readonly headers: Headers }> =>
    fetch(`${server.publicUrl}/api/authz/forward-auth`, {
      headers: {
        authorization: `Bearer ${token}`,
        'x-forwarded-method': 'GET',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': `${service}.example.com`,
        'x-forwarded-uri': path,
      },
    });
  const statuses = async (token: TokenBody, ...places: readonly (readonly [string, string])[]) =>
    Promise.all(places.map(async ([service, path]) => (await ask(token, service, path)).status));

  it.each(algorithms)('is answered with a token for the service, signed with %s', async (algorithm) => {
    const service = algorithm.toLowerCase();
    const { headers } = await ask(await tokenOf(web, 'openid'), service);
    const keys = createRemoteJWKSet(new URL(`${server.issuer('acme')}/jwks`));
    const { payload } = await jwtVerify(headers.get('x-auth-token') ?? '', keys, {
      issuer: server.issuer('acme'),
      audience: `https://${service}.example.com`,
      algorithms: [algorithm],
    });
    expect(payload).toMatchObject({ preferred_username: 'alice', roles: ['admin'] });
  });

  it('of a first-party client is the whole person', async () => {
    const token = await tokenOf(web, 'openid');
    expect(await statuses(token, ['plain', '/'], ['ruled', '/admin/x'], ['ruled', '/x'])).toEqual([
      200, 200, 200,
    ]);
    expect((await ask(token, 'plain')).headers.get('x-auth-roles')).toBe('admin');
  });

  it.each([
    ['confidential', partner],
    ['public', stranger],
  ])('of a %s third-party client that may know who it is opens nothing', async (_kind, client) => {
    const token = await tokenOf(client, 'openid');
    const places = [
      ['plain', '/'],
      ['ruled', '/admin/x'],
      ['ruled', '/x'],
      ['orders', '/admin/x'],
      ['orders', '/'],
      ['ruled', '/scoped/x'],
    ] as const;
    expect(await statuses(token, ...places)).toEqual([403, 403, 403, 403, 403, 403]);
  });

  it('of a third-party client opens what a rule gives this client or its scope', async () => {
    expect(await statuses(await tokenOf(partner, 'openid'), ['ruled', '/partner/x'])).toEqual([200]);
    expect(await statuses(await tokenOf(stranger, 'openid'), ['ruled', '/partner/x'])).toEqual([403]);
    expect(await statuses(await tokenOf(stranger, 'openid email'), ['ruled', '/scoped/x'])).toEqual([200]);
  });

  it('of a third-party client opens the service that it is for, without claims that the person did not agree to', async () => {
    const extra = { resource: ordersResource };
    const token = await tokenOf(partner, 'orders:read', extra);
    expect(await statuses(token, ['orders', '/'], ['orders', '/admin/x'], ['ruled', '/'])).toEqual([
      200, 403, 403,
    ]);
    const { headers } = await ask(token, 'orders');
    expect(headers.get('remote-user')).toBe('alice');
    for (const name of ['remote-name', 'remote-email', 'remote-groups', 'x-auth-roles'])
      expect(headers.get(name) ?? '').toBe('');
    const agreed = await tokenOf(partner, 'openid orders:read roles email', extra);
    expect(await statuses(agreed, ['orders', '/admin/x'])).toEqual([200]);
    expect((await ask(agreed, 'orders')).headers.get('remote-email')).toBe('alice@acme.example');
  });
});
