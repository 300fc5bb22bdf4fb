import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { FactorMethod } from '../../src/config/tenant/tenant-definition.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { isLoginPage, redeem, signIn } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, bob, sampleTenant, shop, web } from '../support/sample-tenants.ts';
import {
  afterPassword,
  authenticatorApp,
  isFactorPage,
  isSetUpPage,
  recoveryCodesOn,
  secretOn,
  sendTo,
} from '../support/second-factor.ts';
import { lastMailedCode, shownMails } from '../support/shown-mails.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { useServer } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const demanding = (required: object, methods: readonly FactorMethod[] = ['totp', 'passkey', 'email']) =>
  sampleTenant({ secondFactor: { methods: [...methods], required } });
const everyone = { everyone: true };
const server = await useServer({
  store: sqliteStore,
  clock,
  tenants: {
    acme: demanding(everyone),
    bound: demanding(everyone),
    guessed: demanding(everyone),
    often: demanding(everyone),
    clients: demanding({ clients: [shop.id] }),
    asked: demanding({}),
    off: demanding(everyone, ['totp', 'passkey']),
  },
});
const { redirectUri } = web;
const requestOf = (tenant: string, extra: Readonly<Record<string, string>> = {}) => ({
  issuer: server.issuer(tenant),
  client: web,
  extra,
});
const codeIn = ({ location }: Page): string | undefined =>
  location === undefined ? undefined : (new URL(location).searchParams.get('code') ?? undefined);
const mailsOf = (id: string) => shownMails(server, id);
const lastCode = (id: string): Promise<string> => lastMailedCode(server, id);
const isCodePage = (page: Page): boolean => isFactorPage(page) && page.body.includes('/factor/email"');
const enter = (browser: Browser, page: Page, code: string): Promise<Page> =>
  sendTo(browser, page, { fields: { code }, redirectUri });

