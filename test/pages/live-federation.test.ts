import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import {
  bridge,
  carol,
  type Federation,
  localSource,
  oidcSourceContent,
  startFederation,
} from '../support/federation.ts';
import { alice } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';
import { expectAccessible } from './accessibility.ts';
import { describeInChromium, launchChromium } from './chromium.ts';

describeInChromium('federation in a browser', () => {
  let browser: Browser;
  let federation: Federation;
  /** On 127.0.0.1, which is another site than our localhost. */
  let elsewhere: UpstreamProvider;
  const secret = 'a-secret-between-the-two-of-us';

  beforeAll(async () => {
    [browser, federation] = await Promise.all([launchChromium(), startFederation(sqliteStore)]);
    elsewhere = await openUpstreamProvider({
      person: { name: 'Anna Elsewhere' },
      clients: [
        {
          client_id: bridge.id,
          client_secret: secret,
          redirect_uris: [`${federation.issuer}/upstream/far/callback`],
          post_logout_redirect_uris: [`${federation.issuer}/upstream/far/signed-out`],
        },
      ],
    });
    await federation.setSources([
      localSource,
      oidcSourceContent(federation.upstream('corp'), 'corp'),
      oidcSourceContent(elsewhere.issuer, 'far', { clientSecret: secret }),
    ]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await federation.close();
    await elsewhere.close();
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
  const fillIn = async (page: Page, who: { readonly username: string; readonly password: string }) => {
    await page.fill('[name=login]', who.username);
    await page.fill('[name=password]', who.password);
    await page.click('button[type=submit]');
  };
  const account = (): string => `${federation.issuer}/account`;

  it('signs in at another site and comes back, with the cookies that a browser sends on that way', async () => {
    const { page, complaints } = await openPage();
    await page.goto(federation.issuer);
    await expectAccessible(page);
    await page.click('text=Continue with The far login');
    await page.waitForURL(account());

    expect(await page.textContent('main')).toContain('Anna Elsewhere');
    expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([]);
  });

  it('connects a source on the account page, and disconnects it', async () => {
    const { page } = await openPage();
    await page.goto(federation.issuer);
    await fillIn(page, alice);
    await page.waitForURL(account());
    await expectAccessible(page);
    await page.click('text=Connect The corp login');
    await page.waitForSelector('[name=password]');
    await fillIn(page, carol);
    await page.waitForURL(`${account()}?outcome=connected`);
    await expectAccessible(page);
    await page.click('text=Disconnect The corp login');
    await page.waitForURL(`${account()}?outcome=disconnected`);

    expect(await page.textContent('main')).toContain('You can no longer use this sign-in method.');
  });
});
