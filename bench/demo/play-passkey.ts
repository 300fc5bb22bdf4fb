import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { packageRoot } from '../../src/package-root.ts';
import { type Person, takeOne } from './play-account.ts';

interface RealParts {
  findPart(name: 'chromium'): string | undefined;
}

/** Where Chromium is, if it is installed. */
export const findChromium = async (): Promise<string | undefined> => {
  const parts = pathToFileURL(join(packageRoot(), 'scripts/real-parts.mjs')).href;
  return ((await import(parts)) as RealParts).findPart('chromium'); // plain JavaScript beside the build
};

export interface PasskeyParts {
  /** Path of the program. */
  readonly chromium: string;
  readonly issuer: string;
}

/** In Chromium, with a device of its own that keeps passkeys: adds one on the account page, and signs in with it alone. */
export const playPasskey = async (
  { chromium: executablePath, issuer }: PasskeyParts,
  person: Person,
): Promise<void> => {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    await addDevice(page);
    await page.goto(`${issuer}/account/factors/passkey`);
    await page.fill('[name=login]', person.user.username);
    await page.fill('[name=password]', person.user.password);
    await page.click('form[action$="/login"] button[type=submit]');
    await page.fill('[name=code]', takeOne(person.recoveryCodes));
    await page.click('form:has([name=code]) button[type=submit]');
    await page.click('[data-passkey] button');
    await page.waitForURL(`${issuer}/account/factors*`);
    await page.context().clearCookies();
    await page.goto(`${issuer}/account`);
    await page.click('[data-passkey] button');
    await page.waitForURL(`${issuer}/account`);
  } finally {
    await browser.close();
  }
};

const addDevice = async (page: Page): Promise<void> => {
  // otherwise the device signs in as soon as the page offers it at the user name
  await page.addInitScript('PublicKeyCredential.isConditionalMediationAvailable = async () => false');
  const devices = await page.context().newCDPSession(page);
  await devices.send('WebAuthn.enable');
  await devices.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
};
