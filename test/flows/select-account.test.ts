import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Browser, createBrowser, formsOf, hasForm, type Page } from '../support/browser.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  goToAuthorization,
  isLoginPage,
  type PreparedRequest,
  prepareAuthorization,
  redeem,
  signIn,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, bob, shop, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({ store: sqliteStore, instances: 2 });
const issuer = server.issuer('acme');
const client = shop;
afterEach(restoreTime);

const isBack = (target: string): boolean => target.startsWith(client.redirectUri);
const isChoice = (page: Page): boolean => textOf(page).includes('Choose an account');

const ask = async (browser: Browser, prompt = 'select_account', extra = {}) => {
  const prepared = prepareAuthorization({ issuer, client, extra: { prompt, ...extra } });
  return { prepared, page: await goToAuthorization(browser, prepared, client.redirectUri) };
};
const send = async (browser: Browser, page: Page, fields = {}): Promise<Page> =>
  browser.follow(await browser.submit(page, fields), isBack);
const other = async (browser: Browser, page: Page): Promise<Page> => {
  const [, href = ''] = /<a class="button[^"]*" href="([^"]+)">/.exec(page.body) ?? [];
  return browser.follow(await browser.get(new URL(href, page.url).href));
};
const subOf = async (prepared: PreparedRequest, page: Page): Promise<string | undefined> => {
  const code = new URL(page.location ?? page.url).searchParams.get('code') ?? '';
  const { body } = await redeem({ issuer, client }, { ...prepared, code });
  return decodeJwt(body.id_token ?? '').sub;
};
const signedInAs = async (who = alice as { readonly username: string; readonly password: string }) => {
  const browser = createBrowser();
  const signedIn = await signIn(browser, { issuer, client: web }, who);
  const { body } = await redeem({ issuer, client: web }, signedIn);
  return { browser, sub: decodeJwt(body.id_token ?? '').sub };
};

describe('prompt=select_account', () => {
  it('offers the person who is signed in, who continues with one click', async () => {
    const { browser, sub } = await signedInAs();
    const { prepared, page } = await ask(browser);
    expect(page.status).toBe(200);
    expect(textOf(page)).toContain('You are signed in as Alice Adams (alice).');
    expect(isLoginPage(page)).toBe(false);
    expect(await subOf(prepared, await send(browser, page))).toBe(sub);
  });

  it('lets another person sign in, whose session it then is', async () => {
    const { browser } = await signedInAs();
    const { sub } = await signedInAs(bob);
    const { prepared, page } = await ask(browser);
    const login = await other(browser, page);
    expect(isLoginPage(login)).toBe(true);
    let end = await send(browser, login, { login: bob.username, password: bob.password });
    // the library ends the first person's session with a form that sends itself
    if (hasForm(end, {}) && end.location === undefined) end = await send(browser, end);
    expect(await subOf(prepared, end)).toBe(sub);
    const silent = await ask(browser, 'none');
    expect(await subOf(silent.prepared, silent.page)).toBe(sub);
  });

  it('lets the same person sign in anew', async () => {
    const { browser, sub } = await signedInAs();
    const { prepared, page } = await ask(browser);
    const login = await other(browser, page);
    expect(
      await subOf(prepared, await send(browser, login, { login: 'alice', password: alice.password })),
    ).toBe(sub);
  });

  it('is a sign-in without a session, and asks no further question', async () => {
    const browser = createBrowser();
    const { prepared, page } = await ask(browser);
    expect(isChoice(page)).toBe(false);
    const end = await send(browser, page, { login: alice.username, password: alice.password });
    expect(await subOf(prepared, end)).toEqual(expect.any(String));
  });

  it('takes nothing from the other rules: prompt=login and max_age ask for the password', async () => {
    const { browser } = await signedInAs();
    const both = await ask(browser, 'select_account login');
    expect(isChoice(both.page)).toBe(true);
    expect(isLoginPage(await send(browser, both.page))).toBe(true);
    moveTime(200);
    const old = await ask(browser, 'select_account', { max_age: '100' });
    expect(isLoginPage(await send(browser, old.page))).toBe(true);
  });

  it('does not go with prompt=none, and a refusal goes back to the app', async () => {
    const { browser } = await signedInAs();
    expect((await ask(browser, 'none select_account')).page.location).toContain('error=invalid_request');
    const { page } = await ask(browser);
    const cancel = formsOf(page).findIndex(({ action }) => action.endsWith('/cancel'));
    const end = await browser.follow(await browser.submit(page, {}, cancel), isBack);
    expect(end.location).toContain('error=access_denied');
  });

  it('takes a choice from its own form alone', async () => {
    const { browser } = await signedInAs();
    const { page } = await ask(browser);
    const action = formsOf(page)[0]?.action ?? '';
    expect((await browser.post(action, { csrf: 'forged' })).status).toBe(403);
  });
});