describe('a person who has set up no factor, and has a verified address', () => {
  it('is mailed a code after the password, and signs in with it once', async () => {
    const browser = createBrowser();
    const refused = await afterPassword(createBrowser(), requestOf('acme'), { ...alice, password: 'wrong' });
    expect(isLoginPage(refused.page)).toBe(true);
    expect(await mailsOf('acme')).toEqual([]);

    const { page, prepared } = await afterPassword(browser, requestOf('acme'));
    expect(isCodePage(page)).toBe(true);
    expect(textOf(page)).toContain('We have sent a mail to a…@acme.example');
    expect(page.body).not.toContain('alice@acme.example');
    expect(await mailsOf('acme')).toMatchObject([{ to: 'alice@acme.example' }]);
    const wrong = await enter(browser, page, '00000000');
    expect([wrong.status, isCodePage(wrong)]).toEqual([400, true]);
    const done = await enter(browser, wrong, await lastCode('acme'));
    const tokens = await redeem(requestOf('acme'), { ...prepared, code: codeIn(done) ?? '' });
    const { acr, amr } = decodeJwt(tokens.body.id_token ?? '');
    expect([acr, amr]).toEqual(['mfa', ['pwd', 'email', 'mfa']]);
  });

  it('cannot use the code of another browser', async () => {
    const browser = createBrowser();
    await afterPassword(browser, requestOf('bound'));
    const code = await lastCode('bound');
    const attacker = createBrowser();
    const { page } = await afterPassword(attacker, requestOf('bound'));
    expect((await enter(attacker, page, code)).status).toBe(400);
  });

  it('gets another mail by a button, and five in an hour', async () => {
    const browser = createBrowser();
    let { page } = await afterPassword(browser, requestOf('often'));
    const first = await lastCode('often');
    for (let n = 2; n <= 5; n += 1) {
      clock.advance(1000);
      page = await browser.follow(await browser.submit(page, {}, 1));
      expect([page.status, (await mailsOf('often')).length]).toEqual([200, n]);
    }
    expect(await lastCode('often')).not.toBe(first);
    const refused = await browser.follow(await browser.submit(page, {}, 1));
    expect([refused.status, (await mailsOf('often')).length]).toEqual([429, 5]);
    expect(codeIn(await enter(browser, refused, await lastCode('often')))).toEqual(expect.any(String));
  });

  it('has no more codes checked after ten wrong ones', async () => {
    const browser = createBrowser();
    let { page } = await afterPassword(browser, requestOf('guessed'));
    for (let guess = 0; guess < 10; guess += 1) page = await enter(browser, page, '00000000');
    expect(page.status).toBe(400);
    expect((await enter(browser, page, await lastCode('guessed'))).status).toBe(429);
  });

  it('is asked for the code in a session that was begun without one, and a look at the page sends none', async () => {
    const browser = createBrowser();
    await signIn(browser, { issuer: server.issuer('clients'), client: web });
    const url = `${server.issuer('clients')}/auth?client_id=${shop.id}&response_type=code&scope=openid&redirect_uri=${encodeURIComponent(redirectUri)}&code_challenge=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU&code_challenge_method=S256`;
    const page = await browser.follow(await browser.get(url), (to) => to.startsWith(redirectUri));
    expect(isCodePage(page)).toBe(true);
    expect(await mailsOf('clients')).toEqual([]);
    const mailed = await browser.follow(await browser.submit(page, {}, 0));
    expect(codeIn(await enter(browser, mailed, await lastCode('clients')))).toEqual(expect.any(String));
  });

  it('is asked by acr_values=mfa; phr asks for a passkey after it', async () => {
    const { page } = await afterPassword(createBrowser(), requestOf('asked'));
    expect(codeIn(page)).toEqual(expect.any(String));
    expect(
      isCodePage((await afterPassword(createBrowser(), requestOf('asked', { acr_values: 'mfa' }))).page),
    ).toBe(true);
    const browser = createBrowser();
    clock.advance(1000); // the newest mail is the last one
    const asked = await afterPassword(browser, requestOf('asked', { acr_values: 'phr' }));
    expect(isCodePage(asked.page)).toBe(true);
    const next = await enter(browser, asked.page, await lastCode('asked'));
    expect(next.body).toContain('/factor/set-up-passkey');
    expect(codeIn(next)).toBeUndefined();
  });

  it('changes factors with the code alone, and is never mailed one once there is a stronger factor', async () => {
    const browser = createBrowser();
    await signIn(browser, { issuer: server.issuer('asked'), client: web });
    const account = `${server.issuer('asked')}/account/factors/totp`;
    clock.advance(1000);
    const page = await browser.follow(await browser.get(account));
    expect(isCodePage(page)).toBe(true);
    const mailed = await browser.follow(await browser.submit(page, {}, 0));
    const form = await browser.follow(await browser.submit(mailed, { code: await lastCode('asked') }));
    expect(isSetUpPage(form)).toBe(true);
    const app = authenticatorApp(secretOn(form), () => clock.now());
    const factors = `${server.issuer('asked')}/account/factors`;
    expect(textOf(await browser.get(factors))).toMatch(/you are sent a code to a\S+@/);
    const added = await browser.submit(form, { code: app.next(), name: 'Phone' });
    expect(textOf(await browser.get(factors))).not.toContain('you are sent a code');
    expect(recoveryCodesOn(added)).toHaveLength(10);
    const count = (await mailsOf('asked')).length;
    const later = await afterPassword(createBrowser(), requestOf('asked', { acr_values: 'mfa' }));
    expect([isFactorPage(later.page), isCodePage(later.page)]).toEqual([true, false]);
    expect((await mailsOf('asked')).length).toBe(count);
  });
});

it('has people set up a factor who have no verified address, or whose tenant mails no codes', async () => {
  expect(isSetUpPage((await afterPassword(createBrowser(), requestOf('acme'), bob)).page)).toBe(true);
  expect(isSetUpPage((await afterPassword(createBrowser(), requestOf('off'))).page)).toBe(true);
});
