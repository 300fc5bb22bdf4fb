import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { type Credentials, isLoginPage, redeem, signIn } from '../support/oauth-client.ts';
import { alice, bob, sampleTenant, shop, web } from '../support/sample-tenants.ts';
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
const demanding = (required: object, more: object = {}) =>
  sampleTenant({ secondFactor: { required, ...more } });
const server = await useServer({
  store: sqliteStore,
  clock,
  tenants: {
    acme: demanding({ everyone: true }),
    globex: demanding({ everyone: true }),
    lost: demanding({ everyone: true }),
    guessed: demanding({ everyone: true }),
    fixed: demanding({ everyone: true }),
    roles: demanding({ roles: ['admin'] }),
    groups: demanding({ groups: ['staff'] }),
    clients: demanding({ clients: [shop.id] }),
    asked: sampleTenant(),
    stolen: demanding({ everyone: true }),
    soon: demanding({ everyone: true }, { deadline: '2999-01-01' }),
    kept: demanding({ everyone: true }, { rememberBrowser: '30d' }),
    off: sampleTenant({ secondFactor: { methods: [] } }),
  },
});
const requestOf = (tenant: string, client = web) => ({ issuer: server.issuer(tenant), client });
const { redirectUri } = web;

const codeIn = (page: Page): string | undefined =>
  page.location === undefined ? undefined : (new URL(page.location).searchParams.get('code') ?? undefined);

const setUp = (browser: Browser, page: Page) =>
  setUpApp(browser, page, { redirectUri, nowMs: () => clock.now() });

const signInFirst = async (tenant: string, who: Credentials = alice) => {
  const browser = createBrowser();
  const request = { ...requestOf(tenant), extra: { acr_values: 'mfa' } };
  const { page } = await afterPassword(browser, request, who);
  return { ...(await setUp(browser, page)), browser };
};

describe('a browser that is remembered', () => {
  const afterName = async (browser: Browser, extra: Readonly<Record<string, string>> = {}) =>
    (await afterPassword(browser, { ...requestOf('kept'), extra: { prompt: 'login', ...extra } })).page;

  it('is not asked again, until the factors change, and its tokens do not say mfa', async () => {
    const { app } = await signInFirst('kept');
    const browser = createBrowser();
    const asked = await afterName(browser);
    expect(asked.body).toContain('Do not ask again in this browser for 30 days');
    clock.advance(30_000);
    const fields = { code: app.next(), remember: 'yes' };
    expect(codeIn(await sendTo(browser, asked, { fields, redirectUri }))).toEqual(expect.any(String));

    const again = await afterPassword(browser, { ...requestOf('kept'), extra: { prompt: 'login' } });
    const tokens = await redeem(requestOf('kept'), { ...again.prepared, code: codeIn(again.page) ?? '' });
    const claims = decodeJwt(tokens.body.id_token ?? '');
    expect([claims.acr, claims.amr]).toEqual([undefined, ['pwd']]);
    expect(isFactorPage(await afterName(browser, { acr_values: 'mfa' }))).toBe(true);
    expect(isFactorPage(await afterName(createBrowser()))).toBe(true);

    const { accounts } = server.storage.forTenant('kept');
    const account = await accounts.findByLogin(alice.username);
    const added = {
      type: 'totp',
      id: 'other',
      name: 'Other',
      createdAt: 0,
      sealedSecret: '',
      lastStep: 0,
    } as const;
    await accounts.update(account?.sub ?? '', { factors: [...(account?.factors ?? []), added] });
    expect(isFactorPage(await afterName(browser))).toBe(true);
  });

  it('is offered only where the tenant allows it', async () => {
    const { app } = await signInFirst('globex', bob);
    const browser = createBrowser();
    const { page } = await afterPassword(browser, requestOf('globex'), bob);
    expect(page.body).not.toContain('name="remember"');
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    clock.advance(30_000);
    await browser.post(`${page.url.split('?')[0]}/factor`, { csrf, code: app.next(), remember: 'yes' });
    expect(browser.cookies().map(({ name }) => name)).not.toContain('drawbridge.remembered');
  });
});

