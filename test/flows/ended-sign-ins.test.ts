import { afterEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import { localNames, serviceOf } from '../support/guarded-service.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { goToAuthorization, prepareAuthorization } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  alice,
  confidential,
  type KnownClient,
  sampleClients,
  sampleTenant,
  shop,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const home = 'https://notes.example.com/';
const notes = confidential('notes', 'https://notes.example.com/callback');
const starter = confidential('starter', 'https://starter.example.com/callback');

const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant({
      clients: [
        ...sampleClients,
        webClient(notes, { client_name: 'Notes', client_uri: home }),
        webClient(starter, { initiate_login_uri: 'https://starter.example.com/login?x=1', client_uri: home }),
      ],
    }),
  },
  settings: {
    gateway: {
      services: [
        serviceOf('orders', {
          prefix: '/orders',
          target: {
            url: 'http://127.0.0.1:9',
            connectTimeoutMs: 1000,
            timeoutMs: 1000,
            idleTimeoutMs: 1000,
            hostHeader: 'public',
            authorization: 'none',
          },
        }),
      ],
    },
  },
});
const issuer = server.issuer('acme');

const openLogin = (browser: Browser, client: KnownClient = notes): Promise<Page> =>
  goToAuthorization(browser, prepareAuthorization({ issuer, client }), client.redirectUri);

const linksOf = ({ body }: Page): readonly string[] =>
  [...body.matchAll(/<a class="button[^"]*" href="([^"]+)"/g)].map(([, href = '']) =>
    href.replaceAll('&amp;', '&'),
  );

const credentials = { login: alice.username, password: alice.password };

/** The page and where its first button leads. */
const expectStart = (page: Page, title: string, first: string): void => {
  expect(textOf(page)).toContain(title);
  expect(textOf(page)).not.toContain('Not allowed');
  expect(textOf(page)).not.toContain('Page not found');
  expect(linksOf(page)[0]).toBe(first);
};

describe('a sign-in page', () => {
  afterEach(restoreTime);

  it('that was open for too long leads back to the app, however it is used', async () => {
    const browser = createBrowser();
    const login = await openLogin(browser);
    moveTime(2 * 3600);
    const sent = await browser.submit(login, credentials);
    const again = await browser.get(login.url);

    expect(sent.status).toBeGreaterThanOrEqual(400);
    expect(again.status).toBe(404);
    for (const page of [sent, again]) expectStart(page, 'This took too long', home);
  });

  it('whose cookies are gone leads back to the app', async () => {
    const login = await openLogin(createBrowser());
    const sent = await createBrowser().submit(login, credentials);
    const seen = await createBrowser().get(login.url);

    for (const page of [sent, seen]) expectStart(page, 'This sign-in cannot go on here', home);
    expect(textOf(sent)).toContain('Start again at Notes');
  });

  it('that is left behind after the sign-in says that it is complete', async () => {
    const browser = createBrowser();
    const login = await openLogin(browser);
    const back = await browser.follow(await browser.submit(login, credentials), (url) =>
      url.startsWith(notes.redirectUri),
    );
    const page = await browser.get(login.url);

    expect(back.location).toContain('code=');
    expectStart(page, 'You are already signed in', home);
    expect(linksOf(page)).toContain(issuer);
  });

  it('leads to the address at which the app begins a sign-in, which needs the issuer', async () => {
    const login = await openLogin(createBrowser(), starter);
    const page = await createBrowser().get(login.url);

    expectStart(
      page,
      'cannot go on here',
      `https://starter.example.com/login?x=1&iss=${encodeURIComponent(issuer)}`,
    );
  });

  it('leads to the account where the app has no address', async () => {
    const login = await openLogin(createBrowser(), web);
    expectStart(await createBrowser().get(login.url), 'cannot go on here', issuer);
  });

  it('leads back to the service for which it was begun', async () => {
    const browser = createBrowser({}, localNames);
    const login = await browser.follow(await browser.get(`${server.publicUrl}/orders/7`));
    moveTime(2 * 3600);
    expectStart(await browser.submit(login, credentials), 'This took too long', `${server.publicUrl}/orders`);
  });

  it('knows the apps of several tabs apart', async () => {
    const browser = createBrowser();
    const first = await openLogin(browser, starter);
    await openLogin(browser, notes);
    moveTime(2 * 3600);
    expect(linksOf(await browser.get(first.url))[0]).toContain('https://starter.example.com/login');
  });

  it('never leads to an address that is not registered, whatever the cookie says', async () => {
    const uid = 'u'.repeat(21);
    for (const name of ['https%3A%2F%2Fevil.example', 'nobody', '%E0%A4%A', 'drawbridge-account'])
      for (const kind of ['c', 's']) {
        const cookie = `drawbridge.begun=${uid}.${kind}.${name}`;
        const page = await createBrowser({ cookie }).get(`${issuer}/interaction/${uid}`);

        expectStart(page, 'This took too long', issuer);
        expect(page.body).not.toContain('evil.example');
      }
  });

  it('shows a form that lost its token once more', async () => {
    const browser = createBrowser();
    const login = await openLogin(browser);
    const page = await browser.post(formsOf(login)[0]?.action ?? '', credentials);

    expect(page.status).toBe(400);
    expectStart(page, 'This form is out of date', login.url);
    expect(formsOf(await browser.get(linksOf(page)[0] ?? ''))[0]?.fields).toHaveProperty('password');
  });

  it('that is resumed too late, or by another browser, says so', async () => {
    const browser = createBrowser();
    const answer = await browser.submit(await openLogin(browser), credentials);
    const page = await createBrowser().get(answer.location ?? '');

    expect(page.status).toBe(400);
    expectStart(page, 'This took too long', issuer);
  });

  it('answers a program with the error', async () => {
    const answer = await fetch(`${issuer}/interaction/${'x'.repeat(21)}`, {
      headers: { accept: 'application/json' },
    });

    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: 'not_found' });
  });

  it('has the page in German', async () => {
    const page = await createBrowser({ 'accept-language': 'de' }).get(
      `${issuer}/interaction/${'x'.repeat(21)}`,
    );
    expectStart(page, 'Das hat zu lange gedauert', issuer);
  });
});

