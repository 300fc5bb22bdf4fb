import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthenticator, usePasskey } from '../support/authenticator.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import {
  type GuardedServices,
  localNames,
  openGuardedServices,
  serviceOf,
} from '../support/guarded-service.ts';
import { isLoginPage } from '../support/oauth-client.ts';
import { alice, sampleTenant } from '../support/sample-tenants.ts';
import { authenticatorApp, isFactorPage, isSetUpPage, secretOn } from '../support/second-factor.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

describe('a rule for the methods of a second factor', () => {
  let services: GuardedServices;
  let server: TestServer;
  const vault = (): string => `http://vault.localhost:${services.port}`;

  beforeAll(async () => {
    services = await openGuardedServices();
    server = await startTestServer({
      store: sqliteStore,
      tenants: { acme: sampleTenant() },
      settings: {
        server: { trustedProxies: ['127.0.0.1'] },
        gateway: {
          services: [
            serviceOf('vault', {
              host: `vault.localhost:${services.port}`,
              tenants: ['acme'],
              rules: [
                { paths: ['/code/**'], access: 'allow', amr: ['otp'] },
                { paths: ['/key/**'], access: 'allow', amr: ['hwk', 'mfa'] },
                { paths: ['/any/**'], access: 'allow', amr: ['mfa'] },
                { access: 'allow' },
              ],
            }),
          ],
        },
      },
    });
    services.guardedBy(Number(new URL(server.publicUrl).port));
  });
  afterAll(async () => {
    await server.close();
    await services.close();
  });

  const newBrowser = (): Browser => createBrowser({}, localNames);
  const open = async (browser: Browser, url: string): Promise<Page> => browser.follow(await browser.get(url));
  const send = async (browser: Browser, page: Page, fields: Record<string, string> = {}): Promise<Page> =>
    browser.follow(await browser.submit(page, fields));
  const enterPassword = (browser: Browser, page: Page): Promise<Page> =>
    send(browser, page, { login: alice.username, password: alice.password });

  /** Alice with an authenticator app and a passkey that does not leave its device, and no session. */
  const enrol = async () => {
    const { accounts } = server.storage.forTenant('acme');
    const account = await accounts.findByLogin(alice.username);
    if (account !== undefined) await accounts.update(account.sub, { factors: undefined });
    const browser = newBrowser();
    await enterPassword(browser, await open(browser, `${vault()}/`));
    const page = await open(browser, `${vault()}/code/a`);
    expect(isSetUpPage(page)).toBe(true);
    const app = authenticatorApp(secretOn(page));
    await send(browser, await send(browser, page, { code: app.next() }));
    const key = createAuthenticator({ origin: server.publicUrl });
    const form = await browser.get(`${server.issuer('acme')}/account/factors/passkey`);
    await browser.follow(await usePasskey(browser, form, { key, name: 'Laptop' }));
    return { app, key };
  };

  /** The page that the rule leads to after a sign-in with password and passkey. */
  const afterPasskey = async (key: ReturnType<typeof createAuthenticator>, url: string) => {
    const browser = newBrowser();
    const page = await enterPassword(browser, await open(browser, `${vault()}/`));
    const back = await browser.follow(await usePasskey(browser, page, { key }));
    expect([back.url, back.status]).toEqual([`${vault()}/`, 200]);
    return { browser, page: await open(browser, url) };
  };

  it('asks a person who used the passkey to sign in again where it wants a code', async () => {
    const { app, key } = await enrol();
    const { browser, page } = await afterPasskey(key, `${vault()}/code/a`);
    expect(isLoginPage(page)).toBe(true);
    const factor = await enterPassword(browser, page);
    expect(isFactorPage(factor)).toBe(true);
    const back = await send(browser, factor, { code: app.next() });
    expect([back.url, back.status]).toEqual([`${vault()}/code/a`, 200]);
  });

  it('says that the passkey is not enough when it is used once more, and asks again at the next try', async () => {
    const { key } = await enrol();
    const { browser, page } = await afterPasskey(key, `${vault()}/code/a`);
    const factor = await enterPassword(browser, page);
    const refused = await browser.follow(await usePasskey(browser, factor, { key }));
    expect(refused.status).toBe(403);
    expect(refused.headers.get('x-error')).toBe('The service demands a stronger or newer sign-in');
    expect(isLoginPage(await open(browser, `${vault()}/code/a`))).toBe(true);
  });

  it('asks for the passkey beside a code that was right, where a method of it is wanted', async () => {
    const { app, key } = await enrol();
    const browser = newBrowser();
    const factor = await enterPassword(browser, await open(browser, `${vault()}/key/a`));
    expect(isFactorPage(factor)).toBe(true);
    const more = await send(browser, factor, { code: app.next() });
    expect([isLoginPage(more), isFactorPage(more)]).toEqual([false, false]);
    const back = await browser.follow(await usePasskey(browser, more, { key }));
    expect([back.url, back.status]).toEqual([`${vault()}/key/a`, 200]);
  });

  it('is satisfied with a code where any second factor will do', async () => {
    const { app } = await enrol();
    const browser = newBrowser();
    const factor = await enterPassword(browser, await open(browser, `${vault()}/any/a`));
    const back = await send(browser, factor, { code: app.next() });
    expect([back.url, back.status]).toEqual([`${vault()}/any/a`, 200]);
  });
});
