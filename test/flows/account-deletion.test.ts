// People delete their own account: asked for, called off by a sign-in, and done.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { createAuthenticator, usePasskey } from '../support/authenticator.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { challenge, directClients, firstRequest, nextOf } from '../support/direct-login.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  goToAuthorization,
  isLoginPage,
  pkce,
  prepareAuthorization,
  refresh,
  signIn,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, migrator, sampleClients, sampleTenant, web } from '../support/sample-tenants.ts';
import { afterPassword, isFactorPage, sendTo, setUpApp } from '../support/second-factor.ts';
import { eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const day = 24 * 3600;
const ruth = { username: 'ruth', password: 'lantern orbit mosaic', email: 'ruth@example.com' };
const scope = 'openid account offline_access';
const { redirectUri } = web;
const isBack = (target: string): boolean => target.startsWith(redirectUri);

eachStore((store) => {
  let mail: MailServer;
  let server: TestServer;
  let sub: string;
  const issuer = () => server.issuer('acme');
  const deletion = () => `${issuer()}/account/delete`;

  beforeAll(async () => {
    mail = await startMailServer();
  });
  afterAll(() => mail.close());
  beforeEach(async () => {
    mail.taken.splice(0);
    const tenant = sampleTenant({
      clients: [...sampleClients, ...directClients],
      recovery: { password: 'mail' },
    });
    server = await startTestServer({
      store,
      tenants: { acme: tenant, closed: { ...tenant, accounts: { deletion: { allowed: 'nobody' } } } },
      settings: { mail: mail.settings },
      instances: 2,
    });
    for (const id of ['acme', 'closed']) {
      const added = await server.users(id).add({ ...ruth, emailVerified: true });
      if (!added.ok) throw new Error(added.reason);
      if (id === 'acme') sub = added.account.sub;
    }
  });
  afterEach(async () => {
    restoreTime();
    await server.close();
  });

  const request = (extra = {}) => ({ issuer: issuer(), client: web, scope, extra });
  const accountOf = () => server.storage.forTenant('acme').accounts.findBySub(sub);
  const deleteAt = async () => (await accountOf())?.deleteAt;
  /** Both instances look, as each does once a minute. */
  const removeDue = async (): Promise<number> => {
    const removed = await Promise.all(
      server.instances.map(async (instance) => {
        const found = await instance.tenants.find('acme');
        return found.status === 'served' ? found.tenant.deletion.removeDue() : 0;
      }),
    );
    return removed.reduce((all, one) => all + one, 0);
  };
  const audited = async () =>
    (await server.storage.forTenant('acme').audit.list({ sub, limit: 50 })).map(({ action }) => action);
  const confirm = async (browser: Browser, username = ruth.username): Promise<Page> =>
    browser.follow(await browser.submit(await browser.get(deletion()), { username }, 1));
  const isKept = (page: Page): boolean => textOf(page).includes('Your account stays');
  /** The sign-in up to the page that says that the account stays, and from there to the app. */
  const goOn = async (browser: Browser, kept: Page): Promise<Page> => {
    expect(textOf(kept)).toMatch(/ruth was to be deleted on .* UTC\. You have signed in/);
    const next = /class="button button-main" href="([^"]+)"/.exec(kept.body)?.[1] ?? '';
    return browser.follow(await browser.get(next.replaceAll('&#38;', '&').replaceAll('&amp;', '&')), isBack);
  };
  /** A session in this browser, a page that has asked, and nobody signed in. */
  const ask = async (browser = createBrowser()): Promise<void> => {
    await signIn(browser, request(), ruth);
    expect(textOf(await confirm(browser))).toContain('You are signed out everywhere');
    expect(await deleteAt()).toBeGreaterThan(Date.now());
  };

  it('ends everything at once, and deletes the account when the grace period is over', async () => {
    const browser = createBrowser();
    const tokens = await tokensFor(browser, request({ prompt: 'consent' }), ruth);
    const elsewhere = createBrowser();
    await signIn(elsewhere, request(), ruth);
    expect((await browser.get(`${issuer()}/account`)).body).toContain(`href="${deletion()}"`);
    const form = await browser.get(deletion());
    expect(textOf(form)).toMatch(
      /On \w+ \d+, \d+ at [\d:]+\s[AP]M UTC the account is deleted with all that is kept of you here/,
    );
    const mistyped = await confirm(browser, 'Ruth Other');
    expect(mistyped.status).toBe(400);
    expect(textOf(mistyped)).toContain('This is not your user name');
    expect(await deleteAt()).toBeUndefined();

    const done = await confirm(browser, ' RUTH ');
    expect(textOf(done)).toContain('You are signed out everywhere');
    const at = (await deleteAt()) ?? 0;
    expect(Math.abs(at - Date.now() - 7 * day * 1000)).toBeLessThan(60_000);
    expect((await refresh(issuer(), web, tokens.refresh_token)).body.error).toBe('invalid_grant');
    for (let n = 0; n < 2; n += 1) expect((await userinfo(issuer(), tokens.access_token)).status).toBe(401);
    for (const one of [browser, elsewhere])
      expect((await one.get(`${issuer()}/account`)).location).toBe(issuer());
    const [notice] = await mail.mailsTo(ruth.email);
    expect(notice?.subject).toMatch(/^Your account at .* will be deleted$/);
    expect(notice?.text).toMatch(/will be deleted on \w+ \d+, \d{4}/);

    moveTime(7 * day - 60);
    expect(await removeDue()).toBe(0);
    moveTime(61);
    // too late, though nobody has looked yet
    const late = await afterPassword(createBrowser(), request(), ruth);
    expect(late.page.location).toBeUndefined();
    expect(isKept(late.page)).toBe(false);
    expect(await removeDue()).toBe(1);
    expect(await accountOf()).toBeUndefined();
    expect(await removeDue()).toBe(0);
    expect((await audited()).filter((one) => /delete/.test(one))).toEqual([
      'user.delete',
      'account.delete_begin',
    ]);
    const left: string[] = [];
    for await (const record of server.storage.exportRecords())
      if (JSON.stringify(record).includes(sub)) left.push(JSON.stringify(record));
    // the audit record alone, by an identifier that says nothing of the person
    expect(left.filter((record) => !record.includes('"action"'))).toEqual([]);
    expect(await server.storage.forTenant('acme').artifacts.sessionsOf(sub)).toEqual([]);
    const mails = await server.storage.forTenant('acme').mails.list({ limit: 10 });
    expect(mails.filter((one) => one.sub === sub)).toEqual([]);
    const gone = await afterPassword(createBrowser(), request(), ruth);
    expect(isLoginPage(gone.page)).toBe(true);
  });

  it('is called off by a sign-in, which says so on a page and by mail', async () => {
    await ask();
    const browser = createBrowser();
    const { page } = await afterPassword(browser, request(), ruth);
    expect(await deleteAt()).toBeUndefined();
    const back = await goOn(browser, page);
    expect(new URL(back.location ?? '').searchParams.get('code')).toEqual(expect.any(String));
    const [, notice] = await mail.mailsTo(ruth.email, 2);
    expect(notice?.subject).toMatch(/^Your account at .* stays$/);
    expect((await audited()).filter((one) => /delete/.test(one))).toEqual([
      'account.delete_undo',
      'account.delete_begin',
    ]);
    moveTime(8 * day);
    expect(await removeDue()).toBe(0);
    expect(await accountOf()).toMatchObject({ username: 'ruth' });
  });

  it('is not called off by a new password, or by a password without its second factor', async () => {
    const browser = createBrowser();
    const { page } = await afterPassword(browser, request({ acr_values: 'mfa' }), ruth);
    const { app } = await setUpApp(browser, page, { redirectUri, nowMs: () => Date.now() });
    expect(textOf(await confirm(browser))).toContain('You are signed out everywhere');
    await createBrowser().post(`${issuer()}/recover`, { login: 'ruth' });
    const sent = async () =>
      (await mail.mailsTo(ruth.email, 3)).find(({ text }) => text?.includes('/recover/password'));
    const link =
      /^https?:\S+\/recover\/password\?token=[\w-]{43}$/m.exec((await sent())?.text ?? '')?.[0] ?? '';
    const fresh = 'a fresh and long enough secret';
    const reset = await createBrowser().post(link, { new_password: fresh, repeated: fresh });
    expect(reset.location).toBe(`${issuer()}/recover/done`);
    expect(await deleteAt()).toEqual(expect.any(Number));

    const other = createBrowser();
    const { page: asked } = await afterPassword(other, request(), { ...ruth, password: fresh });
    expect(isFactorPage(asked)).toBe(true);
    expect(await deleteAt()).toEqual(expect.any(Number));
    moveTime(31);
    const kept = await sendTo(other, asked, { fields: { code: app.next() }, redirectUri });
    expect(textOf(kept)).toContain('Your account stays');
    expect(await deleteAt()).toBeUndefined();
    expect((await goOn(other, kept)).location).toContain('code=');
  });

  it('is called off by a passkey alone', async () => {
    const browser = createBrowser();
    await signIn(browser, request(), ruth);
    const key = createAuthenticator({ origin: server.publicUrl });
    await usePasskey(browser, await browser.get(`${issuer()}/account/factors/passkey`), { key, name: 'Key' });
    expect(textOf(await confirm(browser))).toContain('You are signed out everywhere');
    const other = createBrowser();
    const login = await goToAuthorization(other, prepareAuthorization(request()), redirectUri);
    const kept = await other.follow(await usePasskey(other, login, { key }), isBack);
    expect(await deleteAt()).toBeUndefined();
    expect((await goOn(other, kept)).location).toContain('code=');
  });

  it.each([
    [
      'the password grant',
      () => tokenRequest(issuer(), migrator, { grant_type: 'password', scope: 'openid', ...ruth }),
    ],
    [
      "an app's own page",
      () =>
        challenge(issuer(), {
          ...firstRequest(pkce()),
          ...{ client_id: 'app', username: ruth.username, password: ruth.password },
        }),
    ],
    [
      'the login API',
      () =>
        askApi(issuer(), '/login', {
          method: 'POST',
          body: { client_id: 'app', username: ruth.username, password: ruth.password },
        }),
    ],
  ])('is called off by %s', async (_, signInOnce) => {
    await ask();
    expect((await signInOnce()).status).toBe(200);
    expect(await deleteAt()).toBeUndefined();
    expect((await signInOnce()).status).toBe(200);
    const [, notice] = await mail.mailsTo(ruth.email, 2);
    expect(notice?.subject).toMatch(/stays$/);
  });

  it('is called off by a code that is sent by e-mail, as that is a sign-in', async () => {
    await ask();
    // sign-ins within the second of the request are over
    moveTime(1);
    const post = (path: string, body: object) =>
      askApi(issuer(), path, { method: 'POST', body: { client_id: 'app', ...body } });
    const begun = await post('/sessions', { email: ruth.email });
    expect(await deleteAt()).toEqual(expect.any(Number));
    const [, sent] = await mail.mailsTo(ruth.email, 2);
    const code = /^ {4}(\d{8})$/m.exec(sent?.text ?? '')?.[1];
    const { verification_id } = begun.body;
    expect((await post('/session/verify', { verification_id, code: '00000000' })).status).not.toBe(200);
    expect(await deleteAt()).toEqual(expect.any(Number));
    expect((await post('/session/verify', { verification_id, code })).status).toBe(200);
    expect(await deleteAt()).toBeUndefined();
  });

  it.each([
    [
      'the password grant',
      async (otp: () => string) => {
        const form = { grant_type: 'password', scope: 'openid' };
        const first = await tokenRequest(issuer(), migrator, { ...form, ...ruth });
        expect(first.body.error).toBe('mfa_required');
        expect(await deleteAt()).toEqual(expect.any(Number));
        const mfa_token = String(first.body.mfa_token);
        return tokenRequest(issuer(), migrator, { ...form, mfa_token, otp: otp() });
      },
    ],
    [
      "an app's own page",
      async (otp: () => string) => {
        const { username, password } = ruth;
        const asked = { ...firstRequest(pkce()), client_id: 'app' };
        const first = await challenge(issuer(), { ...asked, username, password });
        expect(first.body.error).toBe('insufficient_authorization');
        expect(await deleteAt()).toEqual(expect.any(Number));
        return challenge(issuer(), { client_id: 'app', ...nextOf(first), otp: otp() });
      },
    ],
    [
      'the login API',
      async (otp: () => string) => {
        const { username, password } = ruth;
        const logIn = (proof: object) =>
          askApi(issuer(), '/login', { method: 'POST', body: { client_id: 'app', ...proof } });
        const first = await logIn({ username, password });
        expect(first.body.mfa_token).toEqual(expect.any(String));
        expect(await deleteAt()).toEqual(expect.any(Number));
        return logIn({ mfa_token: first.body.mfa_token, otp: otp() });
      },
    ],
  ])('is called off by %s after the second factor alone', async (_, signInInSteps) => {
    const browser = createBrowser();
    const { page } = await afterPassword(browser, request({ acr_values: 'mfa' }), ruth);
    const { app } = await setUpApp(browser, page, { redirectUri, nowMs: () => Date.now() });
    expect(textOf(await confirm(browser))).toContain('You are signed out everywhere');
    moveTime(31);
    expect((await signInInSteps(app.next)).status).toBe(200);
    expect(await deleteAt()).toBeUndefined();
  });

  it('is asked for by the API, which needs a recent sign-in', async () => {
    const { access_token: token } = await tokensFor(createBrowser(), request({ prompt: 'consent' }), ruth);
    const ask = () => askApi(issuer(), '/account', { method: 'DELETE', token });
    moveTime(301);
    const old = await ask();
    expect(old.status).toBe(401);
    expect(old.headers.get('www-authenticate')).toContain('max_age="300"');
    const fresh = await tokensFor(createBrowser(), request({ prompt: 'consent' }), ruth);
    const asked = await askApi(issuer(), '/account', { method: 'DELETE', token: fresh.access_token });
    expect(asked.status).toBe(202);
    expect(asked.body).toEqual({ deleted_at: Math.floor(((await deleteAt()) ?? 0) / 1000) });
    expect((await askApi(issuer(), '/account', { token: fresh.access_token })).status).toBe(401);
  });

  it('is not for people of the file, nor for anybody where the tenant does not let them', async () => {
    const browser = createBrowser();
    const { access_token: token } = await tokensFor(browser, request({ prompt: 'consent' }), alice);
    expect((await browser.get(`${issuer()}/account`)).body).not.toContain('/account/delete');
    const page = await browser.get(deletion());
    expect(textOf(page)).toContain('This account is set up by the administrator');
    expect(page.body).not.toContain('name="username"');
    const refused = await askApi(issuer(), '/account', { method: 'DELETE', token });
    expect(refused).toMatchObject({ status: 403, body: { error: 'not_offered' } });

    const closed = server.issuer('closed');
    const other = createBrowser();
    await signIn(other, { issuer: closed, client: web }, ruth);
    expect((await other.get(`${closed}/account`)).body).not.toContain('/account/delete');
    const shut = await other.get(`${closed}/account/delete`);
    expect(textOf(shut)).toContain('You cannot delete this account yourself');
    expect(shut.body).not.toContain('name="username"');
  });
});