describe('a tenant that demands a second factor', () => {
  it('has it set up at the next sign-in, asks for it at each further one, and says so in the ID token', async () => {
    const request = requestOf('acme');
    const first = createBrowser();
    const started = await afterPassword(first, request);
    const { app, recoveryCodes, done } = await setUp(first, started.page);
    expect(recoveryCodes).toHaveLength(10);
    const tokens = await redeem(request, { ...started.prepared, code: codeIn(done) ?? '' });
    expect(decodeJwt(tokens.body.id_token ?? '')).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] });

    const browser = createBrowser();
    const { page } = await afterPassword(browser, request);
    expect(isFactorPage(page)).toBe(true);
    const wrong = await sendTo(browser, page, { fields: { code: '000000' }, redirectUri });
    expect(wrong).toMatchObject({ status: 400, location: undefined });
    const used = await sendTo(browser, wrong, { fields: { code: app.last() }, redirectUri });
    expect(used.status).toBe(400);
    clock.advance(30_000);
    const right = await sendTo(browser, used, { fields: { code: app.next() }, redirectUri });
    expect(codeIn(right)).toEqual(expect.any(String));
  });

  it('accepts each recovery code once, in the letters in which people write them', async () => {
    const { recoveryCodes } = await signInFirst('lost');
    const [code = ''] = recoveryCodes;
    const present = async (shown: string): Promise<Page> => {
      const browser = createBrowser();
      const { page } = await afterPassword(browser, requestOf('lost'));
      return sendTo(browser, page, { fields: { code: shown }, redirectUri });
    };
    expect(codeIn(await present(code.toUpperCase().replaceAll('-', ' ')))).toEqual(expect.any(String));
    expect((await present(code)).status).toBe(400);
  });

  it('begins no session before the factor is proven', async () => {
    const browser = createBrowser();
    const { page } = await afterPassword(browser, requestOf('acme'), bob);
    expect(isSetUpPage(page)).toBe(true);
    const account = await browser.follow(await browser.get(`${server.issuer('acme')}/account`));
    expect(isLoginPage(account)).toBe(true);
  });

  it('gives nothing to an attacker in whose interaction the password was entered', async () => {
    const { app } = await signInFirst('fixed');
    const attacker = createBrowser();
    const prepared = await afterPasswordOf(attacker, 'fixed');
    expect(isLoginPage(prepared)).toBe(true);
    const known = attacker
      .cookies()
      .filter(({ name }) => name.includes('interaction'))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const victim = createBrowser({ cookie: known });
    const form = await victim.get(prepared.url);
    await victim.submit(form, { login: alice.username, password: alice.password });

    const seen = await attacker.get(prepared.url);
    expect(isLoginPage(seen)).toBe(true);
    const [, ...path] = new URL(prepared.url).pathname.split('/');
    const csrf = /name="csrf" value="([^"]+)"/.exec(seen.body)?.[1] ?? '';
    clock.advance(30_000);
    const sent = await attacker.post(`${server.publicUrl}/${path.join('/')}/factor`, {
      csrf,
      code: app.next(),
    });
    expect(new URL(sent.location ?? '').pathname).toBe(new URL(prepared.url).pathname);
    const { uid } = /interaction\/(?<uid>[^/?]+)/.exec(prepared.url)?.groups ?? {};
    expect((await attacker.get(`${server.issuer('fixed')}/auth/${uid}`)).status).toBe(400);
  });

  it('checks no more codes after ten wrong ones within an hour', async () => {
    const { app } = await signInFirst('guessed');
    const browser = createBrowser();
    let { page } = await afterPassword(browser, requestOf('guessed'));
    for (let guess = 0; guess < 10; guess++) {
      page = await sendTo(browser, page, { fields: { code: '000000' }, redirectUri });
      expect(page.status).toBe(400);
    }
    clock.advance(30_000);
    const refused = await sendTo(browser, page, { fields: { code: app.next() }, redirectUri });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3000);
  });
});

const afterPasswordOf = async (browser: Browser, tenant: string): Promise<Page> =>
  browser.follow(await browser.get(authorizationUrl(tenant)));

const authorizationUrl = (tenant: string): string =>
  `${server.issuer(tenant)}/auth?client_id=${web.id}&response_type=code&scope=openid&redirect_uri=${encodeURIComponent(redirectUri)}&code_challenge=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU&code_challenge_method=S256`;

