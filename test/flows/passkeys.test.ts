import { beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createAuthenticator, passkeyFormOn, usePasskey } from '../support/authenticator.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import {
  type Credentials,
  goToAuthorization,
  isLoginPage,
  type PreparedRequest,
  prepareAuthorization,
  redeem,
  type SignInRequest,
  signIn,
} from '../support/oauth-client.ts';
import { alice, bob, sampleTenant, web } from '../support/sample-tenants.ts';
import {
  afterPassword,
  authenticatorApp,
  isFactorPage,
  isSetUpPage,
  recoveryCodesOn,
  secretOn,
  sendTo,
  setUpApp,
} from '../support/second-factor.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { useServer } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const server = await useServer({
  store: sqliteStore,
  clock,
  tenants: {
    acme: sampleTenant(),
    globex: sampleTenant({ secondFactor: { required: { everyone: true } } }),
    keys: sampleTenant({ secondFactor: { methods: ['passkey'], required: { everyone: true } } }),
    apps: sampleTenant({ secondFactor: { methods: ['totp'] } }),
    second: sampleTenant({ secondFactor: { passwordless: false } }),
    asked: sampleTenant(),
    copied: sampleTenant(),
    guessed: sampleTenant(),
    gone: sampleTenant(),
    strong: sampleTenant(),
    removed: sampleTenant(),
  },
});
const { redirectUri } = web;
const isBack = (target: string): boolean => target.startsWith(redirectUri);
const requestOf = (tenant: string, extra = {}): SignInRequest => ({
  issuer: server.issuer(tenant),
  client: web,
  extra,
});
const codeIn = (page: Page): string | undefined =>
  page.location === undefined ? undefined : (new URL(page.location).searchParams.get('code') ?? undefined);

const newKey = (more = {}) => createAuthenticator({ origin: server.publicUrl, ...more });
type Key = ReturnType<typeof newKey>;

/** A person with a passkey that was added on the account page. */
const enrol = async (
  tenant: string,
  { who = alice, key = newKey() }: { readonly who?: Credentials; readonly key?: Key } = {},
) => {
  const browser = createBrowser();
  await signIn(browser, requestOf(tenant), who);
  const form = await browser.get(`${server.issuer(tenant)}/account/factors/passkey`);
  const sent = await usePasskey(browser, form, { key, name: 'Laptop' });
  const shown = await browser.follow(sent);
  return { browser, key, recoveryCodes: recoveryCodesOn(shown), shown, sent };
};

const loginPage = async (browser: Browser, request: SignInRequest) => {
  const prepared = prepareAuthorization(request);
  return { prepared, page: await goToAuthorization(browser, prepared, redirectUri) };
};

const factorsOf = async (tenant: string, who: { readonly username: string } = alice) =>
  (await server.storage.forTenant(tenant).accounts.findByLogin(who.username))?.factors;

/** The next page, or the redirect to the app. */
const present = async (
  browser: Browser,
  page: Page,
  key: Key,
  change: Parameters<Key['get']>[1] = {},
): Promise<Page> => browser.follow(await usePasskey(browser, page, { key, change }), isBack);

const claimsOf = async (request: SignInRequest, prepared: PreparedRequest, page: Page) => {
  const tokens = await redeem(request, { ...prepared, code: codeIn(page) ?? '' });
  return decodeJwt(tokens.body.id_token ?? '');
};

/** A sign-in with the passkey alone, in a new browser. */
const alone = async (tenant: string, key: Key, change: Parameters<Key['get']>[1] = {}) => {
  const browser = createBrowser();
  const { page, prepared } = await loginPage(browser, requestOf(tenant));
  return { browser, prepared, page: await present(browser, page, key, change) };
};

