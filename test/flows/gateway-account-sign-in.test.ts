import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { localNames, serviceOf } from '../support/guarded-service.ts';
import { type Credentials, signOut } from '../support/oauth-client.ts';
import { alice, bob, sampleTenant } from '../support/sample-tenants.ts';
import { type Service, startService } from '../support/service.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

describe('a sign-in at the address of a tenant', () => {
  let service: Service;
  let server: TestServer;

  beforeAll(async () => {
    service = await startService({
      answer: (req, res) => void res.end(`${req.headers['remote-user']}@${req.headers['x-auth-tenant']}`),
    });
    const target = {
      url: service.url,
      connectTimeoutMs: 2000,
      timeoutMs: 5000,
      idleTimeoutMs: 5000,
      hostHeader: 'public',
      authorization: 'none',
    } as const;
    server = await startTestServer({
      store: sqliteStore,
      tenants: { acme: sampleTenant(), globex: sampleTenant(), initech: sampleTenant() },
      settings: {
        gateway: { services: [serviceOf('api', { prefix: '/api', tenants: ['acme', 'globex'], target })] },
      },
    });
  });
  afterAll(async () => {
    await server.close();
    await service.close();
  });

  const signedIn = async (
    tenant: string,
    who: Credentials = alice,
    browser = newBrowser(),
  ): Promise<Browser> => {
    const login = await browser.follow(await browser.get(server.issuer(tenant)));
    await browser.follow(await browser.submit(login, { login: who.username, password: who.password }));
    return browser;
  };
  const newBrowser = (): Browser => createBrowser({}, localNames);
  /** Not as a navigation: a script of the page asks. */
  const call = async (browser: Browser): Promise<Page> => {
    const cookie = browser
      .cookies()
      .filter(({ path }) => path === '/')
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    return createBrowser({ cookie, accept: '*/*', 'sec-fetch-mode': 'cors' }, localNames).get(
      `${server.publicUrl}/api/dms`,
    );
  };

  it('holds for calls to services of the host', async () => {
    const answer = await call(await signedIn('globex'));

    expect([answer.status, answer.body]).toEqual([200, 'alice@globex']);
    expect((await call(newBrowser())).status).toBe(401);
  });

  it('holds for navigations, which ask for no organization again', async () => {
    const browser = await signedIn('globex');
    const page = await browser.get(`${server.publicUrl}/api/`);

    expect([page.status, page.body]).toEqual([200, 'alice@globex']);
  });

  it('remembers the tenant, and the last one counts', async () => {
    const browser = await signedIn('acme', bob, await signedIn('globex'));

    expect(browser.cookies().find(({ name }) => name === 'tenant')?.value).toBe('acme');
    expect((await call(browser)).body).toBe('bob@acme');
  });

  it('gives nothing at services that the tenant may not use', async () => {
    const browser = await signedIn('initech');

    expect(browser.cookies().map(({ name }) => name)).not.toContain('GWSESSIONID');
    expect((await call(browser)).status).toBe(401);
  });

  it('ends with the sign-out', async () => {
    const browser = await signedIn('acme');
    expect((await call(browser)).status).toBe(200);
    await signOut(browser, server.issuer('acme'));

    expect((await call(browser)).status).toBe(401);
  });

  it('is given to nobody who only knows the address of its end', async () => {
    const browser = newBrowser();
    await browser.get(`${server.issuer('acme')}/account/callback?code=x`);

    expect(browser.cookies().map(({ name }) => name)).not.toContain('GWSESSIONID');
  });
});
