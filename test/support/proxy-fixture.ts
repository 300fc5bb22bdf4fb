import { type Clock, systemClock } from '../../src/clock.ts';
import type { ServiceDefinition, ServiceTarget } from '../../src/config/gateway/gateway-definition.ts';
import { createServices, forwardPath } from '../../src/gateway/decision/services.ts';
import type { Caller, Decision, GatewayRequest, GatewayTenant } from '../../src/gateway/gateway-types.ts';
import { createServiceProxy, type ServiceProxy } from '../../src/gateway/proxy/service-proxy.ts';
import { createLog } from '../../src/log.ts';
import { createHttpListener } from '../../src/server/http-listener.ts';
import type { EventWatcher, TenantEvent } from '../../src/storage/storage-endings.ts';
import { createClientCertificates } from '../../src/web/client-certificates.ts';
import { createRequestOriginOf } from '../../src/web/request-checks.ts';

export const alice: Caller = {
  tenant: 'acme',
  issuer: 'http://localhost/oauth/acme',
  sub: 'sub-of-alice',
  kind: 'person',
  method: 'session',
  username: 'alice',
  name: 'Alice Äpfel',
  email: 'alice@example.com',
  emailVerified: true,
  groups: ['staff', 'a,b'],
  roles: [],
  amr: ['pwd'],
  revocationIds: ['session-1'],
};

/** What it does not say is as usual: everybody is Alice, the service has the whole host. */
export interface ProxyOptions {
  readonly target: string;
  readonly service?: Partial<ServiceDefinition>;
  readonly limits?: Partial<ServiceTarget>;
  readonly caller?: Caller;
  readonly tenant?: Partial<GatewayTenant>;
  readonly decide?: (request: GatewayRequest, allow: () => Decision) => Promise<Decision> | Decision;
  readonly clock?: Clock;
  readonly bodyTimeoutMs?: number;
}

export interface RunningProxy {
  readonly port: number;
  readonly proxy: ServiceProxy;
  /** Its host, which is also the public one. */
  readonly host: string;
  logLines(): readonly Record<string, unknown>[];
  publish(event: Pick<TenantEvent, 'what' | 'id'> & Partial<TenantEvent>): void;
  /** What was asked of the decision. */
  readonly asked: readonly GatewayRequest[];
  /** @param timeoutMs for what is under way; default 200 */
  close(timeoutMs?: number): Promise<void>;
}

export const serviceHost = 'orders.test';

/** The proxy alone, behind the listener that it has in the server; who calls is decided by a function. */
export const startProxy = async (options: ProxyOptions): Promise<RunningProxy> => {
  const { clock = systemClock, caller = alice } = options;
  const service: ServiceDefinition = {
    name: 'orders',
    host: serviceHost,
    stripPrefix: false,
    tenants: 'all',
    audience: 'https://orders.test',
    signingAlgorithm: 'EdDSA',
    resources: [],
    basic: true,
    corsPreflight: false,
    caseSensitive: false,
    ignoreCase: false,
    rules: [],
    target: {
      url: options.target,
      connectTimeoutMs: 2000,
      timeoutMs: 5000,
      idleTimeoutMs: 5000,
      hostHeader: 'public',
      authorization: 'none',
      ...options.limits,
    },
    ...options.service,
  };
  const services = createServices([service], 'http://drawbridge.test');
  const tenant = options.tenant as GatewayTenant | undefined; // what a test does not give is not asked
  const asked: GatewayRequest[] = [];
  const watchers = new Set<EventWatcher>();
  const lines: string[] = [];
  const log = createLog({ level: 'debug' }, { write: (line) => void lines.push(line) });
  const proxy = createServiceProxy({
    decide: async (request) => {
      asked.push(request);
      const allow = (): Decision => {
        const placed = services.place(request.host, request.path);
        return placed?.service === undefined
          ? { outcome: 'invalid', description: 'not a path of the service' }
          : {
              outcome: 'allowed',
              service,
              caller,
              ...(tenant === undefined ? {} : { tenant }),
              forwardPath: forwardPath(service, placed.asSent, request.search),
            };
      };
      return options.decide === undefined ? allow() : options.decide(request, allow);
    },
    signInUrl: () => 'http://drawbridge.test/oauth/acme/gateway/sign-in?state=x',
    serviceTokens: { tokenFor: async () => 'signed.token.here' },
    services,
    settings: { enabled: true, services: [service] },
    cookie: { isSecure: false },
    sessionHost: () => serviceHost,
    certificates: createClientCertificates({ source: undefined, trustedProxies: [] }),
    requestOriginOf: createRequestOriginOf({ trustedProxies: [], isSecure: () => false }),
    subscribe: (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    clock,
    log,
  });
  const listener = createHttpListener({
    address: { host: '127.0.0.1', port: 0 },
    portVariable: 'PORT',
    unreadable: { log, headers: [] },
    answer: (req, res) => void proxy.forward(req, res),
    upgrade: (req, socket, head) => {
      void proxy.upgrade(req, socket, head);
      return true;
    },
    hasOwnLimits: proxy.isForwarding,
    ...(options.bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs: options.bodyTimeoutMs }),
  });
  const port = await listener.listen();
  return {
    port,
    proxy,
    host: serviceHost,
    asked,
    logLines: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    publish: (event) => {
      const full: TenantEvent = { tenant: 'acme', reason: 'signed_out', at: clock.now(), ...event };
      for (const watcher of watchers) watcher.event(full);
    },
    close: async (timeoutMs = 200) => {
      await listener.close(timeoutMs);
      await proxy.close();
    },
  };
};
