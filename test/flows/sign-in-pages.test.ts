import { describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import { enterCode, startDevice } from '../support/device.ts';
import {
  formOf,
  goToAuthorization,
  isConsentPage,
  type Parameters,
  prepareAuthorization,
  signIn,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { rawRequest } from '../support/raw-http.ts';
import {
  alice,
  bob,
  confidential,
  type KnownClient,
  partner,
  sampleClients,
  sampleTenant,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { useServer } from '../support/use-server.ts';

const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`;
const hostileApp = confidential('hostile-app', 'https://hostile.example/callback');

const library = confidential('library');

/** Would a browser run something of it? */
const expectHarmless = (page: Page): void => {
  expect(page.body).not.toMatch(/<script>alert|<img src=x|<svg onload/);
};

const server = await useServer({
  store: sqliteStore,
  instances: 2,
  tenants: {
    acme: sampleTenant({
      clients: [
        ...sampleClients,
        webClient(hostileApp, { client_name: hostile, firstParty: false }),
        webClient(library, { client_name: { en: 'The library', de: 'Die Bücherei' }, firstParty: false }),
      ],
    }),
    globex: sampleTenant({ displayName: 'Globex' }),
    strict: sampleTenant({ throttle: { account: { attempts: 2, window: '15m' } } }),
  },
});
const issuer = server.issuer('acme');

const openLogin = (browser: Browser, extra: Parameters = {}, client: KnownClient = web): Promise<Page> =>
  goToAuthorization(browser, prepareAuthorization({ issuer, client, extra }), client.redirectUri);

const loginAction = (page: Page): string => formsOf(page)[0]?.action ?? '';

describe('the login form', () => {
  it('sends on with 303, so that no browser sends the password on', async () => {
    const browser = createBrowser();
    const answer = await browser.submit(await openLogin(browser), {
      login: 'alice',
      password: alice.password,
    });

    expect(answer.status).toBe(303);
    expect(answer.location?.startsWith(issuer)).toBe(true);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('keeps the name and says one thing, whatever was wrong', async () => {
    const tryOut = async (login: string, password: string) => {
      const browser = createBrowser();
      return browser.submit(await openLogin(browser), { login, password });
    };
    const wrong = await tryOut('bob', 'wrong');
    const unknown = await tryOut('nobody-here', 'wrong');

    expect([wrong.status, unknown.status]).toEqual([400, 400]);
    expect(formsOf(wrong)[0]?.fields).toMatchObject({ login: 'bob', password: '' });
    expect(wrong.body).not.toContain('wrong"');
    expect(textOf(unknown)).toBe(textOf(wrong));
    const [message = ''] = /id="problem"[\s\S]*?<\/(?:div|p)>/.exec(wrong.body) ?? [];
    expect(message).toContain('password');
  });

  it.each([
    ['no name', { login: '', password: 'x' }],
    ['no password', { login: 'alice', password: '' }],
    ['spaces for a name', { login: '   ', password: 'x' }],
  ])('asks again for %s, without trying anything', async (_what, fields) => {
    const browser = createBrowser();
    const login = await openLogin(browser);
    const before = await server.storage.forTenant('acme').audit.list({ limit: 1 });
    const page = await browser.submit(login, fields);

    expect(page.status).toBe(400);
    expect(textOf(page)).toContain('Please enter your user name and your password.');
    expect(formsOf(page)[0]?.fields).toHaveProperty('password');
    expect(await server.storage.forTenant('acme').audit.list({ limit: 1 })).toEqual(before);
  });

  it.each(['\0', `${alice.password}\0`, '   ', 'a'.repeat(10_000)])(
    'lets nobody in with the password %#',
    async (password) => {
      const browser = createBrowser();
      const page = await browser.submit(await openLogin(browser), { login: 'nobody-else', password });

      expect(page.status).toBe(400);
      expect(page.location).toBeUndefined();
    },
  );

  it('says how long to wait after too many attempts, and refuses all meanwhile', async () => {
    const browser = createBrowser();
    const prepared = prepareAuthorization({ issuer: server.issuer('strict'), client: web });
    let page = await goToAuthorization(browser, prepared, web.redirectUri);
    for (let i = 0; i < 2; i += 1) page = await browser.submit(page, { login: 'bob', password: 'wrong' });
    page = await browser.submit(page, { login: 'bob', password: bob.password });

    expect(page.status).toBe(429);
    expect(textOf(page)).toMatch(/Too many .*try again in/);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(page.headers.get('retry-after'))).toBeLessThanOrEqual(900);
    expect(formsOf(page)[0]?.fields).toMatchObject({ login: 'bob' });
  });

  it('works again when it is sent twice', async () => {
    const browser = createBrowser();
    const login = await openLogin(browser);
    const first = await browser.submit(login, { login: 'alice', password: alice.password });
    const second = await browser.submit(login, { login: 'alice', password: alice.password });
    const back = await browser.follow(second.location === undefined ? first : second, (url) =>
      url.startsWith(web.redirectUri),
    );

    expect(second.status).toBeLessThan(500);
    expect(new URL(back.location ?? back.url).searchParams.get('code')).not.toBeNull();
  });

  it('can be cancelled: the app gets the error', async () => {
    const browser = createBrowser();
    const back = await browser.follow(await browser.submit(await openLogin(browser), {}, 1), (url) =>
      url.startsWith(web.redirectUri),
    );

    expect(new URL(back.location ?? back.url).searchParams.get('error')).toBe('access_denied');
  });
});

describe('a forged form', () => {
  const credentials = { login: alice.username, password: alice.password };

  it.each([
    ['without the token', {}],
    ['with an empty token', { csrf: '' }],
    ['with a made-up token', { csrf: 'A'.repeat(43) }],
  ])('%s is refused', async (_what, csrf) => {
    const browser = createBrowser();
    const answer = await browser.post(loginAction(await openLogin(browser)), { ...credentials, ...csrf });

    expect([400, 403]).toContain(answer.status);
    expect(answer.location).toBeUndefined();
  });

  it('with the token of another browser, sign-in or tenant is refused', async () => {
    const [victim, attacker] = [createBrowser(), createBrowser()];
    const ownLogin = await openLogin(attacker);
    const csrf = formsOf(ownLogin)[0]?.fields.csrf ?? '';
    const victims = await openLogin(victim);
    const elsewhere = prepareAuthorization({ issuer: server.issuer('globex'), client: web });
    const atGlobex = await goToAuthorization(victim, elsewhere, web.redirectUri);

    expect(csrf).not.toBe('');
    expect((await victim.post(loginAction(victims), { ...credentials, csrf })).status).toBe(403);
    expect((await victim.post(loginAction(ownLogin), { ...credentials, csrf })).status).toBe(403);
    expect((await victim.post(loginAction(atGlobex), { ...credentials, csrf })).status).toBe(403);
    const second = await openLogin(attacker);
    expect((await attacker.post(loginAction(second), { ...credentials, csrf })).status).toBe(403);
  });

  it.each([
    ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
    ['a foreign Origin', { origin: 'https://evil.example' }],
  ])('from another site (%s) is refused even with the right token', async (_what, headers) => {
    const browser = createBrowser();
    const login = await openLogin(browser);
    const cookie = browser
      .cookies()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const body = formOf({ ...formsOf(login)[0]?.fields, ...credentials });
    const send = (more: Record<string, string>) =>
      fetch(loginAction(login), { method: 'POST', body, redirect: 'manual', headers: { cookie, ...more } });

    const forged = await send(headers);
    expect(forged.status).toBe(403);
    expect(forged.headers.getSetCookie()).toEqual([]);
    expect((await send({ 'sec-fetch-site': 'same-origin' })).status).toBe(303);
  });

  it('cannot skip the login: consent and others lead back to it', async () => {
    const browser = createBrowser();
    const login = await openLogin(browser, {}, partner);
    const csrf = formsOf(login)[0]?.fields.csrf ?? '';
    const consent = loginAction(login).replace(/\/login$/, '/consent');
    const answer = await browser.post(consent, { csrf, decision: 'allow' });
    const page = await browser.follow(answer, (url) => url.startsWith(partner.redirectUri));

    expect(formsOf(page)[0]?.fields).toHaveProperty('password');
  });

  it('in another browser does not even see the sign-in', async () => {
    const login = await openLogin(createBrowser());
    const page = await createBrowser().get(login.url);

    expect(page.status).toBe(404);
    expect(textOf(page)).toContain('started in another browser');
  });

  it('with the cookie of another sign-in does not see this one', async () => {
    const [browser, stranger] = [createBrowser(), createBrowser()];
    const login = await openLogin(browser);
    await openLogin(stranger);
    const cookie = stranger
      .cookies()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const answer = await fetch(login.url, { headers: { cookie, accept: 'text/html' } });

    expect(cookie).toContain('interaction');
    expect(answer.status).toBe(404);
  });
});

describe('every page', () => {
  const askAsAnotherHost = async (): Promise<Page> => {
    const url = `${server.publicUrl}/`;
    const headers = ['Host: evil.example', 'Accept: text/html'];
    const answer = await rawRequest({ port: Number(new URL(url).port), target: '/', headers });
    return { ...answer, url, location: undefined, headers: new Headers(answer.headers) };
  };

  const allPages = async (): Promise<Readonly<Record<string, Page>>> => {
    const browser = createBrowser();
    const login = await openLogin(browser, {}, partner);
    const consent = await browser.follow(
      await browser.submit(login, { login: alice.username, password: alice.password }),
    );
    const device = createBrowser();
    const { user_code, verification_uri_complete } = await startDevice(issuer);
    return {
      selection: await createBrowser().get(`${server.publicUrl}/`),
      login,
      consent,
      'device code': await device.get(`${issuer}/device`),
      'device code of the address': await device.get(verification_uri_complete),
      'device confirmation': await enterCode(device, issuer, user_code),
      account: await browser.get(`${issuer}/account`),
      logout: await browser.get(`${issuer}/session/end`),
      'signed out': await createBrowser().get(`${issuer}/session/end/success`),
      'error of the provider': await createBrowser().get(`${issuer}/auth?client_id=nobody`),
      'error of a form': await browser.post(`${issuer}/session/end/confirm`, { xsrf: 'x' }),
      'no such page': await createBrowser().get(`${issuer}/nowhere`),
      'no such tenant': await createBrowser().get(`${server.publicUrl}/oauth/nobody`),
      'no such path': await createBrowser().get(`${server.publicUrl}/nowhere`),
      'no such interaction': await createBrowser().get(`${issuer}/interaction/${'x'.repeat(21)}`),
      'wrong method': await browser.post(`${issuer}/account`, {}),
      'another host': await askAsAnotherHost(),
    };
  };

  it('is not cached, not framed, runs no inline script and loads from no other host', async () => {
    for (const [name, page] of Object.entries(await allPages())) {
      const { headers } = page;
      const csp = headers.get('content-security-policy') ?? '';
      expect({ name, type: headers.get('content-type') }).toEqual({
        name,
        type: 'text/html; charset=utf-8',
      });
      expect({
        name,
        cache: headers.get('cache-control'),
        frame: headers.get('x-frame-options'),
        nosniff: headers.get('x-content-type-options'),
        referrer: headers.get('referrer-policy'),
        hasPermissions: headers.has('permissions-policy'),
        poweredBy: headers.get('x-powered-by'),
      }).toEqual({
        name,
        cache: 'no-store',
        frame: 'DENY',
        nosniff: 'nosniff',
        referrer: 'no-referrer',
        hasPermissions: true,
        poweredBy: null,
      });
      expect({ name, csp }).toEqual({
        name,
        csp: expect.stringMatching(/default-src 'none';.*base-uri 'none';.*frame-ancestors 'none'/),
      });
      expect(csp).not.toMatch(/unsafe-|form-action|\*|http:/);
      expect({
        name,
        foreign: page.body.match(/(?:src|href|@import)[^>]{0,3}https?:\/\/(?!localhost)/),
      }).toEqual({
        name,
        foreign: null,
      });
      expect({ name, inline: page.body.match(/<style|\sstyle=|\son[a-z]+=/) }).toEqual({
        name,
        inline: null,
      });
    }
  });

  it('has the status of what happened', async () => {
    const pages = await allPages();
    const statuses = Object.fromEntries(Object.entries(pages).map(([name, { status }]) => [name, status]));

    expect(statuses).toEqual({
      selection: 200,
      login: 200,
      consent: 200,
      'device code': 200,
      'device code of the address': 200,
      'device confirmation': 200,
      account: 200,
      logout: 200,
      'signed out': 200,
      'error of the provider': 400,
      'error of a form': 400,
      'no such page': 404,
      'no such tenant': 404,
      'no such path': 404,
      'no such interaction': 404,
      'wrong method': 405,
      'another host': 421,
    });
  });
});

describe('hostile words', () => {
  it.each([
    ['login_hint', { login_hint: hostile }],
    ['ui_locales', { ui_locales: hostile }],
    ['state', { state: hostile }],
    ['nonce', { nonce: hostile }],
  ])('in %s reach the login page as text or not at all', async (_name, extra) => {
    const page = await openLogin(createBrowser(), extra);

    expect(page.status).toBe(200);
    expectHarmless(page);
  });

  it('in login_hint are what the form starts with', async () => {
    expect(formsOf(await openLogin(createBrowser(), { login_hint: hostile }))[0]?.fields.login).toBe(hostile);
  });

  it('in the name of an app are shown as text', async () => {
    const browser = createBrowser();
    const login = await openLogin(browser, {}, hostileApp);
    const consent = await browser.follow(
      await browser.submit(login, { login: alice.username, password: alice.password }),
    );

    expect(textOf(login)).toContain(hostile);
    expect(textOf(consent)).toContain(hostile);
    expectHarmless(login);
    expectHarmless(consent);
  });

  it('in the login field are given back as text', async () => {
    const browser = createBrowser();
    const page = await browser.submit(await openLogin(browser), { login: hostile, password: 'x' });

    expect(formsOf(page)[0]?.fields.login).toBe(hostile);
    expectHarmless(page);
  });

  it.each([
    'client_id',
    'redirect_uri',
    'response_type',
    'scope',
    'prompt',
    'response_mode',
    'code_challenge_method',
    'claims',
    'request',
    'resource',
    'max_age',
    hostile,
  ])('in the parameter %s of a wrong request are shown as text', async (name) => {
    const prepared = prepareAuthorization({ issuer, client: web, extra: { [name]: hostile } });
    const page = await createBrowser().get(prepared.url);

    expect(page.status).toBeLessThan(500);
    expectHarmless(page);
  });

  it.each(['error', 'error_description', 'code', 'state'])(
    'in %s on the way back are not repeated',
    async (name) => {
      const page = await createBrowser().get(
        `${issuer}/account/callback?${formOf({ error: 'x', [name]: hostile })}`,
      );

      expect(page.status).toBe(403);
      expect(page.body).not.toContain('alert(1)');
    },
  );

  it('in the search of the tenant selection are shown as text', async () => {
    expectHarmless(await createBrowser().get(`${server.publicUrl}/?${formOf({ q: hostile })}`));
    expectHarmless(await createBrowser().get(`${server.publicUrl}/?${formOf({ tenant: hostile })}`));
  });
});

describe('the language', () => {
  const languageOf = (page: Page): string | undefined => /<html lang="([^"]+)"/.exec(page.body)?.[1];

  it.each([
    [{}, {}, 'en'],
    [{ ui_locales: 'de' }, {}, 'de'],
    [{ ui_locales: 'fr de-AT en' }, {}, 'de'],
    [{}, { 'accept-language': 'de-DE,de;q=0.9,en;q=0.5' }, 'de'],
    [{}, { 'accept-language': 'fr, en;q=0.2' }, 'en'],
    [{ ui_locales: 'en' }, { 'accept-language': 'de' }, 'en'],
    [{}, { cookie: 'i18next=de' }, 'de'],
    [{}, { cookie: 'i18next=de', 'accept-language': 'en' }, 'de'],
  ] as const)('asked for by %j and %j is %s', async (extra, headers, expected) => {
    const { cookie, ...others } = headers as { cookie?: string };
    const browser = createBrowser(others);
    const prepared = prepareAuthorization({ issuer, client: web, extra });
    const redirect = await browser.get(prepared.url);
    const own = browser.cookies().map(({ name, value }) => `${name}=${value}`);
    const page = await fetch(redirect.location ?? '', {
      headers: { ...others, accept: 'text/html', cookie: [...own, ...(cookie ? [cookie] : [])].join('; ') },
    });
    const body = await page.text();

    expect(/<html lang="([^"]+)"/.exec(body)?.[1]).toBe(expected);
    expect(body.includes('Anmelden')).toBe(expected === 'de');
  });

  it.each([
    ['en', 'The library'],
    ['de', 'Die Bücherei'],
    ['fr', 'The library'],
  ])('%s is the one of the name of the app, too', async (ui_locales, name) => {
    const browser = createBrowser();
    const login = await openLogin(browser, { ui_locales }, library);
    expect(login.body).toContain(`<strong dir="auto">${name}</strong>`);
    const consent = await browser.follow(
      await browser.submit(login, { login: 'alice', password: alice.password }),
    );
    expect(isConsentPage(consent, library.id)).toBe(true);
    expect(consent.body).toContain(`<strong dir="auto">${name}</strong>`);
  });

  it('chosen by the switch stays for the pages that follow, also those of the provider', async () => {
    const browser = createBrowser({ 'sec-fetch-site': 'same-origin' });
    const login = await openLogin(browser);
    const [, switchUrl = ''] = /<a[^>]*href="([^"]*ui_locales=de[^"]*)"/.exec(login.body) ?? [];
    const german = await browser.get(new URL(switchUrl.replaceAll('&amp;', '&'), login.url).href);

    expect(languageOf(login)).toBe('en');
    expect(languageOf(german)).toBe('de');
    expect(languageOf(await browser.get(`${issuer}/device`))).toBe('de');
    expect(languageOf(await browser.get(`${issuer}/auth?client_id=nobody`))).toBe('de');
    expect(languageOf(await browser.get(`${server.publicUrl}/nowhere`))).toBe('de');
    expect(languageOf(await openLogin(browser))).toBe('de');
  });

  it('that an app asks for is not kept', async () => {
    const browser = createBrowser();
    await openLogin(browser, { ui_locales: 'de' });

    expect(languageOf(await browser.get(`${issuer}/device`))).toBe('en');
  });
});

it.each(['disabled', 'locked'])('asks a person again who was %s while signed in', async (fate) => {
  const hugo = { username: `hugo-${fate}`, password: 'a very long passphrase' };
  await server.users('acme').add(hugo);
  const browser = createBrowser();
  await signIn(browser, { issuer, client: web }, hugo);
  if (fate === 'disabled') await server.users('acme').disable(hugo.username);
  else {
    const records = server.storage.forTenant('acme').accounts;
    const account = await records.findByLogin(hugo.username);
    await records.update(account?.sub ?? '', { lockedAt: Date.now() });
  }
  const login = await openLogin(browser);
  const refused = await browser.submit(login, { login: hugo.username, password: hugo.password });
  const silent = await openLogin(browser, { prompt: 'none' });
  const account = await browser.follow(await browser.get(`${issuer}/account`));

  expect(login.status).toBe(200);
  expect(formsOf(login)[0]?.fields).toHaveProperty('password');
  expect(refused.status).toBe(400);
  expect(new URL(silent.location ?? silent.url).searchParams.get('error')).toBe('login_required');
  expect(formsOf(account)[0]?.fields).toHaveProperty('password');
});

describe('the tenant selection', () => {
  let server: TestServer | undefined;

  const start = async (tenants: Readonly<Record<string, object>>): Promise<TestServer> => {
    server = await startTestServer({
      store: sqliteStore,
      tenants: Object.fromEntries(
        Object.entries(tenants).map(([id, more]) => [id, { demo: true, ...more }] as const),
      ),
    });
    return server;
  };
  const afterThat = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } finally {
      await server?.close();
    }
  };
  const tenantsOf = (page: Page): readonly string[] =>
    [...page.body.matchAll(/href="\/\?tenant=([^"&]+)"/g)].map(([, id = '']) => id);

  it('goes straight to the only tenant', () =>
    afterThat(async () => {
      const { publicUrl, issuer } = await start({ acme: {} });
      const answer = await createBrowser().get(`${publicUrl}/`);

      expect(answer.status).toBe(303);
      expect(answer.location).toBe(issuer('acme'));
    }));

  it('shows several, hides what is not listed, and remembers the choice until it is taken back', () =>
    afterThat(async () => {
      const { publicUrl, issuer } = await start({
        acme: { displayName: 'Acme Corporation' },
        globex: {},
        secret: { listed: false },
      });
      const browser = createBrowser();
      const page = await browser.get(`${publicUrl}/`);
      const chosen = await browser.get(`${publicUrl}/?tenant=globex`);
      const again = await browser.get(`${publicUrl}/`);
      const another = await browser.get(`${publicUrl}/?tenant=`);
      const forgotten = await browser.get(`${publicUrl}/`);
      const hidden = await createBrowser().get(`${publicUrl}/?tenant=secret`);
      const unknown = await createBrowser().get(`${publicUrl}/?tenant=nobody`);

      expect(tenantsOf(page)).toEqual(['acme', 'globex']);
      expect(textOf(page)).toContain('Acme Corporation');
      expect(page.body).not.toContain('type="search"');
      expect(chosen.location).toBe(issuer('globex'));
      expect(chosen.headers.getSetCookie().join()).toMatch(/^tenant=globex; Path=\/; .*HttpOnly/);
      expect(again.location).toBe(issuer('globex'));
      expect(tenantsOf(another)).toEqual(['acme', 'globex']);
      expect(tenantsOf(forgotten)).toEqual(['acme', 'globex']);
      expect(hidden.location).toBe(issuer('secret'));
      expect(tenantsOf(unknown)).toEqual(['acme', 'globex']);
    }));

  it('lists none of too many before a search, and at most twenty after it', () =>
    afterThat(async () => {
      const ids = Array.from({ length: 25 }, (_, i) => `office-${i + 10}`);
      const { publicUrl } = await start(Object.fromEntries(ids.map((id) => [id, {}])));
      const browser = createBrowser();
      const first = await browser.get(`${publicUrl}/`);
      const many = await browser.submit(first, { q: 'office' });
      const one = await browser.get(`${publicUrl}/?q=office-12`);

      expect(tenantsOf(first)).toEqual([]);
      expect(textOf(first)).toContain('Search for the organization');
      expect(tenantsOf(await browser.get(`${publicUrl}/?q=office`))).toEqual(ids.slice(0, 20));
      expect(many.status).toBeLessThan(500);
      expect(textOf(await browser.get(`${publicUrl}/?q=office`))).toContain('these are the first 20');
      expect(tenantsOf(one)).toEqual(['office-12']);
    }));

  it('offers no tenant at which nobody can sign in without an app', () =>
    afterThat(async () => {
      const tokens = {
        id: 'tokens',
        type: 'oauth2',
        userInfoUri: 'https://idp.example/me',
        userNameExtractionPattern: '/sub',
      };
      const { publicUrl } = await start({
        acme: {},
        globex: {},
        tokens: { sources: [tokens] },
        apps: { sources: [{ id: 'local', type: 'local', clients: ['web'] }], clients: [webClient(web)] },
      });
      const page = await createBrowser().get(`${publicUrl}/`);

      expect(tenantsOf(page)).toEqual(['acme', 'globex']);
    }));

  it('lists none where people are asked, and takes an id or the domain of an address', () =>
    afterThat(async () => {
      server = await startTestServer({
        store: sqliteStore,
        settings: { tenants: { selection: 'ask' } },
        tenants: {
          acme: { demo: true, displayName: 'Secret Name' },
          globex: { demo: true, sources: [{ id: 'local', type: 'local', domains: ['globex.example'] }] },
        },
      });
      const { publicUrl, issuer } = server;
      const browser = createBrowser();
      const first = await browser.get(`${publicUrl}/`);
      const ask = (q: string): Promise<Page> => createBrowser().get(`${publicUrl}/?${formOf({ q })}`);

      expect(tenantsOf(first)).toEqual([]);
      expect(first.body).not.toContain('Secret Name');
      expect(formsOf(first)[0]?.fields).toHaveProperty('q');
      expect((await ask(' ACME ')).location).toBe(issuer('acme'));
      expect((await ask('gloria@Globex.example')).location).toBe(issuer('globex'));
      expect((await ask('globex.example')).headers.getSetCookie().join()).toMatch(/^tenant=globex;/);
      for (const wrong of ['acm', 'secret', 'a@', 'example']) {
        const page = await ask(wrong);
        expect([page.status, tenantsOf(page)]).toEqual([200, []]);
        expect(textOf(page)).toContain('No organization matches');
      }
    }));

  it('has a search beyond ten', () =>
    afterThat(async () => {
      const ids = Array.from({ length: 11 }, (_, i) => `tenant-${String.fromCharCode(97 + i)}`);
      const { publicUrl } = await start(
        Object.fromEntries(ids.map((id) => [id, { displayName: `The ${id.at(-1)?.toUpperCase()} company` }])),
      );
      const all = await createBrowser().get(`${publicUrl}/`);
      const byId = await createBrowser().get(`${publicUrl}/?q=TENANT-c`);
      const byName = await createBrowser().get(`${publicUrl}/?q=the%20k`);
      const none = await createBrowser().get(`${publicUrl}/?q=zebra`);

      expect(tenantsOf(all)).toEqual(ids);
      expect(all.body).toContain('type="search"');
      expect(tenantsOf(byId)).toEqual(['tenant-c']);
      expect(tenantsOf(byName)).toEqual(['tenant-k']);
      expect(tenantsOf(none)).toEqual([]);
      expect(textOf(none)).toContain('zebra');
    }));
});
