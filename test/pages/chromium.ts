import { describe } from '@jest/globals';
import { type Browser, chromium } from 'playwright-core';
import { findPart } from '../../scripts/real-parts.mjs';

/** For tests in a browser: skipped, and named as such by the set-up, where there is no Chromium. */
export const describeInChromium = findPart('chromium') === undefined ? describe.skip : describe;

/** @throws Error when there is no Chromium: call it from tests of `describeInChromium` only */
export const launchChromium = (): Promise<Browser> => {
  const executablePath = findPart('chromium');
  if (executablePath === undefined) throw new Error('There is no Chromium');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
};
