import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { GatewaySettings, ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { namesAt, serviceOf } from '../support/guarded-service.ts';
import { rawRequest } from '../support/raw-http.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort, startTestServer, type TestServer } from '../support/test-server.ts';

const alice = { login: 'alice', password: 'correct horse battery' };
const publicUrl = 'https://id.example.com';

let target: Server;
beforeAll(async () => {
  target = createServer((req, res) =>
    res.end(`${req.headers['remote-user']}@${req.headers['x-auth-tenant']} ${req.url}`),
  );
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  target.closeAllConnections();
  target.close();
});

const proxied = (name: string, changes: Partial<ServiceDefinition>): ServiceDefinition => {
  const { port } = target.address() as AddressInfo; // it listens on TCP
  return serviceOf(name, {
    tenants: ['acme'],
    target: {
      url: `http://127.0.0.1:${port}`,
      connectTimeoutMs: 2000,
      timeoutMs: 5000,
      idleTimeoutMs: 5000,
      hostHeader: 'public',
      authorization: 'none',
    },
    ...changes,
  });
};

/** Behind a proxy that does the TLS; one of its tenants has a host of its own. */
const start = async (gateway: Partial<GatewaySettings>): Promise<{ server: TestServer; port: number }> => {
  const port = await freePort();
  const server = await startTestServer({
    store: sqliteStore,
    tenants: {
      acme: { displayName: 'Acme' },
      own: { displayName: 'Own', publicUrl: 'https://id.own.example' },
    },
    settings: { server: { port, publicUrl }, gateway },
  });
  for (const tenant of ['acme', 'own'])
    await server.users(tenant).add({ username: alice.login, password: alice.password });
  return { server, port };
};

interface Walk {
  readonly pages: readonly Page[];
  readonly last: Page;
}

/** All hops from a URL to where the browser stays, past the sign-in. */
const walk = async (browser: Browser, url: string): Promise<Walk> => {
  const pages = [await browser.get(url)];
  for (let last = pages[0] as Page; pages.length < 20; last = pages.at(-1) as Page) {
    if (last.location !== undefined) pages.push(await browser.get(last.location));
    else if (last.body.includes('name="password"')) pages.push(await browser.submit(last, alice));
    else return { pages, last };
  }
  throw new Error(`no end: ${pages.map((page) => page.url).join(' ')}`);
};

const cookiesSet = ({ pages }: Walk): readonly string[] =>
  pages.flatMap(({ headers }) => headers.getSetCookie()).filter((line) => /GWSESSIONID|\.way\./.test(line));

const hostsOf = ({ pages }: Walk): readonly string[] => [
  ...new Set(pages.map(({ url }) => new URL(url).host)),
];

describe('on https', () => {
  let server: TestServer;
  let port: number;
  beforeAll(async () => {
    ({ server, port } = await start({
      services: [
        proxied('orders', { host: 'orders.example.com' }),
        proxied('tools', { prefix: '/tools' }),
        proxied('books', { host: 'books.own.example', tenants: ['own'] }),
        proxied('notes', { prefix: '/notes', tenants: ['own'] }),
      ],
    }));
  });
  afterAll(() => server.close());
  const newBrowser = (): Browser => createBrowser({}, namesAt(port));

  it('guards its cookies by their names and keeps them to one host', async () => {
    const walked = await walk(newBrowser(), 'https://orders.example.com/deep?x=1');
    expect(walked.last.url).toBe('https://orders.example.com/deep?x=1');
    expect(walked.last.body).toBe('alice@acme /deep?x=1');
    const [bound, session, unbound] = cookiesSet(walked);
    expect(bound).toMatch(
      /^__Host-drawbridge\.way\.[\w-]{12}=[\w-]{43}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect(session).toMatch(/^__Host-GWSESSIONID=acme\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    expect(unbound).toMatch(/^__Host-drawbridge\.way\.[\w-]{12}=; Max-Age=0; /);
    expect(cookiesSet(walked)).toHaveLength(3);
  });

  it('signs in for a service on its own host without a detour', async () => {
    const walked = await walk(newBrowser(), `${publicUrl}/tools/a?x=1`);
    expect(walked.last.url).toBe(`${publicUrl}/tools/a?x=1`);
    expect(walked.last.body).toBe('alice@acme /tools/a?x=1');
    expect(walked.pages.some(({ url }) => url.includes('/.drawbridge/'))).toBe(false);
  });

  it('signs in at the own host of a tenant, and comes back from there', async () => {
    const walked = await walk(newBrowser(), 'https://books.own.example/b?x=1');
    expect(walked.last.url).toBe('https://books.own.example/b?x=1');
    expect(walked.last.body).toBe('alice@own /b?x=1');
    expect(hostsOf(walked)).toEqual(['books.own.example', 'id.own.example']);
  });

  it('brings a ticket from the own host of a tenant to the host of all others', async () => {
    const walked = await walk(newBrowser(), `${publicUrl}/notes/n?x=1`);
    expect(walked.last.url).toBe(`${publicUrl}/notes/n?x=1`);
    expect(walked.last.body).toBe('alice@own /notes/n?x=1');
    expect(hostsOf(walked)).toEqual(['id.example.com', 'id.own.example']);
  });

  it('ends the session on its own host too', async () => {
    const browser = newBrowser();
    await walk(browser, `${publicUrl}/tools/`);
    const left = await browser.submit(await browser.get(`${publicUrl}/.drawbridge/sign-out`));
    expect(left.location).toBe(`${publicUrl}/oauth/acme/session/end`);
    expect(left.headers.getSetCookie()).toEqual([
      '__Host-GWSESSIONID=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
    ]);
  });

  it('knows its hosts by the port of their scheme too (RFC 9110 section 4.2.3)', async () => {
    const discovery = (tenant: string) => `/oauth/${tenant}/.well-known/openid-configuration`;
    const ask = async (host: string, target: string) => {
      const { status, headers } = await rawRequest({
        port,
        target,
        headers: [`Host: ${host}`, 'Accept: text/html'],
      });
      return [status, headers.location?.replace(/state=.*/, 'state=…')];
    };
    expect(await ask('ID.example.com:443', discovery('acme'))).toEqual([200, undefined]);
    expect(await ask('id.own.example:443', discovery('own'))).toEqual([200, undefined]);
    expect(await ask('id.own.example:443', discovery('acme'))).toEqual([404, undefined]);
    expect(await ask('id.example.com:80', discovery('acme'))).toEqual([421, undefined]);
    const start = 'https://orders.example.com/.drawbridge/start?state=…';
    expect(await ask('orders.example.com', '/deep')).toEqual([302, start]);
    expect(await ask('orders.example.com:443', '/deep')).toEqual([302, start]);
  });

  it('goes to the page of Drawbridge when there is no session to end', async () => {
    const browser = newBrowser();
    const left = await browser.submit(await browser.get('https://orders.example.com/.drawbridge/sign-out'));
    expect(left.location).toBe(`${publicUrl}/`);
  });
});

describe('with a cookie of a parent domain', () => {
  let server: TestServer;
  let port: number;
  beforeAll(async () => {
    ({ server, port } = await start({
      cookieDomain: 'example.com',
      services: [
        proxied('orders', { host: 'orders.example.com' }),
        proxied('reports', { host: 'reports.example.com', tenants: ['acme', 'own'] }),
        proxied('books', { host: 'books.example.com', tenants: ['own'] }),
      ],
    }));
  });
  afterAll(() => server.close());
  const newBrowser = (): Browser => createBrowser({}, namesAt(port));

  it('sets it once for all services', async () => {
    const browser = newBrowser();
    const walked = await walk(browser, 'https://orders.example.com/deep?x=1');
    expect(walked.last.url).toBe('https://orders.example.com/deep?x=1');
    expect(cookiesSet(walked)).toEqual([
      expect.stringMatching(
        /^__Secure-GWSESSIONID=acme\.[\w-]{43}; Path=\/; Domain=example\.com; HttpOnly; SameSite=Lax; Secure$/,
      ),
    ]);
    const next = await browser.get('https://reports.example.com/r?y=2');
    expect([next.status, next.body]).toEqual([200, 'alice@acme /r?y=2']);
  });

  it.each(['//', '//a//b/', '/a%2Fb/%2e%2E/c', "/%7Euser/%c3%A4/'x'|{y}^`;p=1", '/a/?q=%2F//&&=?'])(
    'passes %s to the service as it was sent',
    async (target) => {
      const browser = newBrowser();
      await walk(browser, 'https://orders.example.com/');
      const session = browser.cookies().find(({ name }) => name.includes('GWSESSIONID'));
      const { status, body } = await rawRequest({
        port,
        target,
        headers: ['Host: orders.example.com', `Cookie: ${session?.name}=${session?.value}`],
      });
      expect([status, body]).toEqual([200, `alice@acme ${target}`]);
    },
  );

  it('sets it for a sign-in at the address of the tenant too', async () => {
    const browser = newBrowser();
    const walked = await walk(browser, `${publicUrl}/oauth/acme`);
    expect(cookiesSet(walked)).toEqual([
      expect.stringMatching(/=acme\.[\w-]{43}; Path=\/; Domain=example\.com/),
    ]);
    const next = await browser.get('https://reports.example.com/r?y=2');
    expect([next.status, next.body]).toEqual([200, 'alice@acme /r?y=2']);
  });

  it('goes by a ticket from a host that cannot set it', async () => {
    const walked = await walk(newBrowser(), 'https://books.example.com/b?x=1');
    expect(walked.last.url).toBe('https://books.example.com/b?x=1');
    expect(walked.last.body).toBe('alice@own /b?x=1');
    expect(cookiesSet(walked).some((line) => line.includes('Domain=example.com'))).toBe(true);
  });

  it('ends everywhere at once', async () => {
    const browser = newBrowser();
    await walk(browser, 'https://orders.example.com/');
    await browser.submit(await browser.get('https://reports.example.com/.drawbridge/sign-out'));
    expect((await browser.get('https://orders.example.com/')).status).toBe(302);
  });
});
