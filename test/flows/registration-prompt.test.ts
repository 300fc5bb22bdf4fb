// `prompt=create`, by Initiating User Registration via OpenID Connect 1.0.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Browser, createBrowser, hasForm, type Page } from '../support/browser.ts';
import { codeOf, isLoginOf, openApp, signInThere } from '../support/federation.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { isLoginPage, redeem, signIn } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, sampleTenant, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'a fresh and long enough secret';

describe('prompt=create', () => {
  let mail: MailServer;
  let server: TestServer;
  const issuer = () => server.issuer('acme');

  beforeAll(async () => {
    mail = await startMailServer();
    server = await startTestServer({
      store: sqliteStore,
      tenants: {
        acme: sampleTenant({ registration: { mode: 'open' } }),
        globex: sampleTenant({ registration: { mode: 'invited' } }),
      },
      settings: { mail: mail.settings },
    });
  });
  afterAll(async () => {
    await server.close();
    await mail.close();
  });

  const ask = (browser: Browser, prompt = 'create') => openApp(browser, issuer(), { extra: { prompt } });
  const isBack = (target: string): boolean => target.startsWith(web.redirectUri);
  const isRegistration = (page: Page): boolean => textOf(page).includes('Create an account');
  const subOf = async (page: Page, verifier: string): Promise<string | undefined> => {
    const from = { issuer: issuer(), client: web };
    const { body } = await redeem(from, { code: codeOf(page), verifier });
    return decodeJwt(body.id_token ?? '').sub;
  };
  const toSignIn = async (browser: Browser, { body, url }: Page): Promise<Page> => {
    const { href = '' } = /href="(?<href>[^"]*[?&]choose=yes)"/.exec(body)?.groups ?? {};
    return browser.get(new URL(href, url).href);
  };
  const withSession = async (): Promise<Browser> => {
    const browser = createBrowser();
    await signIn(browser, { issuer: issuer(), client: web }, alice);
    return browser;
  };

  it('is announced where everybody may make an account', async () => {
    const announcedBy = async (tenant: string) =>
      JSON.parse(
        (await createBrowser().get(`${server.issuer(tenant)}/.well-known/openid-configuration`)).body,
      ).prompt_values_supported;
    expect(await announcedBy('acme')).toContain('create');
    expect(await announcedBy('globex')).not.toContain('create');
    const refused = await openApp(createBrowser(), server.issuer('globex'), { extra: { prompt: 'create' } });
    expect(refused.location).toContain('error=invalid_request');
  });

  it.each([
    ['without a session', async () => createBrowser()],
    ['in place of the account of the session', withSession],
  ])('leads to the form of a new account, which the app then has: %s', async (_when, open) => {
    const browser = await open();
    const start = await ask(browser);
    expect(isRegistration(start)).toBe(true);
    const email = `dora-${mail.taken.length}@example.com`;
    await browser.follow(await browser.submit(start, { email }));
    const [taken] = await mail.mailsTo(email);
    const [link = ''] = /http\S+token=\S+/.exec(taken?.text ?? '') ?? [];
    const login = await browser.submit(await browser.get(link), {
      ...{ name: 'Dora Dean', new_password: password, repeated: password },
    });
    let end = await signInThere(browser, login, { who: { username: email, password } });
    // the library ends the session of another person with a form that sends itself
    if (hasForm(end, {}) && end.location === undefined)
      end = await browser.follow(await browser.submit(end), isBack);
    const account = await server.storage.forTenant('acme').accounts.findByLogin(email);
    expect(account).toBeDefined();
    expect(await subOf(end, start.verifier)).toBe(account?.sub);
  });

  it('lets a person who has an account sign in, and asks no more', async () => {
    const browser = createBrowser();
    const start = await ask(browser);
    const login = await toSignIn(browser, start);
    expect(isLoginOf(login, issuer())).toBe(true);
    expect(await subOf(await signInThere(browser, login, { who: alice }), start.verifier)).toEqual(
      expect.any(String),
    );
  });

  it('has the form, its mail and the account in the language that the app asks for', async () => {
    const browser = createBrowser();
    const isGerman = ({ body }: Page): boolean => body.includes('<html lang="de"');
    const start = await openApp(browser, issuer(), { extra: { prompt: 'create', ui_locales: 'fr de' } });
    expect(isGerman(start)).toBe(true);
    const email = 'dirk@example.com';
    const asked = await browser.follow(await browser.submit(start, { email }));
    expect(isGerman(asked)).toBe(true);
    const [taken] = await mail.mailsTo(email);
    expect(taken?.text).toContain('Konto');
    const [code = ''] = /\b\d{4} ?\d{4}\b/.exec(taken?.text ?? '') ?? [];
    const form = await browser.follow(await browser.submit(asked, { code }));
    expect(isGerman(form)).toBe(true);
    await browser.submit(form, { name: 'Dirk Dorn', new_password: password, repeated: password });
    const account = await server.storage.forTenant('acme').accounts.findByLogin(email);
    expect(account?.claims).toMatchObject({ locale: 'de' });
    // the switch on the page outranks the app
    const switched = await browser.get(`${start.url}&ui_locales=en`);
    expect(isGerman(switched)).toBe(false);
  });

  it('goes with select_account, which asks first, and not with none', async () => {
    const browser = await withSession();
    const choice = await ask(browser, 'select_account create');
    expect(textOf(choice)).toContain('Choose an account');
    expect(isLoginPage(await toSignIn(browser, choice))).toBe(true);
    expect((await ask(browser, 'none create')).location).toContain('error=invalid_request');
  });
});