describe('a passkey as the second factor', () => {
  it('is added on the account page, counts at once, and is asked for from then on', async () => {
    const { key, recoveryCodes, browser } = await enrol('acme');
    expect(recoveryCodes).toHaveLength(10);
    const list = await browser.get(`${server.issuer('acme')}/account/factors`);
    expect(list.body).toContain('Laptop');
    const url = prepareAuthorization(requestOf('acme', { prompt: 'none', acr_values: 'phr' })).url;
    expect(codeIn(await browser.get(url))).toEqual(expect.any(String));

    const other = createBrowser();
    const { page, prepared } = await afterPassword(other, requestOf('acme'));
    expect(isFactorPage(page)).toBe(true);
    const done = await present(other, page, key, { isVerified: false });
    expect(await claimsOf(requestOf('acme'), prepared, done)).toMatchObject({
      acr: 'phr',
      amr: ['pwd', 'hwk', 'user', 'mfa'],
    });
    expect(await factorsOf('acme')).toMatchObject([
      { type: 'passkey', name: 'Laptop', rpId: 'localhost', lastUsedAt: expect.any(Number) },
      { type: 'recovery_codes' },
    ]);
  });

  it('is set up at the sign-in where one is demanded, in place of an app', async () => {
    const key = newKey({ isSynced: true });
    const browser = createBrowser();
    const { page, prepared } = await afterPassword(browser, requestOf('globex'));
    expect(isSetUpPage(page)).toBe(true);
    const codes = await browser.follow(await usePasskey(browser, page, { key }));
    expect(recoveryCodesOn(codes)).toHaveLength(10);
    const done = await sendTo(browser, codes, { fields: {}, redirectUri });
    expect(await claimsOf(requestOf('globex'), prepared, done)).toMatchObject({
      acr: 'phr',
      amr: ['pwd', 'swk', 'user', 'mfa'],
    });
  });

  it('is the only one where the tenant has no other, and then a page without JavaScript says so', async () => {
    const browser = createBrowser();
    const { page } = await afterPassword(browser, requestOf('keys'));
    expect(isSetUpPage(page)).toBe(false);
    expect(page.body).toContain('It needs JavaScript');
    const codes = await browser.follow(await usePasskey(browser, page, { key: newKey() }));
    expect(recoveryCodesOn(codes)).toHaveLength(10);
    const account = `${server.issuer('keys')}/account/factors/totp`;
    await sendTo(browser, codes, { fields: {}, redirectUri });
    expect((await browser.get(account)).status).toBe(404);
  });

  it('is not offered where the tenant has none', async () => {
    const acrOf = async (tenant: string) =>
      JSON.parse(
        (await createBrowser().get(`${server.issuer(tenant)}/.well-known/openid-configuration`)).body,
      ).acr_values_supported;
    expect(await acrOf('apps')).toEqual(['mfa']);
    expect(await acrOf('keys')).toEqual(['mfa', 'phr']);
    const browser = createBrowser();
    await signIn(browser, requestOf('apps'));
    expect((await browser.get(`${server.issuer('apps')}/account/factors/passkey`)).status).toBe(404);
    expect(passkeyFormOn((await loginPage(createBrowser(), requestOf('apps'))).page)).toBeUndefined();
  });

  it('is asked for by acr_values=phr, after another factor of the person', async () => {
    const browser = createBrowser();
    const started = await afterPassword(browser, requestOf('strong', { acr_values: 'mfa' }));
    const { app } = await setUpApp(browser, started.page, { redirectUri, nowMs: () => clock.now() });
    clock.advance(30_000);

    const other = createBrowser();
    const { page, prepared } = await afterPassword(other, requestOf('strong', { acr_values: 'phr' }));
    expect(passkeyFormOn(page)).toBeUndefined();
    const setUp = await sendTo(other, page, { fields: { code: app.next() }, redirectUri });
    expect(passkeyFormOn(setUp)).toMatchObject({ kind: 'create' });
    expect(isSetUpPage(setUp)).toBe(false);
    const key = newKey();
    const done = await present(other, setUp, key);
    expect((await claimsOf(requestOf('strong'), prepared, done)).acr).toBe('phr');

    // the app's code would not do
    const third = createBrowser();
    const asked = await afterPassword(third, requestOf('strong', { acr_values: 'phr' }));
    expect(isFactorPage(asked.page)).toBe(false);
    expect(codeIn(await present(third, asked.page, key))).toEqual(expect.any(String));
  });
});

describe('a passkey alone', () => {
  it('signs in without name and password, if the device has verified the person', async () => {
    const { key } = await enrol('asked');
    const { page, prepared } = await alone('asked', key);
    const claims = await claimsOf(requestOf('asked'), prepared, page);
    expect(claims).toMatchObject({ acr: 'phr', amr: ['hwk', 'user', 'mfa'] });
    expect(claims.sub).toBe(
      (await server.storage.forTenant('asked').accounts.findByLogin(alice.username))?.sub,
    );
    const refused = await alone('asked', key, { isVerified: false });
    expect(refused.page.status).toBe(400);
    expect(isLoginPage(refused.page)).toBe(true);
    const records = await server.storage.forTenant('asked').audit.list({ limit: 2 });
    expect(records).toMatchObject([
      { action: 'sign_in.passkey', outcome: 'failure', reason: 'wrong_passkey' },
      { action: 'sign_in.passkey', outcome: 'success', actor: claims.sub },
    ]);
  });

  it('stays phishing-resistant in a session in which an app is set up', async () => {
    const { key } = await enrol('asked', { who: bob });
    const { browser } = await alone('asked', key);
    const form = await browser.get(`${server.issuer('asked')}/account/factors/totp`);
    const app = authenticatorApp(secretOn(form), () => clock.now());
    await browser.submit(form, { code: app.next(), name: 'Phone' });
    expect(await factorsOf('asked', bob)).toHaveLength(3);
    const { url } = prepareAuthorization(requestOf('asked', { prompt: 'none', acr_values: 'phr' }));
    expect(codeIn(await browser.get(url))).toEqual(expect.any(String));
  });

  it('is no longer known once the person has removed it', async () => {
    const { browser, key } = await enrol('removed');
    expect(codeIn((await alone('removed', key)).page)).toEqual(expect.any(String));
    await browser.submit(await browser.get(`${server.issuer('removed')}/account/factors`), {}, 0);
    expect(await factorsOf('removed')).toBeUndefined();
    expect((await alone('removed', key)).page.status).toBe(400);
  });

  it('can be switched off', async () => {
    const { key } = await enrol('second');
    const browser = createBrowser();
    const { page } = await loginPage(browser, requestOf('second'));
    expect(passkeyFormOn(page)).toBeUndefined();
    const { page: asked } = await afterPassword(browser, requestOf('second'));
    expect(codeIn(await present(browser, asked, key))).toEqual(expect.any(String));
  });

  it('does not sign in a person whom an operator has disabled', async () => {
    const { key } = await enrol('gone');
    const { accounts } = server.storage.forTenant('gone');
    const { sub = '' } = (await accounts.findByLogin(alice.username)) ?? {};
    await accounts.update(sub, { disabledAt: clock.now() });
    const { page } = await alone('gone', key);
    expect(page.status).toBe(400);
    await accounts.update(sub, { disabledAt: undefined });
    expect(codeIn((await alone('gone', key)).page)).toEqual(expect.any(String));
  });
});

