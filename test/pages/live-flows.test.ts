import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { formOf, pkce, postAs } from '../support/oauth-client.ts';
import { alice, sampleTenant, tv, web, webClient } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { expectAccessible } from './accessibility.ts';
import { describeInChromium, launchChromium } from './chromium.ts';

/** One red point. */
const smallPng =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

/** An app whose callback really answers, so that what a browser thinks of the way back is seen. */
const openApp = async (): Promise<{ readonly url: string; readonly server: Server }> => {
  const server = createServer((_req, res) => {
    res.setHeader('Content-Type', 'text/html');
    res.end('<!doctype html><html lang="en"><title>The app</title><h1>Back at the app</h1></html>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://localhost:${port}/callback`, server };
};

describeInChromium('the flows in a browser', () => {
  let browser: Browser;
  let app: Awaited<ReturnType<typeof openApp>>;
  let server: TestServer;

  beforeAll(async () => {
    [browser, app] = await Promise.all([launchChromium(), openApp()]);
    const local = { ...web, redirectUri: app.url };
    server = await startTestServer({
      store: sqliteStore,
      tenants: {
        acme: sampleTenant({
          resources: [],
          pkceExemptions: [],
          clients: [
            webClient(local, { post_logout_redirect_uris: [app.url] }),
            webClient({ ...local, id: 'stranger' }, { firstParty: false, client_name: 'A stranger' }),
            {
              client_id: tv.id,
              client_name: 'The television',
              application_type: 'native',
              token_endpoint_auth_method: 'none',
              grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
              redirect_uris: [],
            },
          ],
        }),
      },
    });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await server.close();
    app.server.close();
  });

  const openPage = async (): Promise<{ readonly page: Page; readonly complaints: string[] }> => {
    const page = await (await browser.newContext()).newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    return { page, complaints };
  };

  const authorizationUrl = (clientId: string, more: Record<string, string> = {}): string =>
    `${server.issuer('acme')}/auth?${formOf({
      client_id: clientId,
      response_type: 'code',
      scope: 'openid profile',
      redirect_uri: app.url,
      state: 'xyz',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      ...more,
    })}`;

  const signIn = async (page: Page): Promise<void> => {
    await page.fill('[name=login]', alice.username);
    await page.fill('[name=password]', alice.password);
    await page.click('button[type=submit]');
  };

  it('signs in and comes back to the app, past the policy of our pages', async () => {
    const { page, complaints } = await openPage();
    await page.goto(authorizationUrl(web.id));
    await expectAccessible(page);
    await signIn(page);
    await page.waitForURL((url) => url.href.startsWith(app.url));
    const { searchParams } = new URL(page.url());
    expect(searchParams.get('state')).toBe('xyz');
    expect(searchParams.get('iss')).toBe(server.issuer('acme'));
    expect(searchParams.get('code')).toMatch(/^.{40,}$/);
    expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([]);
  });

  it('goes back after wrong passwords, and from there on to the app', async () => {
    const { page } = await openPage();
    await page.goto(authorizationUrl(web.id));
    for (const password of ['not this one', 'nor this one']) {
      await page.fill('[name=login]', alice.username);
      await page.fill('[name=password]', password);
      await page.click('button[type=submit]');
      await page.waitForSelector('#problem');
    }
    expect(await page.title()).toBe('Error: Sign in · Acme');
    await page.reload();
    expect(await page.inputValue('[name=login]')).toBe(alice.username);
    while (page.url().includes('notice=yes')) await page.goBack();
    expect(await page.locator('#problem').count()).toBe(0);
    expect(await page.inputValue('[name=login]')).toBe(alice.username);
    await signIn(page);
    await page.waitForURL((url) => url.href.startsWith(app.url));
    await page.goBack();
    expect(await page.textContent('h1')).toBe('You are already signed in');
    await expectAccessible(page);
  });

  it('comes back by an automatic form where the app asks for form_post', async () => {
    const { page, complaints } = await openPage();
    await page.goto(authorizationUrl(web.id, { response_mode: 'form_post' }));
    await signIn(page);
    await page.waitForURL(app.url);
    expect(await page.textContent('h1')).toBe('Back at the app');
    expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([]);
  });

  it('asks for consent, in German when that is chosen', async () => {
    const { page } = await openPage();
    await page.goto(authorizationUrl('stranger'));
    await signIn(page);
    await page.waitForSelector('[name=decision]');
    await expectAccessible(page);
    await page.click('text=Deutsch');
    expect(await page.getAttribute('html', 'lang')).toBe('de');
    await page.click('[name=decision][value=allow]');
    await page.waitForURL((url) => url.href.startsWith(app.url));
    expect(new URL(page.url()).searchParams.has('code')).toBe(true);
  });

  it('connects a device, opened by the complete address', async () => {
    const { page, complaints } = await openPage();
    const issuer = server.issuer('acme');
    const { body } = await postAs(tv, `${issuer}/device/auth`, { form: { scope: 'openid' } });
    await page.goto(String(body.verification_uri_complete));
    await page.waitForSelector('[name=confirm]');
    await expectAccessible(page);
    expect(await page.textContent('main')).toContain('The television');
    expect(await page.textContent('main')).toContain(String(body.user_code));
    await page.click('[name=confirm]');
    await signIn(page);
    await page.waitForSelector('[name=decision]');
    await page.click('[name=decision][value=allow]');
    await page.waitForSelector('.outcome-success');
    await expectAccessible(page);
    const token = await postAs(tv, `${issuer}/token`, {
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: String(body.device_code),
      },
    });
    expect(token.body.access_token).toEqual(expect.any(String));
    expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([]);
  });

  it('leads through the pages of the account without JavaScript', async () => {
    const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    const other = await (await browser.newContext()).newPage();
    const enter = async (one: typeof page): Promise<void> => {
      await one.goto(server.issuer('acme'));
      await signIn(one);
      await one.waitForSelector('.account-nav');
    };
    await enter(page);
    await page.click('.account-nav a:has-text("Sign-ins")');
    const before = await page.locator('li.source').count();
    await enter(other);
    await page.goto(server.issuer('acme'));
    await page.setInputFiles('input[type=file]', {
      name: 'me.png',
      mimeType: 'image/png',
      buffer: Buffer.from(smallPng, 'base64'),
    });
    await page.click('button:has-text("Upload")');
    await page.waitForSelector('#outcome');
    const picture = await fetch((await page.getAttribute('.picture-now', 'src')) ?? '');
    expect(picture.headers.get('content-type')).toBe('image/jpeg');
    await page.click('.account-nav a:has-text("Sign-ins")');
    expect(await page.locator('li.source').count()).toBe(before + 1);
    await page.click('button:has-text("Sign out everywhere else")');
    await page.waitForSelector('#outcome');
    expect(await page.locator('li.source').count()).toBe(1);
    await other.reload();
    await other.waitForSelector('[name=login]');
    for (const name of ['Apps', 'Activity', 'Overview']) {
      await page.click(`.account-nav a:has-text("${name}")`);
      expect(await page.locator('.account-nav [aria-current=page]').textContent()).toBe(name);
    }
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('button:has-text("Download")'),
    ]);
    expect(download.suggestedFilename()).toBe('acme-account.json');
  });

  it('shows the account, and signs out after asking', async () => {
    const { page } = await openPage();
    await page.goto(server.issuer('acme'));
    await signIn(page);
    await page.waitForURL(`${server.issuer('acme')}/account`);
    expect(await page.textContent('main')).toContain(alice.username);
    await expectAccessible(page);
    await page.click('a[href*="/session/end"], form[action*="/session/end"] button');
    await page.waitForSelector('[name=logout]');
    await expectAccessible(page);
    await page.click('[name=logout]');
    await page.waitForURL(/\/session\/end\/success/);
    await expectAccessible(page);
    await page.goto(`${server.issuer('acme')}/account`);
    expect(await page.isVisible('[name=password]')).toBe(true);
  });
});
