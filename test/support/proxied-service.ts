import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../src/clock.ts';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { loadServices } from '../../src/config/gateway/gateway-file.ts';
import { gatewaySchema } from '../../src/config/gateway/gateway-schema.ts';
import { type Browser, createBrowser } from './browser.ts';
import { type EchoService, type SeenRequest, startEchoService } from './echo-service.ts';
import type { RunningProxy } from './nginx.ts';
import { alice, sampleTenant, type TenantContent } from './sample-tenants.ts';
import { findFreePort } from './slapd.ts';
import type { TestStore } from './stores.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/** Where everything listens, on 127.0.0.1. */
export interface ProxyPlaces {
  readonly port: number;
  readonly drawbridgePort: number;
  readonly servicePort: number;
}

export interface Question {
  readonly method?: string;
  /** As it stands in the first line. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

export interface ProxyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** What the service got, if it was its answer. */
  readonly seen: SeenRequest | undefined;
}

/** A service behind a proxy that asks Drawbridge. */
export interface ProxiedService {
  readonly drawbridge: TestServer;
  readonly service: EchoService;
  readonly proxy: RunningProxy;
  /** Of the proxy, as browsers know it. */
  readonly origin: string;
  readonly places: ProxyPlaces;
  ask(question: Question): Promise<ProxyAnswer>;
  /** For good. */
  stopDrawbridge(): Promise<void>;
  close(): Promise<void>;
}

/** The header of somebody with a name and a password. */
export const basic = ({ username, password }: { readonly username: string; readonly password: string }) => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

export const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } as const;

/** Known to tenant `globex` only. */
export const gloria = { username: 'gloria', password: 'globex keeps its own' } as const;

const rules = [
  { paths: ['/public/**'], access: 'anyone' },
  { paths: ['/admin/**'], roles: ['admin'], access: 'allow' },
  { paths: ['/fresh/**'], access: 'allow', maxAge: '1s' },
  { paths: ['/admin/**'], access: 'deny' },
  { access: 'allow' },
];

const servicesAt = (host: string, publicUrl: string): readonly ServiceDefinition[] => {
  const { services: files } = gatewaySchema.parse({
    services: [
      { name: 'orders', host, tenants: ['acme'], basic: true, rules },
      { name: 'prices', host, prefix: '/prices', tenants: ['acme'], corsPreflight: true },
    ],
  });
  const { services, faults } = loadServices(files, {
    publicUrl,
    sources: { env: {}, readFile: () => Buffer.of() },
  });
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  return services;
};

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const send = (host: string, port: number, { method = 'GET', path = '/', headers = {}, body }: Question) =>
  new Promise<RawAnswer>((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const sent = { host: `${host}:${port}`, ...length, ...headers };
    const target = { host: '127.0.0.1', port, method, path, headers: sent as never, agent: false };
    const request = httpRequest(target);
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
    });
    request.end(body);
  });

const ask = async (port: number, question: Question): Promise<ProxyAnswer> => {
  const { status, headers, body } = await send('127.0.0.1', port, question);
  const isOfService = headers['x-from'] === 'the service' && body.length > 0;
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
    ),
    body: body.toString(),
    seen: isOfService ? (JSON.parse(body.toString()) as SeenRequest) : undefined,
  };
};

/** What Node's own fetch will not do: ask as a browser that opens a page. For `createBrowser`. */
const navigate = async (url: string, init: RequestInit = {}): Promise<Response> => {
  const { hostname, port, pathname, search } = new URL(url);
  const form = init.body instanceof URLSearchParams ? init.body.toString() : undefined;
  const { status, headers, body } = await send(hostname, Number(port), {
    method: init.method ?? 'GET',
    path: pathname + search,
    headers: {
      'sec-fetch-mode': 'navigate',
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(init.headers as Record<string, string>),
    },
    ...(form === undefined ? {} : { body: form }),
  });
  const pairs = Object.entries(headers).flatMap(([name, value = '']) =>
    [value].flat().map((each) => [name, each] as [string, string]),
  );
  return new Response(body.length === 0 ? null : body.toString(), { status, headers: pairs });
};

export const newBrowser = (): Browser => createBrowser(navigation, navigate as typeof fetch);

export interface ProxiedOptions {
  readonly store: TestStore | string;
  readonly startProxy: (places: ProxyPlaces) => Promise<RunningProxy>;
  readonly clock?: Clock;
  readonly tenant?: TenantContent | ((port: number) => TenantContent);
  /** Default: 127.0.0.1 may ask. */
  readonly trustedProxies?: readonly string[];
  readonly proxySecret?: string;
}

export const startProxied = async (options: ProxiedOptions): Promise<ProxiedService> => {
  const service = await startEchoService();
  const port = await findFreePort();
  const drawbridgePort = await findFreePort();
  const publicUrl = `http://localhost:${drawbridgePort}`;
  const drawbridge = await startTestServer({
    store: options.store,
    tenants: {
      acme: sampleTenant(typeof options.tenant === 'function' ? options.tenant(port) : options.tenant),
      globex: sampleTenant({ displayName: 'Globex', users: [{ ...gloria }, { ...alice }] }),
    },
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    settings: {
      server: {
        publicUrl,
        port: drawbridgePort,
        trustedProxies: [...(options.trustedProxies ?? ['127.0.0.1'])],
      },
      gateway: {
        services: servicesAt(`127.0.0.1:${port}`, publicUrl),
        ...(options.proxySecret === undefined ? {} : { proxySecret: options.proxySecret }),
      },
    },
  });
  let stopped: Promise<void> | undefined;
  const stopDrawbridge = (): Promise<void> => {
    stopped ??= drawbridge.close();
    return stopped;
  };
  const places = { port, drawbridgePort, servicePort: service.port };
  const proxy = await options.startProxy(places);
  return {
    drawbridge,
    service,
    proxy,
    origin: `http://127.0.0.1:${port}`,
    places,
    ask: (question) => ask(port, question),
    stopDrawbridge,
    close: async () => {
      await proxy.stop();
      await stopDrawbridge();
      await service.close();
    },
  };
};