describe('other forms and returns', () => {
  it('a sign-in of the account page that was cancelled can start again', async () => {
    expectStart(
      await createBrowser().get(`${issuer}/account/callback?error=access_denied`),
      'You are not signed in',
      issuer,
    );
  });

  it('a sign-out that was open for too long can be confirmed anew', async () => {
    const page = await createBrowser().post(`${issuer}/session/end/confirm`, { xsrf: 'x', logout: 'yes' });
    expectStart(page, 'This form is out of date', `${issuer}/session/end`);
  });

  it('a device form that was open for too long asks for the code again', async () => {
    const page = await createBrowser().post(`${issuer}/device`, { xsrf: 'x', user_code: 'WDJB-MJHT' });
    expect(textOf(page)).toContain('That took too long. Please enter the code again.');
  });
});

describe('a form that was sent', () => {
  it('is shown again by a redirect, with the name and what was wrong', async () => {
    const browser = createBrowser();
    const login = await openLogin(browser, shop);
    const { action = '', fields } = formsOf(login)[0] ?? {};
    const answer = await browser.post(action, { ...fields, login: 'bob', password: 'wrong' });

    expect(answer.status).toBe(303);
    expect(answer.body).not.toContain('wrong');
    const page = await browser.get(answer.location ?? '');
    expect(textOf(page)).toContain('The user name or password is wrong');
    expect(formsOf(page)[0]?.fields.login).toBe('bob');

    // the browser's arrow leads to the first page, the second one stays as it is
    const before = await browser.get(login.url);
    expect(before.status).toBe(200);
    expect(textOf(before)).not.toContain('is wrong');
    expect(formsOf(before)[0]?.fields.login).toBe('bob');
    expect(textOf(await browser.get(page.url))).toContain('is wrong');
  });

  it('keeps its place when the language is switched', async () => {
    const browser = createBrowser();
    const page = await browser.submit(await openLogin(browser, shop), { login: 'bob', password: 'wrong' });
    const [, german = ''] = /href="([^"]+)" hreflang="de"/.exec(page.body) ?? [];
    const after = await browser.get(new URL(german.replaceAll('&amp;', '&'), page.url).href);

    expect(after.body).toContain('<html lang="de">');
    expect(formsOf(after)[0]?.fields.login).toBe('bob');
    expect(textOf(after)).toContain('Benutzername oder Passwort');
    const again = await browser.submit(after, { login: 'bob', password: 'wrong' });
    expect(again.body).toContain('<html lang="de">');
  });

  it('shows nothing that another form, or nobody, has sealed', async () => {
    const browser = createBrowser();
    const login = await openLogin(browser, shop);
    await browser.submit(login, { login: 'bob', password: 'wrong' });
    const notice = browser.cookies().find(({ name }) => name === 'drawbridge.notice')?.value ?? '';
    const other = await openLogin(browser, shop);
    const jar = browser
      .cookies()
      .filter(({ path }) => new URL(other.url).pathname.startsWith(path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');

    expect(notice).not.toBe('');
    for (const value of [notice, 'v1.AAAA', '%7B%7D', '']) {
      const headers = { cookie: `${jar}; drawbridge.notice=${value}`, accept: 'text/html' };
      const answer = await fetch(`${other.url}?notice=yes`, { headers });
      const body = await answer.text();

      expect(answer.status).toBe(200);
      expect(body).not.toContain('id="problem"');
      expect(body).not.toContain('value="bob"');
    }
  });

  it('of a device is shown again with the code', async () => {
    const browser = createBrowser();
    const first = await browser.get(`${issuer}/device`);
    const { action = '', fields } = formsOf(first)[0] ?? {};
    const answer = await browser.post(action, { ...fields, user_code: 'WDJB-MJHT' });

    expect(answer.status).toBe(303);
    const page = await browser.get(answer.location ?? '');
    expect(textOf(page)).toContain('This code is wrong');
    expect(formsOf(page)[0]?.fields.user_code).toBe('WDJB-MJHT');
    expect(textOf(await browser.get(first.url))).not.toContain('This code is wrong');
  });
});
