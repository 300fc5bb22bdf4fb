// People whom another provider or a directory knows delete what is kept of them here.
import { afterEach, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
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
import { type SignInRequest, tokenRequest } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { migrator, sampleTenant, web } from '../support/sample-tenants.ts';
import { afterPassword, isFactorPage, sendTo, setUpApp } from '../support/second-factor.ts';
import { startSlapd } from '../support/slapd.ts';
import { eachStore } from '../support/stores.ts';
import { startTestServer } from '../support/test-server.ts';

const anna = { username: 'anna', password: 'anna-Passw0rd' };
const { redirectUri } = web;

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
      expect((await own.get(`${issuer}/account`)).body).not.toContain('/account/delete');
      const refused = await own.get(`${issuer}/account/delete`);
      expect(textOf(refused)).toContain('You cannot delete this account yourself');

      await federation.setSources(sources, { accounts: { deletion: { allowed: 'everyone', grace: '1d' } } });
      expect((await own.get(`${issuer}/account`)).body).toContain('/account/delete');
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

  it('a person of a directory calls it off with all factors, or has a new account afterwards', async () => {
    const slapd = await startSlapd();
    const { users: _users, ...tenant } = sampleTenant();
    const server = await startTestServer({
      store,
      tenants: {
        acme: {
          ...tenant,
          accounts: { deletion: { allowed: 'everyone', grace: '1d' } },
          sources: [
            localSource,
            {
              ...{ id: 'directory', type: 'ldap', displayName: 'The directory', recheck: '5m' },
              ...{ url: slapd.url, insecure: true, bind: slapd.service },
              search: { base: `ou=people,${slapd.baseDn}` },
            },
          ],
        },
      },
    });
    try {
      const issuer = server.issuer('acme');
      const { accounts } = server.storage.forTenant('acme');
      const theirs = async () =>
        (await accounts.list({ limit: 50 })).filter(({ origin }) => origin === 'source');
      const instance = await server.instances[0]?.tenants.find('acme');
      if (instance?.status !== 'served') throw new Error('acme is not served');
      const { deletion, accounts: people } = instance.tenant;
      const request = (extra = {}): SignInRequest => ({ issuer, client: web, scope: 'openid', extra });
      const byProgram = (otp?: string) =>
        tokenRequest(issuer, migrator, {
          ...{ grant_type: 'password', scope: 'openid', ...anna },
          ...(otp === undefined ? {} : { otp }),
        });
      const ask = async (browser: Browser): Promise<void> => {
        const form = await browser.get(`${issuer}/account/delete`);
        expect(textOf(form)).toContain('Your account at The directory stays as it is');
        const done = await browser.follow(await browser.submit(form, { username: 'anna' }, 1));
        expect(textOf(done)).toContain('You are signed out everywhere');
      };

      const first = createBrowser();
      const { page } = await afterPassword(first, request({ acr_values: 'mfa' }), anna);
      const { app } = await setUpApp(first, page, { redirectUri, nowMs: () => Date.now() });
      const prove = async (browser: Browser, form: Page): Promise<Page> => {
        moveTime(31);
        return sendTo(browser, form, { fields: { code: app.next() }, redirectUri });
      };
      const signedIn = async (): Promise<Browser> => {
        const browser = createBrowser();
        const { page: form } = await afterPassword(browser, request(), anna);
        codeOf(await prove(browser, form));
        return browser;
      };
      const [{ sub } = { sub: '' }] = await theirs();
      expect(await people.findAsserted('anna')).toMatchObject({ sub });
      await ask(first);
      expect(await people.findAsserted('anna')).toBeUndefined();

      const second = createBrowser();
      const { page: asked } = await afterPassword(second, request(), anna);
      expect([isFactorPage(asked), (await theirs())[0]?.deleteAt]).toEqual([true, expect.any(Number)]);
      expect(textOf(await prove(second, asked))).toContain('Your account stays');
      expect((await theirs())[0]).not.toHaveProperty('deleteAt');

      await ask(await signedIn());
      expect((await byProgram()).body.error).toBe('mfa_required');
      expect((await theirs())[0]).toHaveProperty('deleteAt');
      moveTime(31);
      expect((await byProgram(app.next())).status).toBe(200);
      expect((await theirs())[0]).not.toHaveProperty('deleteAt');

      await ask(await signedIn());
      moveTime(24 * 3600);
      expect((await byProgram(app.next())).body.error).toBe('invalid_grant');
      expect(await people.findAsserted('anna')).toBeUndefined();
      // the directory is asked about nothing
      await slapd.kill();
      expect(await deletion.removeDue()).toBe(1);
      expect(await theirs()).toEqual([]);
      await slapd.restart();

      const { body } = await byProgram();
      const [fresh] = await theirs();
      expect(fresh).toMatchObject({ username: 'anna', sub: decodeJwt(body.id_token ?? '').sub });
      expect(fresh?.sub).not.toBe(sub);
      expect(fresh).not.toHaveProperty('factors');
      expect(await people.findAsserted('anna')).toMatchObject({ sub: fresh?.sub });
    } finally {
      await server.close();
      await slapd.stop();
    }
  });
});
