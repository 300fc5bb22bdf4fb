import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { nameIn, type Route, routes } from '../../src/server/routes.ts';
import { directClients } from '../support/direct-login.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { type RawAnswer, rawRequest } from '../support/raw-request.ts';
import { sampleClients, sampleTenant, tv } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort, startTestServer, type TestServer } from '../support/test-server.ts';

let server: TestServer;

beforeAll(async () => {
  const port = await freePort();
  const proxied = serviceOf('proxied', {
    host: `proxied.localhost:${port}`,
    target: {
      url: 'http://127.0.0.1:9',
      connectTimeoutMs: 2000,
      timeoutMs: 5000,
      idleTimeoutMs: 5000,
      hostHeader: 'public',
      authorization: 'none',
    },
  });
  server = await startTestServer({
    store: sqliteStore,
    tenants: {
      acme: sampleTenant({
        clients: [...sampleClients, ...directClients],
        gateway: { deviceClient: tv.id },
        recovery: { password: 'mail' },
        registration: { mode: 'open' },
      }),
    },
    settings: {
      server: { port, publicUrl: `http://localhost:${port}`, trustedProxies: ['127.0.0.1'] },
      gateway: { services: [proxied] },
    },
  });
});
afterAll(() => server.close());

const samples: Readonly<Record<string, string>> = {
  tenant: 'acme',
  uid: 'x'.repeat(21),
  source: 'local',
  id: 'x',
  client_id: 'x',
  kind: 'session',
  sub: 'x',
  file: 'drawbridge.css',
  // the provider takes a trailing slash
  rest: 'jwks/',
};

const fill = (path: string): string =>
  path.replaceAll(/[{}]/g, '').replaceAll(/[:*](\w+)/g, (_, name: string) => samples[name] ?? '');

const hostOf = ({ path }: Route): string => {
  const { host } = new URL(server.publicUrl);
  return path === '/*rest' ? `proxied.${host}` : host;
};

/** OPTIONS is answered as browsers ask it (Fetch standard, section 3.3.2). */
const preflight = { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'POST' };

const ask = (route: Route, method: string, path = fill(route.path)): Promise<RawAnswer> =>
  rawRequest(server.publicUrl, {
    method,
    target: path,
    headers: { Host: hostOf(route), Accept: 'application/json', ...(method === 'OPTIONS' ? preflight : {}) },
  });

const methodsOf = ({ methods }: Route): readonly string[] => (methods.length === 0 ? ['GET'] : methods);

const own = routes.filter(({ kind }) => kind === 'own');
const ownPaths = [...new Set(own.map(({ path }) => path))];
const allowedAt = (path: string): readonly string[] =>
  own.filter((route) => route.path === path).flatMap(({ methods }) => methods);

describe('the table of addresses', () => {
  it.each(routes.flatMap((route) => methodsOf(route).map((method) => [method, route.path, route] as const)))(
    '%s %s is answered',
    async (method, _path, route) => {
      const { status, headers, body } = await ask(route, method);

      expect(status).not.toBe(405);
      expect(`${headers['x-error']} ${body}`).not.toMatch(/nothing at this address|no such endpoint/i);
      expect(headers['x-error']).not.toBe('not_found');
    },
  );

  it('names functions that are there', () => {
    const texts = new Map<string, string>();
    const textOf = (file: string): string => {
      const text = texts.get(file) ?? readFileSync(join(packageRoot(), 'src', file), 'utf8');
      texts.set(file, text);
      return text;
    };
    const lost = routes
      .filter(({ kind }) => kind !== 'protocol')
      .filter((route) => {
        const [file = ''] = route.answeredBy.split(' ');
        return !new RegExp(String.raw`\b${nameIn(route)}\b`).test(textOf(file));
      });
    expect(lost).toEqual([]);
  });

  it('answers HEAD as GET, except where an answer that is not read would be lost', () => {
    const withoutHead = own
      .filter(({ methods }) => methods.includes('GET') && !methods.includes('HEAD'))
      .map(({ path }) => path);
    expect(withoutHead).toEqual([
      '/.drawbridge/start',
      '/.drawbridge/callback',
      '/.drawbridge/sign-out',
      '/auth/info/state',
      '/tenant/:tenant/loginDevice',
    ]);
  });
});

describe('an own address asked with another method', () => {
  it.each(ownPaths)('%s answers 405 with what it allows', async (path) => {
    const route = own.find((candidate) => candidate.path === path) as Route;
    const allowed = allowedAt(path);
    const refused = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'].filter(
      (method) => !allowed.includes(method),
    );
    const answers = await Promise.all(refused.map((method) => ask(route, method)));

    expect(refused.length).toBeGreaterThan(2);
    expect(answers.map(({ status }) => status)).toEqual(refused.map(() => 405));
    for (const { headers } of answers) expect(headers.allow).toBe(allowed.join(', '));
  });

  const pathsOfTenants = [...new Set(own.filter(({ isOfTenant }) => isOfTenant).map(({ path }) => path))];
  const askWithout = async (tenant: string): Promise<void> => {
    for (const path of pathsOfTenants) {
      const route = own.find((candidate) => candidate.path === path) as Route;
      const target = fill(path.replace(':tenant', tenant));
      expect({ target, ...(await ask(route, 'PUT', target)) }).toMatchObject({ target, status: 404 });
    }
  };

  it('is still not found when there is no such tenant', () => askWithout('nobody'));

  it('does not say at the administration API whether there is such a tenant', async () => {
    const paths = ownPaths.filter((path) => path.includes(':tenant') && !pathsOfTenants.includes(path));
    expect(paths.length).toBeGreaterThan(10);
    for (const path of paths) {
      const route = own.find((candidate) => candidate.path === path) as Route;
      const target = fill(path.replace(':tenant', 'nobody'));
      expect({ target, ...(await ask(route, 'PUT', target)) }).toMatchObject({ target, status: 405 });
    }
  });

  it.each(['ACME', '%61cme', '-acme', 'acme;x', 'a'.repeat(64)])(
    'is still not found under %s, for which no tenant is looked up',
    async (word) => {
      await askWithout(word);
      expect(server.logLines().filter((line) => JSON.parse(line).tenant === word)).toEqual([]);
    },
  );
});

