import type { z } from 'zod';
import type { tenantSchema } from '../../src/config/tenant/tenant-schema.ts';

/** What a tenant's file says, as an object. */
export type TenantContent = z.input<typeof tenantSchema>;
export type ClientContent = NonNullable<TenantContent['clients']>[number];
export type ResourceContent = NonNullable<TenantContent['resources']>[number];

/** A client as the one who holds it knows it. */
export interface KnownClient {
  readonly id: string;
  readonly secret?: string;
  readonly redirectUri: string;
}

/** Nobody listens there: a browser stops before it. */
export const appRedirect = 'https://app.example.com/callback';
export const secretOf = (clientId: string): string => `${clientId}-secret-that-is-long-enough-1234`;

export const confidential = (id: string, redirectUri = appRedirect): KnownClient => ({
  id,
  secret: secretOf(id),
  redirectUri,
});
export const openClient = (id: string, redirectUri: string): KnownClient => ({ id, redirectUri });

/** The clients of `sampleTenant`. */
export const web = confidential('web');
/** First-party like `web`. */
export const shop = confidential('shop');
/** Third-party: people are asked for consent. */
export const partner = confidential('partner', 'https://partner.example/callback');
/** May do without PKCE. */
export const legacy = confidential('legacy');
/** Password grant. */
export const migrator = confidential('migrator');
/** client_credentials. */
export const service = confidential('service');
/** Introspects tokens for `ordersResource` and `reportsResource`. */
export const ordersApi = confidential('orders-api');
/** Public, native, loopback redirect. */
export const desktop = openClient('desktop', 'http://127.0.0.1:49152/callback');
/** Public, native, private-use scheme. */
export const mobile = openClient('mobile', 'com.example.mobile:/callback');
/** Device flow. */
export const tv = openClient('tv', '');

/** JWT access tokens. */
export const ordersResource = 'https://orders.example.com';
/** Opaque access tokens. */
export const reportsResource = 'https://reports.example.com/v1';

export const alice = { username: 'alice', password: 'correct horse battery' } as const;
export const bob = { username: 'bob', password: 'another fine staple' } as const;

const withSecret = (client: KnownClient, more: Partial<ClientContent>): ClientContent => ({
  client_id: client.id,
  client_name: `The ${client.id} app`,
  client_secret: secretOf(client.id),
  firstParty: true,
  ...more,
});

const codeAndRefresh = ['authorization_code', 'refresh_token'] as const;

/** A confidential first-party app with a redirect. */
export const webClient = (client: KnownClient, more: Partial<ClientContent> = {}): ClientContent =>
  withSecret(client, { grant_types: [...codeAndRefresh], redirect_uris: [client.redirectUri], ...more });

export const publicClient = (client: KnownClient, more: Partial<ClientContent> = {}): ClientContent => ({
  client_id: client.id,
  client_name: `The ${client.id} app`,
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: [...codeAndRefresh],
  redirect_uris: [client.redirectUri],
  firstParty: true,
  ...more,
});

export const sampleClients: readonly ClientContent[] = [
  webClient(web, { post_logout_redirect_uris: ['https://app.example.com/signed-out'] }),
  webClient(shop),
  webClient(partner, { firstParty: false }),
  webClient(legacy),
  withSecret(migrator, { grant_types: ['password', 'refresh_token'] }),
  withSecret(service, { grant_types: ['client_credentials'] }),
  withSecret(ordersApi, { grant_types: ['client_credentials'] }),
  publicClient(desktop, { redirect_uris: ['http://127.0.0.1/callback'] }),
  publicClient(mobile),
  publicClient(tv, {
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    redirect_uris: [],
  }),
];

/** A demo tenant with one client of each kind and two people. */
export const sampleTenant = (changes: TenantContent = {}): TenantContent => ({
  displayName: 'Acme',
  demo: true,
  grants: { password: true },
  pkceExemptions: [legacy.id],
  resources: [
    {
      identifier: ordersResource,
      name: 'Orders',
      scopes: { 'orders:read': 'Read your orders', 'orders:write': 'Place orders for you' },
      introspectedBy: [ordersApi.id],
    },
    {
      identifier: reportsResource,
      name: 'Reports',
      scopes: { 'reports:read': 'Read reports' },
      format: 'opaque',
      lifetime: '10m',
      introspectedBy: [ordersApi.id],
      clients: [web.id, service.id],
    },
  ],
  clients: [...sampleClients],
  users: [
    {
      ...alice,
      email: 'alice@acme.example',
      emailVerified: true,
      claims: { name: 'Alice Adams', given_name: 'Alice' },
      groups: ['staff', 'engineering'],
      roles: ['admin'],
    },
    { ...bob, email: 'bob@acme.example' },
  ],
  ...changes,
});
