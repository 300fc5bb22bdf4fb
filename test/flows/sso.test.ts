import { describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser } from '../support/browser.ts';
import {
  goToAuthorization,
  prepareAuthorization,
  redeem,
  refresh,
  type SignedIn,
  signIn,
  signOut,
  userinfo,
} from '../support/oauth-client.ts';
import {
  alice,
  bob,
  confidential,
  type KnownClient,
  partner,
  sampleClients,
  sampleTenant,
  webClient,
} from '../support/sample-tenants.ts';
import { withEachStore } from '../support/use-server.ts';

const one = confidential('one', 'https://one.example/callback');
const two = confidential('two', 'https://two.example/callback');
const apps = [
  one,
  two,
  ...Array.from({ length: 10 }, (_, n) => confidential(`app-${n}`, `https://app-${n}.example/callback`)),
];

const acme = sampleTenant({ clients: [...sampleClients, ...apps.map((app) => webClient(app))] });

await withEachStore({ instances: 2, tenants: { acme } }, (server) => {
  const issuer = server.issuer('acme');

  /** A session that no app has used yet. */
  const signInWithoutApp = async (): Promise<Browser> => {
    const browser = createBrowser();
    const login = await browser.follow(await browser.get(issuer));
    await browser.follow(await browser.submit(login, { login: alice.username, password: alice.password }));
    return browser;
  };

  const silently = (browser: Browser, client: KnownClient): Promise<SignedIn> =>
    signIn(browser, { issuer, client, extra: { prompt: 'none' } });

  /** The code is good, and so is what hangs on the session: the access token and the refresh token. */
  const expectAlive = async (client: KnownClient, signedIn: SignedIn): Promise<void> => {
    const first = await redeem({ issuer, client }, signedIn);
    expect(first.status).toBe(200);
    const second = await refresh(issuer, client, first.body.refresh_token);
    expect(second.status).toBe(200);
    expect((await userinfo(issuer, second.body.access_token ?? '')).status).toBe(200);
  };

  const expectSignedOut = async (browser: Browser): Promise<void> => {
    const { url } = prepareAuthorization({ issuer, client: one, extra: { prompt: 'none' } });
    expect((await browser.get(url)).location).toContain('error=login_required');
  };
  describe('two apps that sign in at once in one browser', () => {
    it('are both signed in, by prompt=none', async () => {
      await inRounds(async () => {
        const browser = await signInWithoutApp();
        const signedIn = await Promise.all([silently(browser, one), silently(browser, two)]);
        await Promise.all([expectAlive(one, signedIn[0]), expectAlive(two, signedIn[1])]);
      });
    }, 120_000);

    it('are both signed in, on the way through the pages', async () => {
      await inRounds(async () => {
        const browser = createBrowser();
        const signedIn = await Promise.all([
          signIn(browser, { issuer, client: one }),
          signIn(browser, { issuer, client: two }),
        ]);
        await Promise.all([expectAlive(one, signedIn[0]), expectAlive(two, signedIn[1])]);
        expect((await silently(browser, one)).seen).toEqual([]);
      });
    }, 120_000);

    it('are all signed out by one sign-out', async () => {
      const browser = await signInWithoutApp();
      const tokens = await Promise.all(
        apps.map(async (client) => (await redeem({ issuer, client }, await silently(browser, client))).body),
      );
      await signOut(browser, issuer);
      await expectSignedOut(browser);
      for (const [index, client] of apps.entries()) {
        const { access_token: access = '', refresh_token: token } = tokens[index] ?? {};
        expect((await userinfo(issuer, access)).status).toBe(401);
        expect((await refresh(issuer, client, token)).body.error).toBe('invalid_grant');
      }
    });
  });

  describe('a session', () => {
    it('is not revived by an app that signs in while the person signs out', async () => {
      for (let round = 0; round < 5; round += 1) {
        const browser = await signInWithoutApp();
        const cookie = browser
          .cookies()
          .map(({ name, value }) => `${name}=${value}`)
          .join('; ');
        const ask = (client: KnownClient): Promise<Response> =>
          fetch(prepareAuthorization({ issuer, client, extra: { prompt: 'none' } }).url, {
            headers: { cookie },
            redirect: 'manual',
          });
        const question = await browser.get(`${issuer}/session/end`);
        const early = apps.slice(0, 6).map(ask);
        const done = browser.submit(question, { logout: 'yes' });
        await Promise.all([...early, ...apps.slice(6).map(ask)]);
        expect((await done).status).toBe(303);
        expect((await ask(one)).headers.get('location')).toContain('error=login_required');
      }
    });
    it('has another id after the sign-in than before', async () => {
      const browser = createBrowser();
      const sessionCookie = (): string | undefined =>
        browser.cookies().find(({ name }) => /session$/.test(name))?.value;
      const prepared = prepareAuthorization({ issuer, client: one });
      await goToAuthorization(browser, prepared, one.redirectUri);
      await browser.get(`${issuer}/device`); // gives a session to people who have not signed in
      const before = sessionCookie();
      await signIn(browser, { issuer, client: one });
      const after = sessionCookie();
      await signIn(browser, { issuer, client: one, extra: { prompt: 'login' } });
      const again = sessionCookie();
      expect(before).toBeDefined();
      expect(new Set([before, after, again]).size).toBe(3);
    });

    it('that an attacker set before the sign-in signs no person in', async () => {
      const attacker = createBrowser();
      await attacker.get(`${issuer}/device`);
      const foreign = attacker
        .cookies()
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ');
      const victim = createBrowser({ cookie: foreign });
      await signIn(victim, { issuer, client: one }).catch(() => undefined);
      const answer = await fetch(
        prepareAuthorization({ issuer, client: one, extra: { prompt: 'none' } }).url,
        { headers: { cookie: foreign }, redirect: 'manual' },
      );
      expect(answer.headers.get('location')).toContain('error=login_required');
    });

    it('of one person is not the next one’s, who signs in in the same browser', async () => {
      const browser = createBrowser();
      const first = await signIn(browser, { issuer, client: one });
      const request = { issuer, client: one, extra: { prompt: 'login' } };
      const login = await goToAuthorization(browser, prepareAuthorization(request), one.redirectUri);
      const isBack = (url: string): boolean => url.startsWith(one.redirectUri);
      let page = await browser.follow(
        await browser.submit(login, { login: bob.username, password: bob.password }),
        isBack,
      );
      if (page.location === undefined) page = await browser.follow(await browser.submit(page), isBack);
      const subOf = async (signedIn: SignedIn): Promise<unknown> => {
        const { body } = await redeem({ issuer, client: one }, signedIn);
        return (await userinfo(issuer, body.access_token ?? '')).body.sub;
      };
      const second = await silently(browser, one);
      const bobElsewhere = await signIn(createBrowser(), { issuer, client: one }, bob);
      expect(await subOf(second)).toBe(await subOf(bobElsewhere));
      expect((await redeem({ issuer, client: one }, first)).status).toBe(400);
    });

    it('is read, not written, by requests that change nothing of it', async () => {
      const browser = await signInWithoutApp();
      const { url } = prepareAuthorization({ issuer, client: partner, extra: { prompt: 'none' } });
      const askUnseen = async (): Promise<void> => {
        expect((await browser.get(url)).location).toContain('error=consent_required');
      };
      await askUnseen();
      server.trips();
      await askUnseen();
      await browser.get(`${issuer}/account`);
      expect(server.trips().filter(isWrite)).toEqual([]);
    });
  });
});

/** 20 rounds, each with a browser of its own, four at a time. */
const inRounds = async (round: () => Promise<void>): Promise<void> => {
  for (let batch = 0; batch < 5; batch += 1) await Promise.all([round(), round(), round(), round()]);
};

const isWrite = (name: string): boolean => !/^(aggregate|find|load|account\.find|device\.list)/.test(name);
