import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import {
  carol,
  codeOf,
  type Federation,
  isLoginOf,
  localSource,
  oidcSourceContent,
  openApp,
  signInThere,
  signInThrough,
  startFederation,
  wayBack,
} from '../support/federation.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { type Credentials, tokensFor } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, bob, web } from '../support/sample-tenants.ts';
import { afterPassword, isFactorPage, setUpApp } from '../support/second-factor.ts';
import { describeOnce, eachStore } from '../support/stores.ts';

const legacyPassword = 'what the old system knows';

/** A legacy system: everybody's password is the same, and the name is the subject. */
const openLegacy = async (): Promise<Server> => {
  const server = createServer((req, res) => {
    let text = '';
    req.on('data', (chunk) => {
      text += String(chunk);
    });
    req.on('end', () => {
      const { username, password } = JSON.parse(text) as { username: string; password: string };
      res.statusCode = password === legacyPassword ? 200 : 401;
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify({ subject: username, username }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

eachStore((store) => {
  describe('on the account page', () => {
    let federation: Federation;
    let legacy: Server;
    const issuer = (): string => federation.issuer;
    const account = (): string => `${issuer()}/account`;

    beforeAll(async () => {
      legacy = await openLegacy();
    });
    beforeEach(async () => {
      federation = await startFederation(store);
      await federation.setSources([
        localSource,
        oidcSourceContent(federation.upstream('corp'), 'corp'),
        {
          id: 'legacy',
          type: 'http',
          displayName: 'Old system',
          url: `http://127.0.0.1:${(legacy.address() as AddressInfo).port}/check`,
          secret: 'a-bearer-secret-for-it',
        },
      ]);
    });
    afterEach(async () => {
      restoreTime();
      await federation.close();
    });
    afterAll(() => new Promise<void>((resolve) => void legacy.close(() => resolve())));

    const signedIn = async (who: Credentials = alice): Promise<Browser> => {
      const browser = createBrowser();
      codeOf(await signInThere(browser, await openApp(browser, issuer()), { who }));
      return browser;
    };
    const subOf = async (login: string): Promise<string> =>
      (await federation.server.storage.forTenant('acme').accounts.findByLogin(login))?.sub ?? '';
    const press = async (browser: Browser, action: string): Promise<Page> => {
      const page = await browser.get(account());
      const index = formsOf(page).findIndex((form) => form.action.endsWith(action));
      if (index < 0) throw new Error(`no form for ${action} on ${page.url} (${page.status})`);
      return browser.follow(await browser.submit(page, {}, index));
    };
    const connectCorp = async (browser: Browser, who: Credentials = carol): Promise<Page> => {
      const there = await press(browser, '/sources/corp/connect');
      return isLoginOf(there, federation.upstream('corp'))
        ? browser.follow(await browser.submit(there, { login: who.username, password: who.password }))
        : there;
    };
    /** Whose account is it that this sign-in through corp leads to? */
    const nameThrough = async (source = 'corp'): Promise<string> => {
      const { browser } = await signInThrough(federation, source);
      return /signed in as <strong[^>]*>([^<]+)/.exec((await browser.get(account())).body)?.[1] ?? '';
    };

    it('a person sees the sources, and connects one by signing in there', async () => {
      const browser = await signedIn();
      const before = await browser.get(account());
      const after = await connectCorp(browser);

      expect(textOf(before)).toContain('The corp login Not connected Connect The corp login');
      expect(textOf(before)).not.toContain('Local');
      expect(after.url).toBe(`${account()}?outcome=connected`);
      expect(textOf(after)).toContain('You can now use this sign-in method as well.');
      expect(textOf(after)).toContain('Disconnect The corp login');
      expect(await nameThrough()).toBe('Alice Adams');
    });

    it('a person who is known there with another account connects nothing', async () => {
      await signInThrough(federation, 'corp');
      const browser = await signedIn();
      const page = await connectCorp(browser);

      expect(textOf(page)).toContain('already connected with another account');
      expect(textOf(page)).toContain('Not connected');
      expect(await nameThrough()).toBe('Carol Corp');
    });

    it('a connection is taken back, and the next sign-in there is a stranger’s', async () => {
      const browser = await signedIn();
      await connectCorp(browser);
      const page = await press(browser, '/sources/corp/disconnect');

      expect(page.url).toBe(`${account()}?outcome=disconnected`);
      expect(textOf(page)).toContain('Not connected');
      expect(await nameThrough()).toBe('Carol Corp');
    });

    it('a session that began through it ends once it is disconnected, and no other', async () => {
      const browser = await signedIn();
      await connectCorp(browser);
      const intruder = await signInThrough(federation, 'corp');
      expect((await intruder.browser.get(account())).status).toBe(200);
      await press(browser, '/sources/corp/disconnect');

      expect((await intruder.browser.get(account())).status).toBe(303);
      expect((await browser.get(account())).status).toBe(200);
    });

    it('an app of the tenant takes it back as well, and its own session stays', async () => {
      const browser = await signedIn();
      await connectCorp(browser);
      const intruder = await signInThrough(federation, 'corp');
      const { access_token: token } = await tokensFor(browser, {
        issuer: issuer(),
        client: web,
        scope: 'openid account',
      });
      const disconnect = (id: string) => askApi(issuer(), `/sources/${id}`, { method: 'DELETE', token });

      expect((await disconnect('legacy')).status).toBe(404);
      expect((await disconnect('corp')).status).toBe(204);
      expect((await intruder.browser.get(account())).status).toBe(303);
      expect((await askApi(issuer(), '/account', { token })).body).toMatchObject({
        username: 'alice',
        sources: [],
      });
      expect((await browser.get(account())).status).toBe(200);
      expect((await disconnect('corp')).status).toBe(404);
    });

    it('an app does not take the last one', async () => {
      const { browser } = await signInThrough(federation, 'corp');
      const { access_token: token } = await tokensFor(browser, {
        issuer: issuer(),
        client: web,
        scope: 'openid account',
      });
      const refused = await askApi(issuer(), '/sources/corp', { method: 'DELETE', token });

      expect([refused.status, refused.body.error]).toEqual([409, 'last_source']);
      expect(await nameThrough()).toBe('Carol Corp');
    });

    describeOnce(store, 'whatever the engine:', () => {
      it('the last way in is not taken away', async () => {
        const { browser } = await signInThrough(federation, 'corp');
        const page = await press(browser, '/sources/corp/disconnect');

        expect(textOf(page)).toContain('This is your only sign-in method.');
        expect(await nameThrough()).toBe('Carol Corp');
      });

      it('connecting needs a sign-in of the last five minutes', async () => {
        const browser = await signedIn();
        moveTime(6 * 60);
        const asked = await press(browser, '/sources/corp/connect');
        const form = await browser.follow(await browser.get(`${account()}/sources/legacy`));
        const again = await browser.follow(
          await browser.submit(asked, { login: alice.username, password: alice.password }),
        );

        expect(isLoginOf(asked, issuer())).toBe(true);
        expect(isLoginOf(form, issuer())).toBe(true);
        expect(again.url).toBe(account());
        expect((await connectCorp(browser)).url).toBe(`${account()}?outcome=connected`);
      });

      it('whoever has a second factor connects with it, also in a session that was begun without it', async () => {
        const browser = await signedIn();
        const leaving = await wayBack(browser, await press(browser, '/sources/corp/connect'));
        const elsewhere = createBrowser();
        const request = { issuer: issuer(), client: web, extra: { acr_values: 'mfa' } };
        const { page } = await afterPassword(elsewhere, request);
        const setUp = await setUpApp(elsewhere, page, { ...web, nowMs: () => Date.now() });

        expect(isFactorPage(await browser.follow(await browser.get(leaving)))).toBe(true);
        expect(isFactorPage(await browser.follow(await browser.get(`${account()}/sources/legacy`)))).toBe(
          true,
        );
        const asked = await press(browser, '/sources/corp/connect');
        expect(isFactorPage(asked)).toBe(true);
        expect(await nameThrough()).toBe('Carol Corp');
        await browser.follow(await browser.submit(asked, { code: setUp.recoveryCodes[0] ?? '' }));
        expect((await browser.get(`${account()}/sources/legacy`)).status).toBe(200);
      });

      it('a cancelled sign-in there connects nothing', async () => {
        const browser = await signedIn();
        const there = await press(browser, '/sources/corp/connect');
        const cancel = formsOf(there).findIndex(({ action }) => action.endsWith('/cancel'));
        const page = await browser.follow(await browser.submit(there, {}, cancel));

        expect(page.url).toBe(`${account()}?problem=cancelled`);
        expect(textOf(page)).toContain('Nothing was connected.');
      });

      it('an upstream that cannot be reached is named as that', async () => {
        const browser = await signedIn();
        await federation.setSources([localSource, oidcSourceContent('http://127.0.0.1:9/nobody', 'corp')]);
        const page = await press(browser, '/sources/corp/connect');

        expect(textOf(page)).toContain('This sign-in method is not available at the moment.');
      });
    });

    describeOnce(store, 'no person connects for another:', () => {
      it('the answer counts for the person who asked, not for the one who is signed in by now', async () => {
        const browser = await signedIn();
        const there = await press(browser, '/sources/corp/connect');
        const back = await wayBack(browser, there);
        await browser.follow(await browser.get(`${issuer()}/session/end`));
        const question = await browser.get(`${issuer()}/session/end`);
        await browser.follow(await browser.submit(question, { logout: 'yes' }));
        codeOf(await signInThere(browser, await openApp(browser, issuer()), { who: bob }));
        const page = await browser.get(back);

        expect(page.status).toBe(403);
        expect(textOf(page)).toContain('Another person is signed in here now');
        expect(await nameThrough()).toBe('Carol Corp');
      });

      it('an attacker’s answer in the browser of a victim', async () => {
        const [attacker, victim] = [await signedIn(bob), await signedIn(alice)];
        const back = await wayBack(attacker, await press(attacker, '/sources/corp/connect'));
        const page = await victim.get(back);

        expect(page.status).toBe(403);
        expect(page.location).toBeUndefined();
      });

      it.each([
        [
          'signs out',
          async (browser: Browser) => {
            const question = await browser.follow(await browser.get(`${issuer()}/session/end`));
            await browser.follow(await browser.submit(question, { logout: 'yes' }));
          },
        ],
        ['is disabled', () => federation.server.users('acme').disable(alice.username)],
        [
          'gets a new password',
          () => federation.server.users('acme').setPassword(alice.username, 'a brand new passphrase'),
        ],
      ])('a person who %s meanwhile', async (_what, end) => {
        const browser = await signedIn();
        const back = await wayBack(browser, await press(browser, '/sources/corp/connect'));
        await end(browser);
        const page = await browser.get(back);

        expect(page.status).toBe(403);
        expect(await nameThrough()).toBe('Carol Corp');
      });

      it('a form of another site, or of another session', async () => {
        const [browser, other] = [await signedIn(alice), await signedIn(bob)];
        const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec((await other.get(account())).body) ?? [];
        for (const action of ['corp/connect', 'legacy/connect', 'corp/disconnect']) {
          const forged = await browser.post(`${account()}/sources/${action}`, { csrf });
          const missing = await browser.post(`${account()}/sources/${action}`, {});
          expect([forged.status, missing.status]).toEqual([403, 400]);
        }
      });

      it('an interaction that began as a sign-in', async () => {
        const browser = await signedIn();
        const start = await openApp(browser, issuer(), { extra: { idp_hint: 'corp', prompt: 'login' } });
        const page = await signInThere(browser, start);
        const between = formsOf(page)[0]?.action;

        expect(between).toBe(`${issuer()}/session/end/confirm`);
        expect(textOf(await browser.get(account()))).toContain('Not connected');
      });
    });

    describe('a source that takes passwords', () => {
      const open = async (browser: Browser): Promise<Page> =>
        browser.follow(await browser.get(`${account()}/sources/legacy`));

      it('is connected by the password there', async () => {
        const browser = await signedIn();
        const form = await open(browser);
        const page = await browser.follow(
          await browser.submit(form, { login: 'alice.old', password: legacyPassword }),
        );
        const later = await signedIn({ username: 'alice.old', password: legacyPassword });

        expect(textOf(form)).toContain('Connect Old system');
        expect(page.url).toBe(`${account()}?outcome=connected`);
        expect(textOf(await later.get(account()))).toContain('signed in as Alice Adams');
      });

      it('is not connected to a second account', async () => {
        const [first, second] = [await signedIn(alice), await signedIn(bob)];
        const fields = { login: 'shared', password: legacyPassword };
        await browserSubmit(first, await open(first), fields);
        const page = await browserSubmit(second, await open(second), fields);

        expect(page.status).toBe(403);
        expect(textOf(page)).toContain('already connected with another account');
        expect(await subOf('alice')).not.toBe(await subOf('bob'));
      });

      describeOnce(store, 'whatever the engine', () => {
        it.each([
          ['a wrong password', { login: 'alice.old', password: 'wrong' }, 400, 'is wrong'],
          ['no password', { login: 'alice.old', password: '' }, 400, 'Please enter'],
          ['the password of the account', { login: 'alice', password: alice.password }, 400, 'is wrong'],
        ])('is not connected by %s', async (_what, fields, status, words) => {
          const browser = await signedIn();
          const page = await browser.submit(await open(browser), fields);

          expect(page.status).toBe(status);
          expect(textOf(page)).toContain(words);
          expect(formsOf(page)[0]?.fields).toMatchObject({ login: fields.login, password: '' });
          expect(textOf(await browser.get(account()))).not.toContain('Disconnect Old system');
        });

        it('is throttled like a sign-in', async () => {
          const browser = await signedIn();
          let page = await open(browser);
          for (let count = 0; count < 11; count += 1)
            page = await browser.submit(page, { login: 'victim', password: `guess ${count}` });

          expect(page.status).toBe(429);
          expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
        });

        it('that is not there, or is the local list, is not found', async () => {
          const browser = await signedIn();

          expect((await browser.get(`${account()}/sources/nobody`)).status).toBe(404);
          expect((await browser.get(`${account()}/sources/local`)).status).toBe(404);
        });
      });
    });
  });
});

const browserSubmit = async (
  browser: Browser,
  page: Page,
  fields: Readonly<Record<string, string>>,
): Promise<Page> => browser.follow(await browser.submit(page, fields));
