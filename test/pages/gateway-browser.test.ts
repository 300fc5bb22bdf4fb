import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { AccessRule, ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { createBrowser, type Browser as PlainBrowser, type Page as PlainPage } from '../support/browser.ts';
import { localNames, serviceOf } from '../support/guarded-service.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { alice, bob, sampleTenant, type TenantContent } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort, startTestServer, type TestServer } from '../support/test-server.ts';
import { expectAccessible } from './accessibility.ts';
import { describeInChromium, launchChromium } from './chromium.ts';

/** A service that knows nothing of signing in: it shows what it was asked for, and by whom. */
const openService = async (): Promise<Server> => {
  const server = createServer((req, res) => {
    const { 'remote-user': user, 'x-auth-tenant': tenant, host } = req.headers;
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.end(
      `<!doctype html><html lang="en"><title>Service</title><h1>${user}@${tenant}</h1>
      <p id="url">${host}${req.url?.replaceAll('&', '&amp;')}</p><p id="cookies">${req.headers.cookie ?? ''}</p>
      <a href="/.drawbridge/sign-out">Sign out</a></html>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

const tenantNamed = (displayName: string): TenantContent =>
  sampleTenant({ displayName, clients: [], resources: [], pkceExemptions: [] });

interface Bench {
  readonly server: TestServer;
  /** Origin of a service, by its name. */
  readonly at: (service: string) => string;
}

interface BenchWishes {
  /** Of Drawbridge. */
  readonly host: string;
  /** What stands behind the service's name in its host. */
  readonly domain: string;
  readonly target: Server;
  readonly cookieDomain?: string;
}

const freshPaths: readonly AccessRule[] = [
  { paths: ['/fresh/**'], access: 'allow', maxAge: 300 },
  { access: 'allow' },
];

const openBench = async ({ host, domain, target, cookieDomain }: BenchWishes): Promise<Bench> => {
  const port = await freePort();
  const { port: targetPort } = target.address() as AddressInfo; // it listens on TCP
  const service = (name: string, changes: Partial<ServiceDefinition> = {}): ServiceDefinition =>
    serviceOf(name, {
      host: `${name}.${domain}:${port}`,
      tenants: ['acme'],
      target: {
        url: `http://127.0.0.1:${targetPort}`,
        connectTimeoutMs: 2000,
        timeoutMs: 5000,
        idleTimeoutMs: 5000,
        hostHeader: 'public',
        authorization: 'none',
      },
      ...changes,
    });
  const server = await startTestServer({
    store: sqliteStore,
    tenants: { acme: tenantNamed('Acme'), globex: tenantNamed('Globex'), initech: tenantNamed('Initech') },
    settings: {
      server: { port, publicUrl: `http://${host}:${port}` },
      gateway: {
        ...(cookieDomain === undefined ? {} : { cookieDomain }),
        services: [
          service('orders', { rules: freshPaths }),
          service('reports'),
          service('shared', { tenants: ['acme', 'globex'] }),
        ],
      },
    },
  });
  return { server, at: (name) => `http://${name}.${domain}:${port}` };
};

describeInChromium('services in a browser', () => {
  let chromium: Browser;
  let target: Server;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    [chromium, target] = await Promise.all([launchChromium(), openService()]);
  }, 60_000);
  afterEach(async () => {
    restoreTime();
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(async () => {
    await chromium.close();
    target.closeAllConnections();
    target.close();
  });

  const newContext = async (): Promise<BrowserContext> => {
    const context = await chromium.newContext();
    context.setDefaultTimeout(10_000);
    contexts.push(context);
    return context;
  };
  const newPage = async (): Promise<Page> => (await newContext()).newPage();

  const enter = async (page: Page, person: typeof alice | typeof bob = alice): Promise<void> => {
    await page.fill('[name=login]', person.username);
    await page.fill('[name=password]', person.password);
    await page.click('button[type=submit]');
  };
  const expectPerson = async (page: Page, who: string, url: string): Promise<void> => {
    await page.waitForURL(url);
    expect(await page.textContent('h1')).toBe(who);
    expect(page.url()).toBe(url);
  };
  const signedIn = async (url: string): Promise<Page> => {
    const page = await newPage();
    await page.goto(url);
    await enter(page);
    await expectPerson(page, 'alice@acme', url);
    return page;
  };
  const behaviour = (open: () => Bench): void => {
    const at = (service: string): string => open().at(service);

    it('lands on the exact URL after signing in, on a host and then on another', async () => {
      const page = await newPage();
      const asked = `${at('orders')}/deep/a%20b?x=1&y=%C3%A4&x=2`;
      await page.goto(asked);
      expect(page.url()).toContain(`${open().server.issuer('acme')}/interaction/`);
      await enter(page);
      await expectPerson(page, 'alice@acme', asked);
      expect(await page.textContent('#url')).toBe(asked.replace('http://', ''));
      await page.goto(`${at('reports')}/more?z=1`);
      await expectPerson(page, 'alice@acme', `${at('reports')}/more?z=1`);
    });

    it('answers a script with 401, and leads it nowhere', async () => {
      const page = await signedIn(`${at('orders')}/`);
      await page.context().clearCookies({ name: 'GWSESSIONID' });
      const seen = await page.evaluate(async () => {
        const response = await fetch('/data?x=1', { redirect: 'manual' });
        return [response.type, response.status];
      });
      expect(seen).toEqual(['basic', 401]);
    });

    it('brings ten tabs to their own URLs when one person opens them at once', async () => {
      const context = await newContext();
      const urls = Array.from({ length: 10 }, (_, n) => `${at('orders')}/tab/${n}?n=${n}`);
      const tabs = await Promise.all(urls.map(() => context.newPage()));
      await Promise.all(tabs.map((tab, n) => tab.goto(urls[n] ?? '')));
      for (const [n, tab] of tabs.entries()) {
        await tab.bringToFront();
        await enter(tab);
        await expectPerson(tab, 'alice@acme', urls[n] ?? '');
      }
      await Promise.all(tabs.map((tab, n) => tab.goto(`${at('reports')}/${n}?n=${n}`)));
      for (const [n, tab] of tabs.entries())
        await expectPerson(tab, 'alice@acme', `${at('reports')}/${n}?n=${n}`);
      const names = (await context.cookies()).map(({ name }) => name);
      expect(names.filter((name) => name.startsWith('drawbridge.way.'))).toEqual([]);
    }, 60_000);

    it('asks for the organization where there are several, and leads to another one', async () => {
      const page = await newPage();
      const asked = `${at('shared')}/deep?x=1`;
      await page.goto(asked);
      await expectAccessible(page);
      expect(await page.locator('.tenant-id').allTextContents()).toEqual(['acme', 'globex']);
      await page.click('text=Deutsch');
      await page.click('.tenant:has-text("Acme")');
      await page.click('a[href*="tenant="]');
      await page.click('.tenant:has-text("Globex")');
      await enter(page, bob);
      await expectPerson(page, 'bob@globex', asked);
    });

    it('holds people of two organizations side by side', async () => {
      const page = await signedIn(`${at('orders')}/`);
      await page.goto(`${at('shared')}/`);
      if (!page.url().startsWith(at('shared'))) await page.click('.tenant:has-text("Acme")');
      await expectPerson(page, 'alice@acme', `${at('shared')}/`);
      await page.goto(`${open().server.publicUrl}/?tenant=globex`);
      const stranger = await newPage();
      const signInAt = new Promise<string>((resolve) => {
        stranger.on('request', (request) => {
          if (/\/(?:start|sign-in)\?state=/.test(request.url())) resolve(request.url());
        });
      });
      await stranger.goto(`${at('shared')}/second`);
      await page.goto(await signInAt);
      await enter(page, bob);
      await page.waitForURL(`${at('shared')}/second`);
      const cookie = (await page.context().cookies(at('shared'))).find(({ name }) => name === 'GWSESSIONID');
      const held = cookie?.value.split(':').map((entry) => entry.split('.')[0]);
      expect(held).toEqual(['acme', 'globex']);
    });

    it('lets the person sign in again where a page asks for a new sign-in', async () => {
      const page = await signedIn(`${at('orders')}/fresh/a`);
      moveTime(301);
      await page.goto(`${at('orders')}/fresh/b?x=1`);
      expect(await page.isVisible('[name=password]')).toBe(true);
      await enter(page);
      await expectPerson(page, 'alice@acme', `${at('orders')}/fresh/b?x=1`);
      await page.goto(`${at('orders')}/other`);
      await expectPerson(page, 'alice@acme', `${at('orders')}/other`);
    });

    it('ends on all hosts by the sign-out of one', async () => {
      const page = await signedIn(`${at('orders')}/`);
      await page.goto(`${at('reports')}/`);
      await expectPerson(page, 'alice@acme', `${at('reports')}/`);
      await page.click('text=Sign out');
      await page.waitForURL(`${open().server.issuer('acme')}/session/end`);
      await page.click('[name=logout]');
      await page.waitForURL(/\/session\/end\/success/);
      for (const service of ['orders', 'reports']) {
        await page.goto(`${at(service)}/`);
        expect(await page.isVisible('[name=password]')).toBe(true);
      }
    });

    it('asks first when another site sends a browser to the sign-out', async () => {
      const page = await signedIn(`${at('orders')}/`);
      await page.route('http://evil.localhost/', (route) =>
        route.fulfill({
          contentType: 'text/html',
          body: `<a href="${at('orders')}/.drawbridge/sign-out">Click</a><form method="post" action="${at('orders')}/.drawbridge/sign-out"><button>Send</button></form>`,
        }),
      );
      for (const bait of ['a', 'button']) {
        await page.goto('http://evil.localhost/');
        await page.click(bait);
        await page.waitForSelector('form[action="/.drawbridge/sign-out"]');
        await page.goto(`${at('orders')}/`);
        await expectPerson(page, 'alice@acme', `${at('orders')}/`);
      }
      await page.goto('http://evil.localhost/');
      await page.click('a');
      await expectAccessible(page);
      await page.click('button[type=submit]');
      await page.waitForURL(`${open().server.issuer('acme')}/session/end`);
    });

    it.each([
      '//evil.localhost/',
      '//evil.localhost%2f..',
      '/\\evil.localhost/',
      '/@evil.localhost',
      '/x?u=//evil.localhost',
    ])('leads nobody to another host (%s)', async (path) => {
      const page = await signedIn(`${at('reports')}/`);
      const hosts = new Set<string>();
      page.on('request', (request) => hosts.add(new URL(request.url()).host));
      await page.goto(`${at('orders')}${path}`);
      const own = [open().server.publicUrl, at('orders')].map((url) => new URL(url).host);
      expect([...hosts].filter((host) => !own.includes(host))).toEqual([]);
    });
  };

  describe('each with a cookie of its own host, by a ticket', () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await openBench({ host: 'localhost', domain: 'services.localhost', target });
    });
    afterAll(() => bench.server.close());

    behaviour(() => bench);

    /** Where somebody who is signed in would bring a ticket. */
    const callbackOf = async (attacker: PlainBrowser): Promise<string> => {
      const follow = (page: PlainPage): Promise<PlainPage> =>
        attacker.follow(page, (url) => url.includes('/.drawbridge/callback?'));
      const login = await follow(await attacker.get(`${bench.at('reports')}/private`));
      return (
        (await follow(await attacker.submit(login, { login: alice.username, password: alice.password })))
          .location ?? ''
      );
    };

    it('signs no person in by the link of another', async () => {
      const attacker = createBrowser({}, localNames);
      const callback = await callbackOf(attacker);
      expect(callback).toContain(`${bench.at('reports')}/.drawbridge/callback?ticket=`);
      const victim = await newPage();
      const response = await victim.goto(callback);
      expect(response?.status()).toBe(400);
      await expectAccessible(victim);
      expect(await victim.textContent('h1')).toBe('The sign-in could not be completed');
      expect(await victim.context().cookies()).toEqual([]);
      // the link on that page begins anew, as whoever the victim is
      await victim.click('.button-main');
      await enter(victim, bob);
      await expectPerson(victim, 'bob@acme', `${bench.at('reports')}/private`);
      // and the ticket was not used up by a stranger
      expect((await attacker.follow(await attacker.get(callback))).body).toContain('alice@acme');
    });

    it('shows the service neither the session cookie nor those of the hand-over', async () => {
      const page = await signedIn(`${bench.at('orders')}/`);
      expect(await page.textContent('#cookies')).not.toMatch(/GWSESSIONID|drawbridge/);
    });
  });

  describe('all with one cookie of a parent domain', () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await openBench({
        host: 'id.apps.localhost',
        domain: 'apps.localhost',
        cookieDomain: 'apps.localhost',
        target,
      });
    });
    afterAll(() => bench.server.close());

    behaviour(() => bench);

    it('needs no ticket', async () => {
      const page = await newPage();
      const seen: string[] = [];
      page.on('request', (request) => seen.push(request.url()));
      await page.goto(`${bench.at('orders')}/`);
      await enter(page);
      await expectPerson(page, 'alice@acme', `${bench.at('orders')}/`);
      expect(seen.filter((url) => url.includes('/.drawbridge/'))).toEqual([]);
      const [cookie] = (await page.context().cookies()).filter(({ name }) => name === 'GWSESSIONID');
      expect(cookie).toMatchObject({ domain: '.apps.localhost', path: '/', httpOnly: true, sameSite: 'Lax' });
    });
  });
});