describe('who must have a second factor', () => {
  it.each([
    ['roles', web, alice, true],
    ['roles', web, bob, false],
    ['groups', web, alice, true],
    ['groups', web, bob, false],
    ['clients', shop, bob, true],
    ['clients', web, bob, false],
    ['off', web, alice, false],
  ] as const)('by %s: %o, %o: %s', async (tenant, client, who, isDemanded) => {
    const { page } = await afterPassword(createBrowser(), requestOf(tenant, client), who);
    expect(isSetUpPage(page)).toBe(isDemanded);
    expect(codeIn(page) === undefined).toBe(isDemanded);
  });

  it('is whom a request with acr_values=mfa is about', async () => {
    const request = { ...requestOf('asked'), extra: { acr_values: 'mfa' } };
    const { page } = await afterPassword(createBrowser(), request);
    expect(isSetUpPage(page)).toBe(true);
  });

  it('asks for the factor alone in a session that was begun without it', async () => {
    const browser = createBrowser();
    await signIn(browser, requestOf('clients'), bob);
    const page = await browser.follow(
      await browser.get(authorizationUrl('clients').replace(`client_id=${web.id}`, `client_id=${shop.id}`)),
      (target) => target.startsWith(redirectUri),
    );
    const { done } = await setUp(browser, page);
    expect(codeIn(done)).toEqual(expect.any(String));
    const silent = await browser.get(`${authorizationUrl('clients')}&prompt=none`);
    expect(codeIn(silent)).toEqual(expect.any(String));
  });

  it('sets none up with a password that was changed since', async () => {
    const stranger = createBrowser();
    const { page } = await afterPassword(stranger, requestOf('stolen'));
    const app = authenticatorApp(secretOn(page), () => clock.now());
    clock.advance(1000);
    await server.users('stolen').setPassword(alice.username, 'what nobody else knows');
    const answer = await sendTo(stranger, page, { fields: { code: app.next(), name: 'Mine' }, redirectUri });
    expect(isLoginPage(answer)).toBe(true);
    const { accounts } = server.storage.forTenant('stolen');
    expect((await accounts.findByLogin(alice.username))?.factors).toBeUndefined();
  });

  it('may set it up later, until the deadline', async () => {
    const browser = createBrowser();
    const { page } = await afterPassword(browser, requestOf('soon'));
    expect(isSetUpPage(page)).toBe(true);
    const later = await browser.follow(await browser.submit(page, {}, 1), (to) => to.startsWith(redirectUri));
    expect(codeIn(later)).toEqual(expect.any(String));
  });
});

describe('the account page', () => {
  const accountOf = (tenant: string) => `${server.issuer(tenant)}/account/factors`;

  it('lets a person set an app up, which counts at once, and remove it again', async () => {
    const browser = createBrowser();
    await signIn(browser, requestOf('asked'));
    const list = await browser.get(accountOf('asked'));
    expect(list.body).toContain('/account/factors/totp');
    const form = await browser.get(`${accountOf('asked')}/totp`);
    const wrong = await browser.submit(form, { code: '000000' });
    const again = await browser.follow(wrong);
    expect(secretOn(again)).toBe(secretOn(form));
    const app = authenticatorApp(secretOn(again), () => clock.now());
    const codes = await browser.follow(await browser.submit(again, { code: app.next(), name: 'Phone' }));
    expect(recoveryCodesOn(codes)).toHaveLength(10);
    expect(recoveryCodesOn(await browser.get(accountOf('asked')))).toEqual([]);

    const silent = await browser.get(`${authorizationUrl('asked')}&prompt=none&acr_values=mfa`);
    expect(codeIn(silent)).toEqual(expect.any(String));
    const other = createBrowser();
    expect(isFactorPage((await afterPassword(other, requestOf('asked'))).page)).toBe(true);

    const removed = await browser.follow(await browser.submit(await browser.get(accountOf('asked')), {}, 0));
    expect(removed.body).not.toContain('Phone');
    expect(codeIn((await afterPassword(createBrowser(), requestOf('asked'))).page)).toEqual(
      expect.any(String),
    );
  });

  it('asks for the factor before one is changed, in a session that was begun without it', async () => {
    const browser = createBrowser();
    await signIn(browser, requestOf('clients'));
    const { app } = await signInFirst('clients');
    const asked = await browser.follow(await browser.submit(await browser.get(accountOf('clients')), {}, 0));
    expect(isFactorPage(asked)).toBe(true);
    const newPassword = await browser.get(`${server.issuer('clients')}/account/password`);
    expect(isFactorPage(await browser.follow(newPassword))).toBe(true);
    const factorsNow = async () =>
      (await server.storage.forTenant('clients').accounts.findByLogin(alice.username))?.factors;
    expect(await factorsNow()).toHaveLength(2);
    clock.advance(30_000);
    const list = await browser.follow(await browser.submit(asked, { code: app.next() }));
    await browser.submit(list, {}, 0);
    expect(await factorsNow()).toBeUndefined();
  });

  it('is not there where the tenant has no second factors', async () => {
    const browser = createBrowser();
    await signIn(browser, requestOf('off'));
    expect((await browser.get(accountOf('off'))).status).toBe(404);
    expect((await browser.get(`${server.issuer('off')}/account`)).body).not.toContain('/account/factors');
  });
});
