import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import { bridgedTenant, codeOf, localSource, openApp, signInThere } from '../support/federation.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { introspect, redeem, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, web } from '../support/sample-tenants.ts';
import { type Slapd, startSlapd } from '../support/slapd.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const anna = { username: 'anna', password: 'anna-Passw0rd' };
/** Must change it. */
const clara = { username: 'clara', password: 'clara-Passw0rd' };
/** Its time is over. */
const emil = { username: 'emil', password: 'emil-Passw0rd' };
/** Locked. */
const dora = { username: 'dora', password: 'dora-Passw0rd' };
const another = 'Quite-An0ther-Password';

describe('a password in a directory', () => {
  let slapd: Slapd;
  let server: TestServer;
  const issuer = (): string => server.issuer('acme');
  const from = () => ({ issuer: issuer(), client: web });

  const directory = (changes: object): object => ({
    id: 'directory',
    type: 'ldap',
    displayName: 'Directory',
    url: slapd.url,
    insecure: true,
    bind: slapd.service,
    search: { base: `ou=people,${slapd.baseDn}` },
    timeouts: { connect: '1s', operation: '1s' },
    ...changes,
  });

  beforeEach(async () => {
    slapd = await startSlapd();
    const sources = [localSource, directory({ passwordChange: 'rfc3062', revealLock: true })];
    server = await startTestServer({ store: sqliteStore, tenants: { acme: bridgedTenant(sources) } });
  });
  afterEach(async () => {
    await server.close();
    await slapd.stop();
  });

  const tryToSignIn = async (who: typeof anna, browser = createBrowser()): Promise<Page> =>
    signInThere(browser, await openApp(browser, issuer()), { who });
  const signedIn = async (who: typeof anna): Promise<Browser> => {
    const browser = createBrowser();
    codeOf(await tryToSignIn(who, browser));
    return browser;
  };
  const change = (who: typeof anna, changes: Readonly<Record<string, string>> = {}) => ({
    login: who.username,
    password: who.password,
    new_password: another,
    repeated: another,
    ...changes,
  });

  describe('that must be another one before the person gets in', () => {
    it('is asked for at once, and then the app is reached', async () => {
      const browser = createBrowser();
      const asked = await tryToSignIn(clara, browser);
      const back = await browser.follow(await browser.submit(asked, change(clara)), (target) =>
        target.startsWith('https://app.example.com'),
      );

      expect([asked.status, asked.headers.get('x-error')]).toEqual([
        403,
        'The password must be changed before the sign-in',
      ]);
      expect(textOf(asked)).toContain('You must change your password');
      expect(formsOf(asked)[0]?.fields).toMatchObject({ login: clara.username, password: '' });
      expect(codeOf(back)).toEqual(expect.any(String));
      expect(codeOf(await tryToSignIn({ ...clara, password: another }))).toEqual(expect.any(String));
    });

    it('gives tokens that are valid at once, in whatever part of a second it is changed', async () => {
      const browser = createBrowser();
      const app = await openApp(browser, issuer());
      const asked = await signInThere(browser, app, { who: clara });
      moveTime((1_300 - (Date.now() % 1_000)) / 1_000);
      try {
        const back = await browser.follow(await browser.submit(asked, change(clara)), (target) =>
          target.startsWith('https://app.example.com'),
        );
        const { body } = await redeem(from(), { code: codeOf(back), verifier: app.verifier });
        expect((await userinfo(issuer(), body.access_token ?? '')).status).toBe(200);
        expect((await introspect(issuer(), web, body.access_token ?? '')).body.active).toBe(true);
      } finally {
        restoreTime();
      }
    });

    it('dates no ID token before the sign-in', async () => {
      const browser = createBrowser();
      const app = await openApp(browser, issuer(), { extra: { max_age: '300' } });
      const asked = await signInThere(browser, app, { who: clara });
      const back = await browser.follow(await browser.submit(asked, change(clara)), (target) =>
        target.startsWith('https://app.example.com'),
      );
      const { body } = await redeem(from(), { code: codeOf(back), verifier: app.verifier });
      const claims = decodeJwt<{ auth_time: number; iat: number }>(body.id_token ?? '');
      expect(claims.auth_time).toBeLessThanOrEqual(claims.iat);
    });

    it('has run out, and nobody here may write it: that is said, and no form that must fail is shown', async () => {
      const page = await tryToSignIn(emil);

      expect(page.status).toBe(403);
      expect(textOf(page)).toContain('Your password is right, but it has expired');
      expect(page.body).not.toContain('new_password');
    });

    it('has run out, and the account of the source may write it', async () => {
      const writer = 'access to attrs=userPassword by dn.exact="cn=service,dc=example,dc=org" write';
      const granting = await startSlapd({
        settings: [`${writer} by anonymous auth by self write by * none`],
      });
      try {
        const sources = [localSource, directory({ url: granting.url, passwordChange: 'rfc3062' })];
        await server.putTenant('acme', bridgedTenant(sources));
        const browser = createBrowser();
        const asked = await tryToSignIn(emil, browser);
        expect(textOf(asked)).toContain('Your password has expired');
        const back = await browser.follow(await browser.submit(asked, change(emil)), (target) =>
          target.startsWith('https://app.example.com'),
        );
        expect(codeOf(back)).toEqual(expect.any(String));
        expect(codeOf(await tryToSignIn({ ...emil, password: another }))).toEqual(expect.any(String));
      } finally {
        await granting.stop();
      }
    });

    it('is not asked of someone who does not know the old one', async () => {
      const page = await tryToSignIn({ ...clara, password: 'wrong' });

      expect(page.headers.get('x-error')).toBe('The user name or the password is wrong');
      expect(page.body).not.toContain('new_password');
    });

    it('cannot be changed here where the source does not offer it, and says so', async () => {
      await server.putTenant('acme', bridgedTenant([localSource, directory({})]));
      const page = await tryToSignIn(clara);

      expect([page.status, page.headers.get('x-error')]).toEqual([
        403,
        'The password must be changed before the sign-in',
      ]);
      expect(page.body).not.toContain('new_password');
      expect(textOf(page)).toContain('Please change it where your account is managed');
    });

    it.each([
      [
        'the old one is wrong',
        { password: 'wrong' },
        'The user name or the password is wrong',
        'current password is wrong',
      ],
      ['the new ones differ', { repeated: 'x' }, 'The two new passwords differ', 'are not the same'],
      [
        'one is empty',
        { new_password: '', repeated: '' },
        'A field of the form is empty',
        'fill in every field',
      ],
    ])('stays as it is when %s', async (_what, fields, sentence, words) => {
      const browser = createBrowser();
      const page = await browser.submit(await tryToSignIn(clara, browser), change(clara, fields));
      const again = await browser.submit(page, change(clara));

      expect([page.status, page.headers.get('x-error')]).toEqual([400, sentence]);
      expect(textOf(page)).toContain(words);
      expect(again.status).toBe(303);
    });

    it('is not changed by a forged form', async () => {
      const browser = createBrowser();
      const asked = await tryToSignIn(clara, browser);
      const forged = await browser.submit(asked, { ...change(clara), csrf: 'x' });

      expect(forged.status).toBe(403);
      expect((await tryToSignIn(clara)).headers.get('x-error')).toBe(
        'The password must be changed before the sign-in',
      );
    });
  });

  it('of a locked account is named as that, where the tenant reveals locks', async () => {
    const page = await tryToSignIn(dora);

    expect([page.status, page.headers.get('x-error')]).toEqual([403, 'The account is locked']);
    expect(textOf(page)).toContain('This account is locked.');
  });

  describe('on the account page', () => {
    it('is changed by who knows it, and all sessions end', async () => {
      const [browser, other] = [await signedIn(anna), await signedIn(anna)];
      const account = await browser.get(`${issuer()}/account`);
      const form = await browser.get(`${issuer()}/account/password`);
      const done = await browser.submit(form, change(anna));

      expect(account.body).toContain(`href="${issuer()}/account/password"`);
      expect(textOf(done)).toContain('Your password has been changed');
      // not the answer to the POST: a reload would send the passwords once more
      expect(done.url).toBe(`${issuer()}/account/password?notice=yes`);
      expect(textOf(await browser.get(done.url))).toBe(textOf(done));
      expect((await other.get(done.url)).status).toBe(303);
      for (const each of [browser, other])
        expect((await each.get(`${issuer()}/account`)).location).toBe(issuer());
      expect((await tryToSignIn(anna)).headers.get('x-error')).toBe('The user name or the password is wrong');
      expect(codeOf(await tryToSignIn({ ...anna, password: another }))).toEqual(expect.any(String));
    });

    it('of the local list is changed like one of a directory, and by nobody in a demo', async () => {
      const lola = { username: 'lola', password: 'lantern orbit mosaic' };
      await server.users('acme').add(lola);
      const [browser, other] = [await signedIn(lola), await signedIn(lola)];
      const account = await browser.get(`${issuer()}/account`);
      expect(account.body).toContain(`href="${issuer()}/account/password"`);
      const form = await browser.get(`${issuer()}/account/password`);
      const weak = await browser.submit(form, change(lola, { new_password: 'short', repeated: 'short' }));
      expect(weak.status).toBe(400);
      const done = await browser.submit(weak, change(lola));
      expect(textOf(done)).toContain('Your password has been changed');
      expect((await other.get(`${issuer()}/account`)).location).toBe(issuer());
      expect(codeOf(await tryToSignIn({ ...lola, password: another }))).toEqual(expect.any(String));

      const ofDemo = await (await signedIn(alice)).get(`${issuer()}/account`);
      expect(ofDemo.body).not.toContain('/account/password');
    });

    it('stays as it is without the old one, or with a forged form', async () => {
      const browser = await signedIn(anna);
      const form = await browser.get(`${issuer()}/account/password`);
      const wrong = await browser.submit(form, change(anna, { password: 'wrong' }));
      const forged = await browser.submit(form, { ...change(anna), csrf: 'x' });

      expect([wrong.status, forged.status]).toEqual([400, 403]);
      expect(codeOf(await tryToSignIn(anna))).toEqual(expect.any(String));
    });

    it('is throttled like a sign-in', async () => {
      const browser = await signedIn(anna);
      let page = await browser.get(`${issuer()}/account/password`);
      for (let count = 0; count < 11; count += 1)
        page = await browser.submit(
          page,
          change({ ...anna, username: 'bert' }, { password: `guess ${count}` }),
        );

      expect(page.status).toBe(429);
      expect(page.headers.get('x-error')).toBe('There were too many attempts');
    });

    it('is not offered to people whose source does not do that', async () => {
      const browser = await signedIn(alice);

      expect((await browser.get(`${issuer()}/account`)).body).not.toContain('/account/password');
      expect((await browser.get(`${issuer()}/account/password`)).status).toBe(404);
    });

    it('is only for people who are signed in', async () => {
      const page = await createBrowser().get(`${issuer()}/account/password`);

      expect(page.location?.startsWith(`${issuer()}/auth?`)).toBe(true);
    });

    it('cannot be changed while the directory is down, and that is what is said', async () => {
      const browser = await signedIn(anna);
      const form = await browser.get(`${issuer()}/account/password`);
      await slapd.kill();
      const page = await browser.submit(form, change(anna));

      expect([page.status, page.headers.get('x-error')]).toEqual([
        503,
        'The source of this account does not answer now',
      ]);
      expect(textOf(page)).toContain('cannot be changed at the moment');
    });
  });
});