describe('what is refused', () => {
  const key = newKey();
  const counting = newKey({ isCounting: true });
  beforeAll(async () => {
    await enrol('guessed', { key });
    await enrol('guessed', { key: counting, who: bob });
  });

  it.each([
    ['another origin', { origin: 'https://login.example.com' }],
    ['a host below ours', { origin: 'http://evil.localhost' }],
    ['a host that ends with ours', { origin: 'http://evil-localhost' }],
    ['another relying party', { rpId: 'example.com' }],
    ['a page in the frame of another', { crossOrigin: true }],
    ['another key', { isForged: true }],
  ])('%s', async (_, change) => {
    expect((await alone('guessed', key, change)).page).toMatchObject({ status: 400, location: undefined });
    const browser = createBrowser();
    const { page } = await afterPassword(browser, requestOf('guessed'));
    expect(await present(browser, page, key, change)).toMatchObject({ status: 400, location: undefined });
    expect(codeIn((await alone('guessed', key)).page)).toEqual(expect.any(String));
  });

  it('an answer that comes again, or for another page, person or purpose', async () => {
    const browser = createBrowser();
    const { page } = await loginPage(browser, requestOf('guessed'));
    const { action = '', options = '', csrf = '' } = passkeyFormOn(page) ?? {};
    const credential = key.get(options);
    const send = async (): Promise<Page> =>
      browser.follow(await browser.post(action, { csrf, credential }), isBack);
    const other = createBrowser();
    const elsewhere = passkeyFormOn((await loginPage(other, requestOf('guessed'))).page);
    const stolen = await other.post(elsewhere?.action ?? '', { csrf: elsewhere?.csrf ?? '', credential });
    expect((await other.follow(stolen, isBack)).status).toBe(400);

    const factor = createBrowser();
    const { page: asked } = await afterPassword(factor, requestOf('guessed'));
    const form = passkeyFormOn(asked);
    const asFactor = await factor.post(form?.action ?? '', { csrf: form?.csrf ?? '', credential });
    expect((await factor.follow(asFactor)).status).toBe(400);
    expect((await present(factor, await factor.get(asked.url), counting)).status).toBe(400);

    expect(codeIn(await send())).toEqual(expect.any(String));
    const again = createBrowser();
    expect((await again.follow(await again.post(action, { csrf, credential }))).status).toBe(403);
    expect(await send()).toMatchObject({ status: 404, location: undefined });
  });

  it('a passkey of another tenant, and one that names another person', async () => {
    const foreign = await enrol('acme', { who: bob });
    expect((await alone('guessed', foreign.key)).page.status).toBe(400);
    const { sub = '' } = (await server.storage.forTenant('guessed').accounts.findByLogin(bob.username)) ?? {};
    const userHandle = Buffer.from(sub).toString('base64url');
    expect((await alone('guessed', key, { userHandle })).page.status).toBe(400);
  });

  it('a counter that goes back, as that of a copied key does', async () => {
    expect(codeIn((await alone('guessed', counting, { counter: 7 })).page)).toEqual(expect.any(String));
    for (const counter of [7, 6, 0])
      expect((await alone('guessed', counting, { counter })).page.status).toBe(400);
    expect(codeIn((await alone('guessed', counting, { counter: 8 })).page)).toEqual(expect.any(String));
  });

  it('everything after ten wrong answers within an hour, codes included', async () => {
    const stranger = await alone('copied', newKey());
    expect(stranger.page.status).toBe(400);
    const { key: own, recoveryCodes } = await enrol('copied');
    const browser = createBrowser();
    let { page } = await afterPassword(browser, requestOf('copied'));
    for (let guess = 0; guess < 5; guess++) {
      page = await present(browser, page, own, { isForged: true });
      page = await sendTo(browser, page, { fields: { code: '000000' }, redirectUri });
      expect(page.status).toBe(400);
    }
    expect((await present(browser, page, own)).status).toBe(429);
    expect(
      (await sendTo(browser, page, { fields: { code: recoveryCodes[0] ?? '' }, redirectUri })).status,
    ).toBe(429);
    expect((await alone('copied', own)).page.status).toBe(429);
  });
});
