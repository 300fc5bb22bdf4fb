import { describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { createChooseTenant, tenantOfCookie } from '../../src/gateway/decision/choose-tenant.ts';
import type { GatewayRequest } from '../../src/gateway/gateway-types.ts';

const serviceOf = (tenants: ServiceDefinition['tenants']): ServiceDefinition => ({
  name: 'orders',
  stripPrefix: false,
  tenants,
  audience: 'https://orders.example.com',
  signingAlgorithm: 'EdDSA',
  resources: [],
  basic: true,
  corsPreflight: false,
  caseSensitive: false,
  ignoreCase: false,
  rules: [],
});

const requestOf = ({
  path,
  host = 'orders.example.com',
  header,
}: {
  readonly path?: string;
  readonly host?: string;
  readonly header?: string;
}): GatewayRequest => ({
  method: 'GET',
  host,
  path: '/',
  search: '',
  headers: header === undefined ? {} : { 'x-id-tenant-name': header },
  address: '192.0.2.1',
  requestId: 'r1',
  isOwnProxy: true,
  ...(path === undefined ? {} : { tenant: path }),
});

const choose = createChooseTenant({
  publicHostTenant: (host) => (host === 'acme.example.com' ? 'acme' : undefined),
  onlyTenant: () => undefined,
});
const both = serviceOf(['acme', 'globex']);
const acme = { status: 'chosen', tenant: 'acme' };
const contradiction = { status: 'forbidden', reason: 'tenant_contradiction' };
const notServed = { status: 'forbidden', reason: 'tenant_not_served' };

describe('the tenant of a request', () => {
  it('is what the path of the endpoint says, before the host and the client', () => {
    expect(choose(requestOf({ path: 'acme' }), both)).toEqual(acme);
    expect(choose(requestOf({ path: 'acme', header: 'acme' }), both)).toEqual(acme);
    expect(choose(requestOf({ path: 'globex', host: 'acme.example.com' }), both)).toMatchObject({
      tenant: 'globex',
    });
  });

  it('is that of the host, before the client', () => {
    expect(choose(requestOf({ host: 'acme.example.com' }), both)).toEqual(acme);
  });

  it('is what the client names where no other does', () => {
    expect(choose(requestOf({ header: 'acme' }), both)).toEqual(acme);
  });

  it('is the only one of the service, or of a server that has one only', () => {
    expect(choose(requestOf({}), serviceOf(['acme']))).toEqual(acme);
    const small = createChooseTenant({ publicHostTenant: () => undefined, onlyTenant: () => 'acme' });
    expect(small(requestOf({}), serviceOf('all'))).toEqual(acme);
  });

  it('is open where several come into question', () => {
    expect(choose(requestOf({}), both)).toEqual({ status: 'open' });
    expect(choose(requestOf({}), serviceOf('all'))).toEqual({ status: 'open' });
  });

  it('is none where the client contradicts the path or the host', () => {
    expect(choose(requestOf({ path: 'acme', header: 'globex' }), both)).toEqual(contradiction);
    expect(choose(requestOf({ host: 'acme.example.com', header: 'globex' }), both)).toEqual(contradiction);
  });

  it('is none that the service does not serve, even if it is named', () => {
    for (const named of [{ path: 'globex' }, { header: 'globex' }])
      expect(choose(requestOf(named), serviceOf(['acme']))).toEqual(notServed);
    expect(choose(requestOf({ host: 'acme.example.com' }), serviceOf(['globex']))).toEqual(notServed);
  });

  it.each(['', 'ACME', 'acme, globex', 'acme/..', '../acme', 'a'.repeat(64), 'ac me', '-acme', 'acme\n'])(
    'is not read from %j',
    (header) => {
      expect(choose(requestOf({ header }), both)).toEqual({ status: 'unreadable' });
      expect(choose(requestOf({ header, path: 'acme' }), both)).toEqual({ status: 'unreadable' });
    },
  );
});

describe('the cookie of the selection page', () => {
  it('names a tenant that the service serves', () => {
    expect(tenantOfCookie({ cookie: 'a=b; tenant=acme; c=d' }, both)).toBe('acme');
    expect(tenantOfCookie({ cookie: 'tenant=acme' }, serviceOf(['globex']))).toBeUndefined();
  });

  it.each(['tenant=', 'tenant=ACME', 'xtenant=acme', 'tenant=acme/x', 'tenant="acme"', 'a=tenant=acme'])(
    'says nothing as %s',
    (cookie) => {
      expect(tenantOfCookie({ cookie }, both)).toBeUndefined();
    },
  );
});
