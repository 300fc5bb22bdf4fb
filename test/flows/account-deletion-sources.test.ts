// People whom another provider knows delete what is kept of them here.
import { afterEach, expect, it } from '@jest/globals';
import { createBrowser, type Page } from '../support/browser.ts';
import {
  carol,
  chooseSource,
  codeOf,
  isLoginOf,
  localSource,
  oidcSourceContent,
  openApp,
  signInThere,
  startFederation,
} from '../support/federation.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { textOf } from '../support/page-text.ts';
import { eachStore } from '../support/stores.ts';

eachStore((store) => {
  afterEach(() => restoreTime());

  it('a sign-in there keeps the account; after the deletion the next one begins a new account', async () => {
    const federation = await startFederation(store);
    try {
      const { server, issuer } = federation;
      const sources = [localSource, oidcSourceContent(federation.upstream('corp'), 'corp')];
      const accounts = server.storage.forTenant('acme').accounts;
      const theirs = async () =>
        (await accounts.list({ limit: 50 })).filter(({ identities = [] }) => identities.length > 0);
      const arrive = async (browser = createBrowser()): Promise<Page> => {
        const page = await chooseSource(browser, await openApp(browser, issuer), 'corp');
        return isLoginOf(page, federation.upstream('corp'))
          ? signInThere(browser, page, { who: carol })
          : page;
      };

      await federation.setSources(sources);
      const own = createBrowser();
      codeOf(await arrive(own));
      const refused = await own.get(`${issuer}/account/delete`);
      expect(textOf(refused)).toContain('You cannot delete this account yourself');

      await federation.setSources(sources, { accounts: { deletion: { allowed: 'everyone', grace: '1d' } } });
      const form = await own.get(`${issuer}/account/delete`);
      expect(textOf(form)).toContain('Your account at The corp login stays as it is');
      const [account] = await theirs();
      const { sub = '', username = '' } = account ?? {};
      const ask = async (browser: typeof own): Promise<void> => {
        const page = await browser.get(`${issuer}/account/delete`);
        const done = await browser.follow(await browser.submit(page, { username }, 1));
        expect(textOf(done)).toContain('You are signed out everywhere');
      };
      await ask(own);

      const other = createBrowser();
      const kept = await arrive(other);
      expect(textOf(kept)).toContain('Your account stays');
      expect(await accounts.findBySub(sub)).not.toHaveProperty('deleteAt');

      const third = createBrowser();
      codeOf(await arrive(third));
      await ask(third);
      moveTime(24 * 3600);
      const found = await server.instances[0]?.tenants.find('acme');
      if (found?.status !== 'served') throw new Error('acme is not served');
      expect(await found.tenant.deletion.removeDue()).toBe(1);
      expect(await theirs()).toEqual([]);
      codeOf(await arrive());
      const [fresh] = await theirs();
      expect(fresh?.username).toBe(username);
      expect(fresh?.sub).not.toBe(sub);
    } finally {
      await federation.close();
    }
  });
});
