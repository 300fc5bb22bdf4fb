import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';

/**
 * A `fetch` that reaches every name on this machine, follows no redirect, and sends no header of its own.
 * @param port what stands there for names without a port, as behind a proxy that does the TLS
 */
export const namesAt =
  (port?: number): typeof fetch =>
  async (target, { method = 'GET', headers, body } = {}) => {
    const url = new URL(String(target));
    const sent = new Headers(headers);
    sent.set('host', url.host);
    const form = body === undefined || body === null ? undefined : String(body);
    if (form !== undefined) sent.set('content-type', 'application/x-www-form-urlencoded');
    const answer = await ask(Number(url.port) || (port ?? 80), {
      path: url.pathname + url.search,
      method,
      headers: Object.fromEntries(sent),
      body: form,
    });
    const received = new Headers();
    for (const [name, values = []] of Object.entries(answer.headersDistinct))
      for (const value of values) received.append(name, value);
    return new Response((await buffer(answer)).toString() || null, {
      status: answer.statusCode ?? 0,
      headers: received,
    });
  };

/** Every name below `localhost`, as browsers know them. */
export const localNames: typeof fetch = namesAt();

export const serviceOf = (name: string, changes: Partial<ServiceDefinition> = {}): ServiceDefinition => ({
  name,
  stripPrefix: false,
  tenants: 'all',
  audience: `https://${name}.example.com`,
  signingAlgorithm: 'EdDSA',
  resources: [],
  basic: true,
  corsPreflight: false,
  caseSensitive: false,
  ignoreCase: false,
  rules: [],
  ...changes,
});

export interface GuardedServices {
  readonly port: number;
  /** Where Drawbridge is; may be said later. */
  guardedBy(drawbridgePort: number): void;
  close(): Promise<void>;
}

/**
 * Services on any host name, behind a proxy that asks Drawbridge at `forward-auth` as Traefik does. What it lets
 * through answers with who asks for what.
 */
export const openGuardedServices = async (): Promise<GuardedServices> => {
  let drawbridge = 0;
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { host = '' } = req.headers;
    if (req.url?.startsWith('/.drawbridge/') === true) {
      const passed = await ask(drawbridge, {
        path: req.url,
        method: req.method,
        headers: req.headers,
        body: req,
      });
      res.writeHead(passed.statusCode ?? 502, passed.rawHeaders);
      passed.pipe(res);
      return;
    }
    const verdict = await ask(drawbridge, {
      path: '/api/authz/forward-auth',
      headers: {
        ...req.headers,
        'x-forwarded-method': req.method,
        'x-forwarded-proto': 'http',
        'x-forwarded-host': host,
        'x-forwarded-uri': req.url,
        'x-forwarded-for': req.socket.remoteAddress,
      },
    });
    if (verdict.statusCode !== 200) {
      res.writeHead(verdict.statusCode ?? 502, verdict.rawHeaders);
      verdict.pipe(res);
      return;
    }
    verdict.resume();
    const { 'remote-user': user, 'x-auth-tenant': tenant } = verdict.headers;
    res.setHeader('Content-Type', 'text/html');
    res.end(
      `<!doctype html><title>Service</title><h1>${user}@${tenant}</h1><p id="url">${host}${req.url?.replaceAll('&', '&amp;')}</p><a href="/.drawbridge/sign-out">Sign out</a>`,
    );
  };
  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    guardedBy: (port) => {
      drawbridge = port;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

interface Question {
  readonly path: string;
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body?: IncomingMessage | string | undefined;
}

const ask = (port: number, { path, method = 'GET', headers, body }: Question): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const asking = request(
      { host: '127.0.0.1', port, path, method, headers, setHost: false, agent: false },
      resolve,
    );
    asking.on('error', reject);
    if (body === undefined || typeof body === 'string') asking.end(body);
    else body.pipe(asking);
  });
