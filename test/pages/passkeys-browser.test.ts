import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { alice, bob, sampleTenant } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { expectAccessible } from './accessibility.ts';
import { describeInChromium, launchChromium } from './chromium.ts';

describeInChromium('passkeys in a browser', () => {
  let browser: Browser;
  let server: TestServer;

  beforeAll(async () => {
    [browser, server] = await Promise.all([
      launchChromium(),
      startTestServer({
        store: sqliteStore,
        tenants: {
          acme: sampleTenant(),
          other: sampleTenant(),
          strict: sampleTenant({ secondFactor: { required: { everyone: true } } }),
        },
      }),
    ]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** A page of a device that has passkeys, and knows its person. It answers at once whatever it is asked. */
  const openPage = async ({ locale = 'en', isOffering = true } = {}) => {
    const context = await browser.newContext({ locale });
    // otherwise the device signs in as soon as the page offers it at the user name
    if (!isOffering)
      await context.addInitScript('PublicKeyCredential.isConditionalMediationAvailable = async () => false');
    const page = await context.newPage();
    const devices = await context.newCDPSession(page);
    await devices.send('WebAuthn.enable');
    const { authenticatorId } = await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    return {
      page,
      complaints,
      setUserVerified: (isUserVerified: boolean) =>
        devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    };
  };

  const enterPassword = async (page: Page): Promise<void> => {
    await page.fill('[name=login]', alice.username);
    await page.fill('[name=password]', alice.password);
    await page.click('form[action$="/login"] button[type=submit]');
  };
  const atAccount = (page: Page): Promise<void> =>
    page.waitForURL((url) => /\/account(\/|$)/.test(url.pathname));

  const addPasskey = async (page: Page): Promise<void> => {
    await page.goto(`${server.issuer('acme')}/account/factors`);
    await enterPassword(page);
    await page.click('a[href$="/factors/passkey"]');
    await page.fill('[name=name]', 'Laptop');
    await expectAccessible(page);
    await page.click('[data-passkey] button');
    await page.waitForURL((url) => url.pathname.endsWith('/account/factors'));
  };
  /** In a new session of the same device. */
  const openAccount = async (page: Page): Promise<void> => {
    await page.context().clearCookies();
    await page.goto(`${server.issuer('acme')}/account`);
  };

  it('are added on the account page, then are a second factor, and enough alone', async () => {
    const { page, complaints, setUserVerified } = await openPage({ isOffering: false });
    await addPasskey(page);
    await page.waitForSelector('.codes');
    await page.click('main a.button');
    expect(await page.textContent('main')).toContain('Laptop');
    await expectAccessible(page);

    await openAccount(page);
    expect(await page.getAttribute('[name=login]', 'autocomplete')).toBe('username webauthn');
    await expectAccessible(page);
    await enterPassword(page);
    await page.waitForSelector('[data-passkey]:not([hidden])');
    await expectAccessible(page);
    await page.click('[data-passkey] button');
    await atAccount(page);

    await openAccount(page);
    await setUserVerified(false);
    await page.click('[data-passkey] button');
    await page.waitForSelector('[data-failed]:not(:empty)');
    await expectAccessible(page);
    await setUserVerified(true);
    await page.click('[data-passkey] button');
    await atAccount(page);
    expect(complaints).toEqual([]);
  });

  it('are offered by the browser at the user name', async () => {
    const { page } = await openPage({ locale: 'de' });
    await page.goto(`${server.issuer('other')}/account/factors`);
    await enterPassword(page);
    await page.goto(`${server.issuer('other')}/account/factors/passkey`);
    await expectAccessible(page);
    await page.click('[data-passkey] button');
    await page.waitForSelector('.codes');
    await page.context().clearCookies();
    await page.goto(`${server.issuer('other')}/account`);
    await atAccount(page);
  });

  it('are set up in place of an app, where a second factor is demanded', async () => {
    const { page } = await openPage();
    await page.goto(`${server.issuer('strict')}/account`);
    await enterPassword(page);
    await page.waitForSelector('[data-passkey]:not([hidden])');
    await expectAccessible(page);
    await page.click('[data-passkey] button');
    await page.waitForSelector('.codes');
    await page.click('form[action$="/done"] button');
    await atAccount(page);
  });

  it('are not offered without JavaScript, and the app still is', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${server.issuer('strict')}/account`);
    expect(await page.isVisible('[data-passkey]')).toBe(false);
    expect(await page.isVisible('.or')).toBe(false);
    await page.fill('[name=login]', bob.username);
    await page.fill('[name=password]', bob.password);
    await page.click('form[action$="/login"] button[type=submit]');
    expect(await page.isVisible('[name=code]')).toBe(true);
    expect(await page.isVisible('[data-passkey]')).toBe(false);
  });
});