describe('an address of the protocol asked with another method', () => {
  const protocol = routes.filter(({ kind, methods }) => kind === 'protocol' && methods.length > 0);

  it.each(protocol.map((route) => [route.path, route] as const))(
    '%s answers 405 with what its row allows',
    async (_path, route) => {
      const { status, headers } = await ask(route, 'PATCH');
      expect([status, headers.allow]).toEqual([405, route.methods.join(', ')]);
    },
  );
});

describe('the fast path', () => {
  const methodFor = ({ methods }: Route): string => (methods.includes('GET') ? 'GET' : 'POST');
  const headersOf = async (route: Route, query = ''): Promise<RawAnswer['headers']> =>
    (await ask(route, methodFor(route), fill(route.path) + query)).headers;

  it.each(routes.filter(({ isFast }) => isFast).map((route) => [route.path, route] as const))(
    'takes %s, and gives it the headers that all answers have, without those of pages',
    async (_path, route) => {
      await server.instances[0]?.tenants.find('acme');
      const [fast, full] = [await headersOf(route), await headersOf(route, '?x')];
      const shared = ['x-content-type-options', 'cache-control'] as const;

      expect(fast['content-security-policy']).toBeUndefined();
      expect(full['content-security-policy']).toBeDefined();
      for (const name of shared) expect([name, fast[name]]).toEqual([name, full[name]]);
      expect(fast['x-content-type-options']).toBe('nosniff');
      expect(fast['x-request-id']).toBeDefined();
    },
  );
});

/** Rows that stand for one address or for the files of a folder, and not for all that is left. */
const exact = routes.filter(({ path }) => !path.endsWith('/*rest'));

const patternOf = ({ path }: Route): RegExp => {
  const pattern = path
    .replaceAll('.', '\\.')
    .replace('{/*rest}', '(?:/.*)?')
    .replaceAll(/:\w+/g, '[^/]+')
    .replaceAll('*file', '.+');
  return new RegExp(`^${pattern}$`);
};

const beginsLike = ({ path }: Route, start: string): boolean => {
  const segments = path.split('/');
  const asked = start.split('/').slice(0, -1);
  return asked.every((segment, index) => segments[index] === segment || segments[index]?.startsWith(':'));
};

/** @param address a path; one that ends like `/oauth/…` stands for those that begin so */
const isInTable = (address: string): boolean => {
  const [, start] = /^(.*\/)(?:…|\*+)?$/.exec(address) ?? [];
  return exact.some(
    (route) => patternOf(route).test(address) || (start !== undefined && beginsLike(route, start)),
  );
};

describe('in the table is every address', () => {
  it('of the discovery document', async () => {
    const response = await fetch(`${server.issuer('acme')}/.well-known/openid-configuration`);
    const document = (await response.json()) as Readonly<Record<string, unknown>>;
    const addresses = Object.values(document).flatMap((value) =>
      typeof value === 'string' && value.startsWith(`${server.publicUrl}/`) ? [new URL(value).pathname] : [],
    );

    expect(addresses.length).toBeGreaterThan(8);
    expect(addresses.filter((address) => !isInTable(address))).toEqual([]);
  });

  const documented =
    /\/(?:oauth|tenant|auth\/info|healthz|readyz|api\/authz|gateway\/sign-in|\.drawbridge|assets|\.well-known)(?![\w-])[^\s`)"'|,;?:]*/g;

  /** Words in angle brackets and names of tenants become the sample's. */
  const addressesIn = (text: string): readonly string[] =>
    (
      text
        .replaceAll(/\$ISSUER|<issuer>/g, '/oauth/acme')
        .replaceAll(/<[^>\n]*>/g, 'acme')
        .match(documented) ?? []
    )
      .filter((address) => !/\.(?:ts|json|md)$/.test(address))
      .map((address) => address.replace(/\.$/, '').replace(/^\/oauth\/default/, '/oauth/acme'));

  const pages = [
    'README.md',
    ...readdirSync(join(packageRoot(), 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];

  it.each(pages)('of %s', (page) => {
    const addresses = addressesIn(readFileSync(join(packageRoot(), page), 'utf8'));
    expect(addresses.filter((address) => !isInTable(address))).toEqual([]);
  });

  it('of the pages, which name enough of them', () => {
    const all = new Set(
      pages.flatMap((page) => addressesIn(readFileSync(join(packageRoot(), page), 'utf8'))),
    );
    expect([...all]).toEqual(
      expect.arrayContaining(['/healthz', '/auth/info/state', '/tenant/acme/loginDevice', '/oauth/acme/…']),
    );
    expect(all.size).toBeGreaterThan(20);
  });
});
