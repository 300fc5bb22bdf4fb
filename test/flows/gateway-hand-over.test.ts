import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import {
  type GuardedServices,
  localNames,
  openGuardedServices,
  serviceOf,
} from '../support/guarded-service.ts';
import { rawRequest } from '../support/raw-http.ts';
import { alice, bob, sampleTenant } from '../support/sample-tenants.ts';
import { authenticatorApp, isSetUpPage, secretOn } from '../support/second-factor.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const rememberedBy = (tenant: string) => ({
  displayName: tenant,
  clients: [],
  resources: [],
  pkceExemptions: [],
});

describe('the hand-over from a service to its sign-in and back', () => {
  let services: GuardedServices;
  let server: TestServer;
  let clock: TestClock;
  const orders = (): string => `http://orders.localhost:${services.port}`;
  const reports = (): string => `http://reports.localhost:${services.port}`;
  const strict = (): string => `http://strict.localhost:${services.port}`;

  beforeAll(async () => {
    clock = createTestClock(Date.now());
    services = await openGuardedServices();
    const { port } = services;
    server = await startTestServer({
      store: sqliteStore,
      clock,
      tenants: {
        acme: sampleTenant(rememberedBy('Acme')),
        globex: sampleTenant(rememberedBy('Globex')),
        initech: sampleTenant(rememberedBy('Initech')),
      },
      settings: {
        server: { trustedProxies: ['127.0.0.1'] },
        gateway: {
          services: [
            serviceOf('orders', { host: `orders.localhost:${port}`, tenants: ['acme', 'globex'] }),
            serviceOf('reports', { host: `reports.localhost:${port}`, tenants: ['acme'] }),
            serviceOf('guests', { host: `guests.localhost:${port}`, tenants: ['initech'] }),
            serviceOf('strict', {
              host: `strict.localhost:${port}`,
              tenants: ['acme'],
              rules: [
                { paths: ['/vault/**'], access: 'allow', acr: ['urn:acme:strong'] },
                { paths: ['/safe/**'], access: 'allow', amr: ['otp'] },
                { paths: ['/fresh/**'], access: 'allow', maxAge: 300 },
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

  /** The provider itself keeps to the time of the machine, so ours comes back to it. */
  const later = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
    clock.advance(ms);
    return work().finally(() => clock.advance(-ms));
  };

  const newBrowser = (): Browser => createBrowser({}, localNames);

  /** Enters name and password, and follows until the service answers. */
  const signIn = async (
    browser: Browser,
    page: Page,
    person: typeof alice | typeof bob = alice,
  ): Promise<Page> =>
    browser.follow(await browser.submit(page, { login: person.username, password: person.password }));

  const open = async (browser: Browser, url: string): Promise<Page> => browser.follow(await browser.get(url));

  const signedIn = async (url = `${reports()}/`): Promise<Browser> => {
    const browser = newBrowser();
    expect((await signIn(browser, await open(browser, url))).body).toContain('alice@acme');
    return browser;
  };

  const shown = (page: Page): string | undefined => /<p id="url">([^<]*)/.exec(page.body)?.[1];

  const hops = async (browser: Browser, url: string): Promise<readonly Page[]> => {
    const pages = [await browser.get(url)];
    for (let last = pages[0]; last?.location !== undefined; last = pages.at(-1))
      pages.push(await browser.get(last.location));
    return pages;
  };

  /** Where the ticket is, not yet given. */
  const ticketUrl = async (browser: Browser, url: string): Promise<string> => {
    const isCallback = (next: string): boolean => next.includes('/.drawbridge/callback?');
    const { location = '' } = await browser.follow(await browser.get(url), isCallback);
    expect(isCallback(location)).toBe(true);
    return location;
  };

  it('lands on the exact URL, with its query', async () => {
    const browser = newBrowser();
    const page = await open(browser, `${reports()}/deep/a%20b?x=1&y=%2F%C3%A4&x=2`);
    expect(page.url).toContain(`${server.issuer('acme')}/interaction/`);
    const back = await signIn(browser, page);
    expect(back.url).toBe(`${reports()}/deep/a%20b?x=1&y=%2F%C3%A4&x=2`);
    expect(shown(back)).toBe(`${new URL(reports()).host}/deep/a%20b?x=1&amp;y=%2F%C3%A4&amp;x=2`);
    expect(back.body).toContain('alice@acme');
  });

  it('goes from service to service without a question', async () => {
    const browser = await signedIn();
    const back = await open(browser, `${strict()}/page?x=1`);
    expect(back.url).toBe(`${strict()}/page?x=1`);
    expect(back.body).toContain('alice@acme');
  });

  it('redirects without a loop when the tenant no longer serves the account', async () => {
    const guests = `http://guests.localhost:${services.port}/`;
    const browser = newBrowser();
    expect((await signIn(browser, await open(browser, guests))).body).toContain('alice@initech');
    await server.putTenant('initech', { displayName: 'Initech' });
    const page = await open(browser, guests);
    expect(page.url).toContain(`${server.issuer('initech')}/interaction/`);
    await server.putTenant('initech', sampleTenant(rememberedBy('Initech')));
  });

  it('leaves nothing in the browser but the session of each host', async () => {
    const browser = await signedIn();
    const names = browser.cookies().map(({ name }) => name);
    expect(names).toContain('GWSESSIONID');
    expect(names.filter((name) => name.startsWith('drawbridge.way.'))).toEqual([]);
  });

  it('keeps all its answers out of caches and frames', async () => {
    const browser = await signedIn();
    for (const { url, headers } of await hops(browser, `${strict()}/`)) {
      if (url.startsWith(strict()) && !url.includes('/.drawbridge/')) continue;
      expect([url, headers.get('cache-control')]).toEqual([url, 'no-store']);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it('keeps ten hand-overs apart that begin at the same time', async () => {
    const browser = newBrowser();
    const urls = Array.from({ length: 10 }, (_, n) => `${reports()}/tab/${n}?n=${n}`);
    const asked = await Promise.all(urls.map((url) => open(browser, url)));
    expect(browser.cookies().filter(({ name }) => name.startsWith('drawbridge.way.'))).toHaveLength(10);
    const back: Page[] = [];
    for (const page of asked) back.push(await signIn(browser, page));
    expect(back.map(({ url }) => url)).toEqual(urls);
    expect(browser.cookies().filter(({ name }) => name.startsWith('drawbridge.way.'))).toEqual([]);
  });

  it('brings ten tabs of one who is signed in to their own URLs', async () => {
    const browser = await signedIn(`${strict()}/`);
    const urls = Array.from({ length: 10 }, (_, n) => `${reports()}/tab/${n}?n=${n}`);
    const back = await Promise.all(urls.map((url) => open(browser, url)));
    expect(back.map(({ url, status }) => [url, status])).toEqual(urls.map((url) => [url, 200]));
  });

  it('forgets the oldest of very many hand-overs that were not finished', async () => {
    const browser = newBrowser();
    for (let n = 0; n < 30; n += 1) await open(browser, `${reports()}/${n}`);
    const left = browser.cookies().filter(({ name }) => name.startsWith('drawbridge.way.'));
    expect(left).toHaveLength(20);
  });

  describe('where a service has several tenants', () => {
    it('asks which, and only those', async () => {
      const browser = newBrowser();
      const page = await open(browser, `${orders()}/deep?x=1`);
      expect(page.url).toContain(`${server.publicUrl}/gateway/sign-in?state=`);
      const ids = [...page.body.matchAll(/class="tenant-id">([^<]+)/g)].map(([, id]) => id);
      expect(ids).toEqual(['acme', 'globex']);
      const [, href = ''] = /href="([^"]*tenant=globex)"/.exec(page.body) ?? [];
      const login = await open(browser, new URL(href.replaceAll('&amp;', '&'), page.url).href);
      expect(login.url).toContain(`${server.issuer('globex')}/interaction/`);
      const back = await signIn(browser, login);
      expect(back.url).toBe(`${orders()}/deep?x=1`);
      expect(back.body).toContain('alice@globex');
      expect(browser.cookies().find(({ name }) => name === 'tenant')?.value).toBe('globex');
    });

    it('remembers the choice', async () => {
      const browser = newBrowser();
      await browser.get(`${server.publicUrl}/?tenant=acme`);
      const login = await open(browser, `${orders()}/`);
      expect(login.url).toContain(`${server.issuer('acme')}/interaction/`);
    });

    it('asks again when what is remembered is no tenant of the service', async () => {
      const browser = newBrowser();
      await browser.get(`${server.publicUrl}/?tenant=initech`);
      const page = await open(browser, `${orders()}/`);
      expect(page.url).toContain('/gateway/sign-in?state=');
      expect(page.body).toContain('tenant=globex');
    });

    it('leads from one login page to that of another tenant, and still back to the service', async () => {
      const browser = newBrowser();
      await browser.get(`${server.publicUrl}/?tenant=acme`);
      const login = await open(browser, `${orders()}/deep?x=1`);
      const [, other = ''] = /href="([^"]*\/gateway\/sign-in\?state=[^"]*tenant=)"/.exec(login.body) ?? [];
      const page = await open(browser, other.replaceAll('&amp;', '&'));
      const [, href = ''] = /href="([^"]*tenant=globex)"/.exec(page.body) ?? [];
      const back = await signIn(
        browser,
        await open(browser, new URL(href.replaceAll('&amp;', '&'), page.url).href),
      );
      expect(back.url).toBe(`${orders()}/deep?x=1`);
      expect(back.body).toContain('alice@globex');
    });

    it('offers no other tenant where there is none', async () => {
      const login = await open(newBrowser(), `${reports()}/`);
      expect(login.body).not.toContain('tenant=');
    });

    it('holds sessions of two tenants side by side', async () => {
      const browser = newBrowser();
      await browser.get(`${server.publicUrl}/?tenant=acme`);
      await signIn(browser, await open(browser, `${orders()}/`));
      await open(browser, `${server.publicUrl}/?tenant=globex`);
      const start = await browser.get(`${orders()}/`);
      expect(start.body).toContain('alice@acme');
      const state = await stateOf(`${orders()}/second`);
      const login = await open(browser, `${orders()}/.drawbridge/start?state=${state}`);
      const back = await signIn(browser, login, bob);
      expect(back.url).toBe(`${orders()}/second`);
      const value = browser.cookies().find(({ name }) => name === 'GWSESSIONID')?.value ?? '';
      expect(value.split(':').map((entry) => entry.split('.')[0])).toEqual(['acme', 'globex']);
    });

    it('refuses people of a tenant that the service does not serve', async () => {
      const state = await stateOf(`${orders()}/`);
      const page = await newBrowser().get(`${server.issuer('initech')}/gateway/sign-in?state=${state}`);
      expect(page.status).toBe(403);
      expect(page.headers.get('x-error')).toBe('The service does not admit this tenant');
      expect(page.body).toContain('Not for this organization');
    });
  });

  /** A state as a stranger gets it. */
  const stateOf = async (url: string): Promise<string> => {
    const { location = '' } = await newBrowser().get(url);
    return new URL(location).searchParams.get('state') ?? '';
  };

  describe('a ticket', () => {
    it('is good once', async () => {
      const browser = await signedIn(`${strict()}/`);
      const url = await ticketUrl(browser, `${reports()}/deep?x=1`);
      expect((await browser.get(url)).location).toBe(`${reports()}/deep?x=1`);
      const again = await browser.get(url);
      expect(again.status).toBe(400);
      expect(again.headers.get('x-error')).toBe(
        'The ticket of the sign-in is unknown, used, or of another browser',
      );
      expect(again.headers.get('x-error-id')).toMatch(/^[0-9a-f]{16}$/);
      expect(again.headers.get('set-cookie')).toBeNull();
      expect(again.body).toContain(`href="${reports()}/deep?x=1"`);
    });

    it('signs no person in whose browser did not begin the hand-over, and still serves the one that did', async () => {
      const attacker = await signedIn(`${strict()}/`);
      const url = await ticketUrl(attacker, `${reports()}/`);
      const victim = newBrowser();
      const page = await victim.get(url);
      expect(page.status).toBe(400);
      expect(victim.cookies()).toEqual([]);
      // a victim in the middle of a hand-over of their own is no better off for the attacker
      await open(victim, `${reports()}/`);
      expect((await victim.get(url)).status).toBe(400);
      expect(victim.cookies().map(({ name }) => name)).not.toContain('GWSESSIONID');
      expect((await attacker.get(url)).status).toBe(303);
    });

    it('signs no person in who was sent through the beginning of the same hand-over before', async () => {
      const attacker = await signedIn(`${strict()}/`);
      const { location: start = '' } = await attacker.get(`${reports()}/`);
      const isCallback = (next: string): boolean => next.includes('/.drawbridge/callback?');
      const { location: callback = '' } = await attacker.follow(await attacker.get(start), isCallback);
      const victim = newBrowser();
      expect((await victim.get(start)).status).toBe(303);
      expect((await victim.get(callback)).status).toBe(400);
      expect(victim.cookies().map(({ name }) => name)).not.toContain('GWSESSIONID');
      expect((await attacker.get(callback)).status).toBe(303);
    });

    it('is worth nothing on another host, at another tenant, or without its state', async () => {
      const browser = await signedIn(`${strict()}/`);
      const url = new URL(await ticketUrl(browser, `${reports()}/`));
      const elsewhere = new URL(url.href.replace(reports(), orders()));
      const foreign = new URL(url);
      foreign.searchParams.set('tenant', 'globex');
      const unknown = new URL(url);
      unknown.searchParams.set('tenant', 'nobody');
      const bare = new URL(url);
      bare.searchParams.delete('state');
      const otherWay = new URL(url);
      otherWay.searchParams.set('state', await stateOf(`${reports()}/`));
      for (const { href } of [elsewhere, foreign, unknown, bare, otherWay])
        expect([href, (await browser.get(href)).status]).toEqual([href, 400]);
      expect((await browser.get(url.href)).status).toBe(303);
    });

    it('is too old after a minute', async () => {
      const browser = await signedIn(`${strict()}/`);
      const url = await ticketUrl(browser, `${reports()}/`);
      expect((await later(61_000, () => browser.get(url))).status).toBe(400);
    });

    it('of one makes one session for ten who hold it', async () => {
      const browser = await signedIn(`${strict()}/`);
      const url = await ticketUrl(browser, `${reports()}/`);
      const statuses = await Promise.all(
        Array.from({ length: 10 }, async () => (await browser.get(url)).status),
      );
      expect(statuses.toSorted()).toEqual([303, ...Array.from({ length: 9 }, () => 400)]);
    });
  });

  describe('a state', () => {
    const places = (): readonly string[] => [
      `${reports()}/.drawbridge/start`,
      `${server.publicUrl}/gateway/sign-in`,
      `${server.issuer('acme')}/gateway/sign-in`,
    ];

    it.each(['', 'x', 'v1.AAAA', 'http://evil.example/', '//evil.example', '/\\evil.example', 'v1.'])(
      'that is not ours (%j) leads nowhere',
      async (state) => {
        for (const place of places()) {
          const page = await newBrowser().get(`${place}?state=${encodeURIComponent(state)}`);
          expect([place, page.status, page.location]).toEqual([place, 400, undefined]);
          expect(page.headers.get('x-error-id')).toMatch(/^[0-9a-f]{16}$/);
          expect(page.body).not.toMatch(/(?:href|src|action)="[^"?]*evil/);
        }
      },
    );

    it('that was changed in one place is refused', async () => {
      const state = await stateOf(`${reports()}/`);
      const at = state.length - 20;
      const changed = state.slice(0, at) + (state[at] === 'A' ? 'B' : 'A') + state.slice(at + 1);
      for (const place of places())
        expect((await newBrowser().get(`${place}?state=${changed}`)).status).toBe(400);
    });

    it('given twice is refused', async () => {
      const state = await stateOf(`${reports()}/`);
      for (const place of places())
        expect((await newBrowser().get(`${place}?state=${state}&state=${state}`)).status).toBe(400);
    });

    it('of one service is nothing at the host of another', async () => {
      const state = await stateOf(`${reports()}/`);
      expect((await newBrowser().get(`${orders()}/.drawbridge/start?state=${state}`)).status).toBe(400);
    });

    it('that is lost leads to the start of the service', async () => {
      for (const path of ['start', 'callback', 'callback?ticket=x&tenant=acme&state=changed']) {
        const page = await newBrowser().get(`${orders()}/.drawbridge/${path}`);
        expect(page.body).toMatch(/<a class="button button-main" href="\/">/);
      }
    });

    it('that is too old offers the page that was asked for', async () => {
      const state = await stateOf(`${reports()}/deep?x=1`);
      for (const place of places()) {
        const page = await later(30 * 60_000, () => newBrowser().get(`${place}?state=${state}`));
        expect([place, page.status, page.headers.get('x-error')]).toEqual([
          place,
          400,
          'The sign-in for the service took too long',
        ]);
        expect(page.body).toContain(`href="${reports()}/deep?x=1"`);
      }
    });

    it('makes no session for who is sent through a hand-over that another person began', async () => {
      const attacker = newBrowser();
      const isSignIn = (url: string): boolean => url.includes('/oauth/acme/gateway/sign-in');
      const { location = '' } = await attacker.follow(await attacker.get(`${reports()}/`), isSignIn);
      const victim = await signedIn(`${strict()}/`);
      const page = await open(victim, location);
      expect(page.url).toContain(`${reports()}/.drawbridge/callback?`);
      expect(page.status).toBe(400);
    });
  });

  it.each([
    '//evil.example',
    '//evil.example/%2e%2e',
    '/.evil.example',
    '/@evil.example/',
    '/%5cevil.example',
    '/a?next=http://evil.example/',
  ])('comes back to the host it came from, whatever the path (%s)', async (path) => {
    const browser = await signedIn(`${strict()}/`);
    const page = await browser.get(`${reports()}${path}`);
    if (page.status === 400) return;
    for (const { location } of await hops(browser, `${reports()}${path}`))
      if (location !== undefined)
        expect([new URL(reports()).host, new URL(server.publicUrl).host]).toContain(new URL(location).host);
  });

  it('is not led to a host of which it has not heard', async () => {
    const port = Number(new URL(server.publicUrl).port);
    for (const host of ['evil.example', `orders.localhost:${port}`, 'orders.localhost'])
      expect(
        (await rawRequest({ port, target: '/.drawbridge/start?state=x', headers: [`Host: ${host}`] })).status,
      ).toBe(421);
  });

  it('has no other page on the host of a service', async () => {
    const browser = newBrowser();
    for (const path of ['whoami', '', 'start/', 'Start', 'callback/x']) {
      const page = await browser.get(`${reports()}/.drawbridge/${path}`);
      expect([path, page.status]).toEqual([path, 404]);
    }
    expect((await browser.post(`${reports()}/.drawbridge/start`, {})).status).toBe(405);
  });

  it('has what its pages look like below the same path', async () => {
    const page = await newBrowser().get(`${reports()}/.drawbridge/start`);
    const sheets = [...page.body.matchAll(/(?:href|src)="([^"]*\/assets\/[^"]*)"/g)].map(
      ([, url = '']) => url,
    );
    expect(sheets.length).toBeGreaterThan(2);
    for (const url of sheets) {
      expect(url).toMatch(/^\/\.drawbridge\/assets\//);
      const asset = await newBrowser().get(`${reports()}${url}`);
      expect([url, asset.status, asset.headers.get('cache-control')]).toEqual([
        url,
        200,
        'public, max-age=31536000, immutable',
      ]);
    }
  });

  describe('a rule that asks for more', () => {
    it('asks the person to sign in again, and then allows the request', async () => {
      const browser = await signedIn(`${strict()}/`);
      expect((await open(browser, `${strict()}/fresh/a?x=1`)).status).toBe(200);
      const before = browser.cookies().find(({ name }) => name === 'GWSESSIONID')?.value;
      const back = await later(301_000, async () => {
        const login = await open(browser, `${strict()}/fresh/a?x=1`);
        expect(login.url).toContain(`${server.issuer('acme')}/interaction/`);
        return signIn(browser, login);
      });
      expect(back.url).toBe(`${strict()}/fresh/a?x=1`);
      expect(back.status).toBe(200);
      // what the new session replaced is worth nothing to whoever kept it
      const kept = createBrowser({ cookie: `GWSESSIONID=${before}` }, localNames);
      expect((await kept.get(`${strict()}/other`)).status).toBe(302);
    });

    it('asks for a second factor alone where that is what misses', async () => {
      const browser = await signedIn(`${strict()}/`);
      const page = await open(browser, `${strict()}/safe/a`);
      expect(isSetUpPage(page)).toBe(true);
      const app = authenticatorApp(secretOn(page), () => clock.now());
      const codes = await browser.follow(await browser.submit(page, { code: app.next() }));
      const back = await browser.follow(await browser.submit(codes));
      expect([back.url, back.status]).toEqual([`${strict()}/safe/a`, 200]);
      const { accounts } = server.storage.forTenant('acme');
      const account = await accounts.findByLogin(alice.username);
      await accounts.update(account?.sub ?? '', { factors: undefined });
    });

    it('says so when a new sign-in is not enough either, and asks no third time', async () => {
      const browser = await signedIn(`${strict()}/`);
      const login = await open(browser, `${strict()}/vault/a`);
      expect(login.url).toContain(`${server.issuer('acme')}/interaction/`);
      const page = await signIn(browser, login);
      expect(page.status).toBe(403);
      expect(page.headers.get('x-error')).toBe('The service demands a stronger or newer sign-in');
      expect(page.body).toContain('This sign-in is not sufficient');
    });
  });

  describe('signing out', () => {
    const goes = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const fromHere = { ...goes, 'sec-fetch-site': 'same-origin' };
    const visit = async (browser: Browser, url: string, headers: Record<string, string>): Promise<Page> => {
      const cookie = browser
        .cookies()
        .filter(({ name }) => name === 'GWSESSIONID')
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ');
      return createBrowser({ ...headers, cookie }, localNames).get(url);
    };
    const isSignedIn = async (browser: Browser): Promise<boolean> =>
      (await browser.get(`${reports()}/`)).status === 200;

    it('ends the session of the host at once, and continues with the sign-out of the tenant', async () => {
      const browser = await signedIn();
      const page = await visit(browser, `${reports()}/.drawbridge/sign-out`, fromHere);
      expect(page.location).toBe(`${server.issuer('acme')}/session/end`);
      expect(page.headers.get('set-cookie')).toBe('GWSESSIONID=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax');
      expect(await isSignedIn(browser)).toBe(false);
    });

    it.each([
      ['another site', { ...goes, 'sec-fetch-site': 'cross-site' }],
      ['another host of the site', { ...goes, 'sec-fetch-site': 'same-site' }],
      [
        'a picture',
        { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'same-origin' },
      ],
      ['a preview', { ...fromHere, 'sec-purpose': 'prefetch' }],
      ['a browser that does not say', {}],
    ])('is asked about when the link is of %s', async (_what, headers) => {
      const browser = await signedIn();
      const page = await visit(
        browser,
        `${reports()}/.drawbridge/sign-out`,
        headers as Record<string, string>,
      );
      expect(page.status).toBe(200);
      expect(formsOf(page).map(({ method, action }) => [method, action])).toEqual([
        ['post', `${reports()}/.drawbridge/sign-out`],
      ]);
      expect(await isSignedIn(browser)).toBe(true);
    });

    it('happens by the form of that page, and not by that of another site', async () => {
      const browser = await signedIn();
      const page = await browser.get(`${reports()}/.drawbridge/sign-out`);
      const cross = await localNames(`${reports()}/.drawbridge/sign-out`, {
        method: 'POST',
        headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', accept: 'text/html' },
      });
      expect([cross.status, cross.headers.get('set-cookie')]).toEqual([200, null]);
      expect(await isSignedIn(browser)).toBe(true);
      expect((await browser.submit(page)).location).toBe(`${server.issuer('acme')}/session/end`);
      expect(await isSignedIn(browser)).toBe(false);
      expect(browser.cookies().map(({ name }) => name)).not.toContain('GWSESSIONID');
    });

    it('of one tenant keeps the session of the other', async () => {
      const browser = newBrowser();
      for (const tenant of ['acme', 'globex']) {
        await browser.get(`${server.publicUrl}/?tenant=${tenant}`);
        const state = await stateOf(`${orders()}/`);
        await signIn(browser, await open(browser, `${orders()}/.drawbridge/start?state=${state}`));
      }
      const page = await browser.get(`${orders()}/.drawbridge/sign-out?tenant=globex`);
      expect((await browser.submit(page)).location).toBe(`${server.issuer('globex')}/session/end`);
      expect((await browser.get(`${orders()}/`)).body).toContain('alice@acme');
    });

    it('of the provider ends the sessions of all hosts', async () => {
      const browser = await signedIn(`${strict()}/`);
      await open(browser, `${reports()}/`);
      const asked = await browser.submit(await browser.get(`${reports()}/.drawbridge/sign-out`));
      const page = await browser.follow(asked);
      const fields = { ...formsOf(page)[0]?.fields, logout: 'yes' };
      await browser.follow(await browser.post(formsOf(page)[0]?.action ?? '', fields));
      for (const url of [reports(), strict()])
        expect((await open(browser, `${url}/`)).url).toContain('/interaction/');
    });
  });
});
