import { expect } from '@jest/globals';
import axe from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Has every page of the context bring axe along, for one that is examined many times: reading it takes longest. */
export const bringAxe = async (context: BrowserContext): Promise<void> => {
  await context.addInitScript(axe.source);
};

/** Each rule that the page breaks, with the elements that break it. */
export const violationsOn = async (page: Page): Promise<readonly unknown[]> => {
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axe.source);
  const options = JSON.stringify({ runOnly: tags, resultTypes: ['violations'] });
  const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(document, ${options})`);
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
};

export const expectAccessible = async (page: Page): Promise<void> => {
  expect(await violationsOn(page)).toEqual([]);
};
