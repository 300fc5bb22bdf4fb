import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { bringAxe, violationsOn } from './accessibility.ts';
import { describeInChromium, launchChromium } from './chromium.ts';
import { type Gallery, openGallery } from './gallery.ts';
import { samples } from './samples.ts';

/** A folder for pictures of all pages, to be looked at. */
const shots = process.env.DRAWBRIDGE_TEST_SHOTS;

// One of each look is enough for a browser: the unit tests render the rest, which differs in words only.
const alike =
  /^error-(?!404|503-unavailable)|^device-code-(?!unknown)|^login-(missing|unavailable|throttled|problem|name-missing)|^change-password-(?!rule)|^connect-source-(?!credentials)|^sign-in-over-(?!expired|form|signed)|^select-tenant-(?=many)|^account-(?!sources$|connected|problem-taken|managed|picture|sessions$|apps$|activity$|factors|profile$|username$|email-(address|code|confirm|gone)$|email-address-throttled)|-(all-scopes|empty)$|^device-confirm-/;
// the page of a form that is sent on does not stay; live-flows.test.ts opens it
const shown = samples.filter(({ id }) => !alike.test(id) && id !== 'form-post');

/** Colors do not depend on the width, so the languages share the four combinations. For pictures each has all. */
const viewsIn = (locale: string) => {
  const phone = { width: 360, height: 740 };
  const desktop = { width: 1280, height: 800 };
  const [onPhone, onDesktop] = locale === 'en' ? (['light', 'dark'] as const) : (['dark', 'light'] as const);
  const shared = [
    { ...phone, colorScheme: onPhone },
    { ...desktop, colorScheme: onDesktop },
  ];
  const others = [
    { ...phone, colorScheme: onDesktop },
    { ...desktop, colorScheme: onPhone },
  ];
  return shots === undefined ? shared : [...shared, ...others];
};

let gallery: Gallery;
let browser: Browser;

interface Watched {
  readonly page: Page;
  /** What the browser complained of, and requests to anyone but us. */
  readonly complaints: string[];
}

const open = async (javaScriptEnabled = true): Promise<Watched> => {
  const context = await browser.newContext({ javaScriptEnabled, bypassCSP: false });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(gallery.url) && !request.url().startsWith('data:'))
      complaints.push(request.url());
  });
  return { page, complaints };
};

describeInChromium('in a browser', () => {
  beforeAll(async () => {
    gallery = await openGallery();
    browser = await launchChromium();
    if (shots !== undefined) mkdirSync(shots, { recursive: true });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await gallery.close();
  });

  describe.each(['en', 'de'])('in %s', (locale) => {
    let watched: Watched;
    beforeAll(async () => {
      watched = await open();
      await bringAxe(watched.page.context());
    });
    afterAll(() => watched.page.context().close());

    it.each(shown.map(({ id }) => id))(
      '%s is accessible, on phone and desktop, light and dark',
      async (id) => {
        const { page, complaints } = watched;
        complaints.length = 0;
        await page.goto(`${gallery.url}/${locale}/${id}`);
        for (const { width, height, colorScheme } of viewsIn(locale)) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          await page.setViewportSize({ width, height });
          const view = `${locale}-${colorScheme}-${width}`;
          if (shots !== undefined)
            await page.screenshot({ path: join(shots, `${id}.${view}.png`), fullPage: true });
          expect({ view, found: await violationsOn(page) }).toEqual({ view, found: [] });
          const overflow = await page.evaluate(
            'document.documentElement.scrollWidth > document.documentElement.clientWidth',
          );
          expect({ view, overflow }).toEqual({ view, overflow: false });
        }
        expect(complaints).toEqual([]);
      },
    );
  });

  describe('the sign-in page', () => {
    it('shows and hides the password, and hides it again when the form is sent', async () => {
      const { page } = await open();
      await page.goto(`${gallery.url}/en/login`);
      const password = page.getByLabel('Password', { exact: true });
      await password.fill('correct horse');
      await page.getByRole('button', { name: 'Show' }).click();
      expect(await password.getAttribute('type')).toBe('text');
      await page.getByRole('button', { name: 'Hide' }).click();
      expect(await password.getAttribute('type')).toBe('password');
      await page.context().close();
    });

    it('fills in a demo user, and sends a form once however often it is pressed', async () => {
      const { page } = await open();
      const sent: string[] = [];
      await page.route('**/interaction/**', async (route) => {
        sent.push(route.request().postData() ?? '');
        await route.fulfill({ status: 204 });
      });
      await page.goto(`${gallery.url}/en/login-demo`);
      await page.getByRole('button', { name: 'Use bob' }).click();
      const submit = page.getByRole('button', { name: 'Sign in' });
      await submit.click();
      await submit.click();
      await submit.click();
      expect(sent).toEqual(['csrf=kTq0-sample-token&login=bob&password=bob-demo-password']);
      await page.context().close();
    });

    it('shows no control that needs JavaScript when there is none', async () => {
      const { page } = await open(false);
      await page.goto(`${gallery.url}/en/login-demo`);
      const buttons = await page.locator('button:visible').allTextContents();
      expect(buttons).toEqual(['Sign in', 'Cancel and return to Acme Notes']);
      await page.context().close();
    });
  });
});
