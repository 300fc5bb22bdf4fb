import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { createIdentify, type Identify } from '../../src/gateway/callers/identify.ts';
import type { FindGatewayTenant, GatewayRequest, Identification } from '../../src/gateway/gateway-types.ts';
import type { OpenServer } from '../../src/server/open-server.ts';

export const serviceOf = (changes: Partial<ServiceDefinition> = {}): ServiceDefinition => ({
  name: 'files',
  host: 'files.example.com',
  stripPrefix: false,
  tenants: ['acme'],
  audience: 'https://files.example.com',
  signingAlgorithm: 'EdDSA',
  resources: [],
  basic: true,
  corsPreflight: false,
  caseSensitive: false,
  ignoreCase: false,
  rules: [],
  ...changes,
});

export interface CallOptions {
  readonly authorization?: string | undefined;
  readonly cookie?: string;
  /** `X-ID-TENANT-NAME` */
  readonly header?: string;
  /** Of the endpoint's path. */
  readonly tenant?: string;
  readonly host?: string;
  readonly address?: string;
  /** `X-OTP` */
  readonly otp?: string;
  readonly certificate?: GatewayRequest['certificate'];
  /** Others, by name in small letters. */
  readonly headers?: Readonly<Record<string, string>>;
}

export const requestOf = (options: CallOptions = {}): GatewayRequest => ({
  method: 'GET',
  host: options.host ?? 'files.example.com',
  path: '/',
  search: '',
  headers: {
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
    ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
    ...(options.otp === undefined ? {} : { 'x-otp': options.otp }),
    ...(options.header === undefined ? {} : { 'x-id-tenant-name': options.header }),
    ...options.headers,
  },
  address: options.address ?? '192.0.2.7',
  requestId: 'request-1',
  isOwnProxy: false,
  ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
  ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
});

export const basicOf = (login: string, password: string): string =>
  `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`;

export interface IdentifyOptions {
  readonly clock?: Clock;
  readonly basicCacheSeconds?: number;
  readonly publicHostTenant?: (host: string) => string | undefined;
  readonly onlyTenant?: () => string | undefined;
}

const findTenantOf =
  ({ tenants }: OpenServer): FindGatewayTenant =>
  async (id) => {
    const lookup = await tenants.find(id);
    return lookup.status === 'served' ? lookup.tenant : undefined;
  };

/** As the gateway of this instance has it. */
export const identifyAt = (instance: OpenServer, options: IdentifyOptions = {}): Identify =>
  createIdentify({
    findTenant: findTenantOf(instance),
    clock: options.clock ?? systemClock,
    basicCacheSeconds: options.basicCacheSeconds ?? 0,
    cookie: { isSecure: false },
    subscribe: (listener) => instance.hub.subscribe(listener),
    publicHostTenant: options.publicHostTenant ?? (() => undefined),
    onlyTenant: options.onlyTenant ?? (() => undefined),
  });

/** @throws Error unless somebody was known */
export const callerIn = (
  found: Identification,
): Extract<Identification, { readonly status: 'known' }>['caller'] => {
  if (found.status !== 'known') throw new Error(`nobody is known: ${JSON.stringify(found)}`);
  return found.caller;
};
