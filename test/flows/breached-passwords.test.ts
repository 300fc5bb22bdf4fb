import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { codeOf, openApp, signInThere } from '../support/federation.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { tokensFor } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { digitsOf, type RangeServer, startRangeServer } from '../support/range-server.ts';
import { sampleTenant, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** Of before there was a list. */
const old = 'the old long password of ruth';
const listed = 'lantern orbit mosaic';
const fresh = 'granite meadow whistle';
const ruth = { username: 'ruth', password: old, email: 'ruth@example.com' };

describe('a list of breached passwords', () => {
  let list: RangeServer;
  let mail: MailServer;
  let server: TestServer;
  const issuer = (): string => server.issuer('acme');

  beforeAll(async () => {
    [list, mail] = await Promise.all([startRangeServer({ [old]: 7, [listed]: 3 }), startMailServer()]);
    const tenant = sampleTenant({
      recovery: { password: 'mail' },
      registration: { mode: 'open' },
      passwords: { breached: { url: list.url } },
    });
    server = await startTestServer({
      store: sqliteStore,
      tenants: { acme: tenant },
      settings: { mail: mail.settings },
    });
  });
  afterAll(async () => {
    await server.close();
    await Promise.all([list.close(), mail.close()]);
  });
  beforeEach(async () => {
    const users = server.users('acme');
    const { ok } = (await users.find('ruth')) ? await users.setPassword('ruth', old) : await users.add(ruth);
    expect(ok).toBe(true);
    list.requests.splice(0);
    mail.taken.splice(0);
  });

  /** The beginnings of the hashes that it was asked about. */
  const askedAbout = (): readonly (string | undefined)[] =>
    list.requests.map(({ url }) => /^\/range\/(.{5})\?/.exec(url ?? '')?.[1]);
  const beginningOf = (password: string): string => digitsOf(password).slice(0, 5);

  const signIn = async (browser = createBrowser(), password = old): Promise<Page> =>
    signInThere(browser, await openApp(browser, issuer()), { who: { ...ruth, password } });

  it('is not asked at a sign-in', async () => {
    codeOf(await signIn());
    expect(askedAbout()).toEqual([]);
  });

  it('refuses a new password of the account page, in the language of the person', async () => {
    const browser = createBrowser({ 'accept-language': 'de' });
    codeOf(await signIn(browser));
    const form = await browser.get(`${issuer()}/account/password`);
    const choose = (page: Page, chosen: string, password = old) =>
      browser.submit(page, { login: 'ruth', password, new_password: chosen, repeated: chosen });

    const wrong = await choose(form, fresh, 'wrong');
    const weak = await choose(wrong, 'short');
    expect([wrong.status, weak.status, askedAbout()]).toEqual([400, 400, []]);
    const refused = await choose(weak, listed);
    expect(refused.status).toBe(400);
    expect(textOf(refused)).toContain('Dieses Passwort ist mit den Daten eines Dienstes öffentlich geworden');
    codeOf(await signIn());
    const done = await choose(refused, fresh);
    expect(textOf(done)).toContain('Ihr Passwort wurde geändert');
    expect(askedAbout()).toEqual([beginningOf(listed), beginningOf(fresh)]);
    codeOf(await signIn(createBrowser(), fresh));
  });

  it('refuses a new password of the API', async () => {
    const scope = 'openid account';
    const tokens = await tokensFor(createBrowser(), { issuer: issuer(), client: web, scope }, ruth);
    const change = (chosen: string) =>
      askApi(issuer(), '/password', {
        method: 'PUT',
        token: tokens.access_token,
        body: { old_password: old, new_password: chosen },
      });
    expect(await change(listed)).toMatchObject({
      status: 400,
      body: {
        error: 'password_refused',
        error_description: expect.stringContaining('has become public with the data of some service'),
      },
    });
    expect((await change(fresh)).status).toBe(204);
    expect(askedAbout()).toEqual([beginningOf(listed), beginningOf(fresh)]);
  });

  it('refuses a new password after a forgotten one, and keeps the link', async () => {
    const browser = createBrowser();
    await browser.post(`${issuer()}/recover`, { login: 'ruth' });
    const [{ text = '' } = {}] = await mail.mailsTo(ruth.email);
    const link = /^https?:\S+\/recover\/password\?token=[\w-]{43}$/m.exec(text)?.[0] ?? '';
    const choose = (chosen: string) => browser.post(link, { new_password: chosen, repeated: chosen });
    const refused = await choose(listed);
    expect(refused.status).toBe(400);
    expect(textOf(refused)).toContain('This password has become public');
    expect((await choose(fresh)).location).toBe(`${issuer()}/recover/done`);
    expect(askedAbout()).toEqual([beginningOf(listed), beginningOf(fresh)]);
    codeOf(await signIn(createBrowser(), fresh));
  });

  it('refuses the password of a new account, and keeps the link', async () => {
    await createBrowser().post(`${issuer()}/register`, { email: 'dora@example.com' });
    const [{ text = '' } = {}] = await mail.mailsTo('dora@example.com');
    const link = /^https?:\S+\/register\/account\?token=[\w-]{43}$/m.exec(text)?.[0] ?? '';
    const choose = (chosen: string) =>
      createBrowser().post(link, { name: 'Dora Dean', new_password: chosen, repeated: chosen });
    expect(textOf(await choose(listed))).toContain('This password has become public');
    expect(await server.users('acme').find('dora@example.com')).toBeUndefined();
    expect((await choose(fresh)).status).toBe(303);
    expect(askedAbout()).toEqual([beginningOf(listed), beginningOf(fresh)]);
    expect(await server.users('acme').find('dora@example.com')).toBeDefined();
  });

  it('lets a listed password pass while it has failed, and logs and counts that', async () => {
    const countsOf = async () => {
      const { breachedPasswords = { asked: 0, unanswered: 0 } } = (await (
        await fetch(`${server.publicUrl}/readyz`)
      ).json()) as { breachedPasswords?: { asked: number; unanswered: number } };
      return breachedPasswords;
    };
    const { asked } = await countsOf();
    list.instead = (response) => response.writeHead(500).end();
    try {
      const browser = createBrowser();
      codeOf(await signIn(browser));
      const form = await browser.get(`${issuer()}/account/password`);
      const fields = { login: 'ruth', password: old, new_password: listed, repeated: listed };
      expect(textOf(await browser.submit(form, fields))).toContain('Your password has been changed');
      expect(server.logLines().filter((line) => line.includes('list of breached passwords'))).toHaveLength(1);
      expect(await countsOf()).toEqual({ asked: asked + 1, unanswered: 1 });
    } finally {
      list.instead = undefined;
    }
  });
});
