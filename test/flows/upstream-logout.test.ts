import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import {
  bridge,
  type Federation,
  isLoginOf,
  localSource,
  oidcSourceContent,
  openApp,
  signInThere,
  signInThrough,
  startFederation,
} from '../support/federation.ts';
import { introspect, redeem, signOut } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, web } from '../support/sample-tenants.ts';
import { eachStore, sqliteStore } from '../support/stores.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';

const signedOutApp = 'https://app.example.com/signed-out';

const isSignedIn = async (browser: Browser, issuer: string): Promise<boolean> => {
  const page = await browser.get(`${issuer}/account`);
  return page.status === 200;
};

eachStore((store) => {
  describe('a sign-out across the bridge', () => {
    let federation: Federation;
    const issuer = (): string => federation.issuer;
    const corp = (): string => federation.upstream('corp');

    beforeAll(async () => {
      federation = await startFederation(store, { instances: 2 });
    });
    beforeEach(() => federation.setSources([localSource, oidcSourceContent(corp(), 'corp')]));
    afterAll(() => federation.close());

    /** Confirms the upstream's own question. */
    const confirm = (browser: Browser, page: Page): Promise<Page> => browser.submit(page, { logout: 'yes' });

    it('of ours goes to the upstream and comes back', async () => {
      const { browser } = await signInThrough(federation, 'corp');
      const there = await signOut(browser, issuer());
      const back = await browser.follow(await confirm(browser, there));

      expect(there.url.startsWith(`${corp()}/session/end`)).toBe(true);
      expect(new URL(there.url).searchParams.has('id_token_hint')).toBe(true);
      expect(back.url.startsWith(`${issuer()}/session/end/success`)).toBe(true);
      expect(textOf(back)).toContain('You are signed out');
      expect([await isSignedIn(browser, issuer()), await isSignedIn(browser, corp())]).toEqual([
        false,
        false,
      ]);
    });

    it('that an app began ends at the app, with its state', async () => {
      const { browser, code, verifier } = await signInThrough(federation, 'corp');
      const { body } = await redeem({ issuer: issuer(), client: web }, { code, verifier } as never);
      const query = new URLSearchParams({
        id_token_hint: body.id_token ?? '',
        post_logout_redirect_uri: signedOutApp,
        state: 'of-the-app',
      });
      const question = await browser.follow(await browser.get(`${issuer()}/session/end?${query}`));
      const there = await browser.follow(await browser.submit(question, { logout: 'yes' }));
      const isBack = (url: string): boolean => url.startsWith(`${issuer()}/upstream/corp/signed-out`);
      const { location = '' } = await browser.follow(await confirm(browser, there), isBack);
      const elsewhere = await browser.get(location.replace('/corp/', '/rival/'));
      const first = await browser.get(location);
      const second = await browser.get(location);

      expect(first.location).toBe(`${signedOutApp}?state=of-the-app`);
      for (const page of [elsewhere, second]) expect(page.location).toBe(`${issuer()}/session/end/success`);
    });

    it('has ended our session before the upstream is asked', async () => {
      const { browser } = await signInThrough(federation, 'corp');
      const question = await browser.follow(await browser.get(`${issuer()}/session/end`));
      const sentAway = await browser.submit(question, { logout: 'yes' });

      expect(sentAway.location?.startsWith(`${corp()}/session/end`)).toBe(true);
      expect(await isSignedIn(browser, issuer())).toBe(false);
    });

    it('that is not wanted after all leaves both sessions alone', async () => {
      const { browser } = await signInThrough(federation, 'corp');
      const question = await browser.follow(await browser.get(`${issuer()}/session/end?client_id=${web.id}`));
      const stayed = await browser.follow(await browser.submit(question));

      expect(stayed.url.startsWith(issuer())).toBe(true);
      expect([await isSignedIn(browser, issuer()), await isSignedIn(browser, corp())]).toEqual([true, true]);
    });

    it('of someone who signed in with a password goes nowhere else, whatever the address says', async () => {
      const browser = createBrowser();
      await signInThere(browser, await openApp(browser, issuer()), { who: alice });
      const question = await browser.follow(
        await browser.get(`${issuer()}/session/end?idp_hint=corp&source=corp&initiating_idp=corp`),
      );
      const end = await browser.submit(question, { logout: 'yes' });

      expect(end.location?.startsWith(`${issuer()}/session/end/success`)).toBe(true);
    });

    it('returns to our own page with an unknown state', async () => {
      for (const query of ['', '?state=x', '?state=a&state=b']) {
        const page = await createBrowser().get(`${issuer()}/upstream/corp/signed-out${query}`);
        expect(page.location).toBe(`${issuer()}/session/end/success`);
      }
    });

    it('of the upstream ends our session and its tokens, by its back channel', async () => {
      const { browser, code, verifier } = await signInThrough(federation, 'corp');
      const other = createBrowser();
      await signInThere(other, await openApp(other, issuer()), { who: alice });
      const { body } = await redeem({ issuer: issuer(), client: web }, { code, verifier } as never);
      const token = body.access_token ?? '';
      const before = await introspect(issuer(), web, token);
      await signOut(browser, corp());

      expect(before.body.active).toBe(true);
      await eventually('our session has ended', async () => !(await isSignedIn(browser, issuer())), 3000);
      expect((await introspect(issuer(), web, token)).body.active).toBe(false);
      expect(await isSignedIn(other, issuer())).toBe(true);
    });
  });
});

describe('a logout that an upstream reports', () => {
  let federation: Federation;
  let upstream: UpstreamProvider;
  const secret = 'a-secret-between-us-and-nobody-else';
  const issuer = (): string => federation.issuer;
  const place = (): string => `${issuer()}/upstream/corp`;

  beforeAll(async () => {
    federation = await startFederation(sqliteStore);
    upstream = await openUpstreamProvider({
      person: {},
      clients: [{ client_id: bridge.id, client_secret: secret, redirect_uris: [`${place()}/callback`] }],
    });
    await federation.setSources([
      localSource,
      oidcSourceContent(upstream.issuer, 'corp', { clientSecret: secret }),
    ]);
  });
  afterAll(async () => {
    await federation.close();
    await upstream.close();
  });

  /** Someone who comes from the upstream's session `sid`. */
  const arrive = async (accountId: string, sid?: string): Promise<Browser> => {
    upstream.setLogin({ accountId });
    upstream.setPerson(accountId, {});
    upstream.tamper(({ claims, header }) => ({
      header,
      claims: { ...claims, ...(sid === undefined ? {} : { sid }) },
    }));
    const browser = createBrowser();
    const page = await openApp(browser, issuer(), { extra: { idp_hint: 'corp' } });
    if (!(page.location ?? '').includes('code='))
      throw new Error(`not signed in: ${page.status} ${page.url}`);
    return browser;
  };

  let count = 0;
  const logoutToken = (claims: Readonly<Record<string, unknown>>, header: object = { typ: 'logout+jwt' }) => {
    count += 1;
    const now = Math.floor(Date.now() / 1000);
    return upstream.sign(
      {
        iss: upstream.issuer,
        aud: bridge.id,
        iat: now,
        exp: now + 120,
        jti: `logout-${count}`,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...claims,
      },
      header,
    );
  };
  const tell = (token: string): Promise<Response> =>
    fetch(`${place()}/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });

  it('for one of its sessions ends the one of ours that came from it', async () => {
    const [here, there] = [await arrive('eva', 'sid-1'), await arrive('eva', 'sid-2')];
    const answer = await tell(await logoutToken({ sid: 'sid-1' }));

    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect([await isSignedIn(here, issuer()), await isSignedIn(there, issuer())]).toEqual([false, true]);
  });

  it("for a person ends all of theirs that came through it, and no other person's", async () => {
    const [here, there, other] = [await arrive('fred', 'a'), await arrive('fred'), await arrive('gina', 'c')];
    const answer = await tell(await logoutToken({ sub: 'fred' }));

    expect(answer.status).toBe(200);
    expect([
      await isSignedIn(here, issuer()),
      await isSignedIn(there, issuer()),
      await isSignedIn(other, issuer()),
    ]).toEqual([false, false, true]);
  });

  it('counts once: again, it is refused and ends nothing', async () => {
    await arrive('ida', 'sid-i');
    const token = await logoutToken({ sub: 'ida' });
    const first = await tell(token);
    const browser = await arrive('ida', 'sid-i2');
    const second = await tell(token);

    expect([first.status, second.status]).toEqual([200, 400]);
    expect(second.headers.get('cache-control')).toContain('no-store');
    expect(await isSignedIn(browser, issuer())).toBe(true);
  });

  it.each([
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another client', { aud: 'somebody' }],
    ['with a nonce', { nonce: 'n' }],
    ['without the event', { events: {} }],
    ['that has expired', { iat: 1, exp: 2 }],
    ['about nobody', { sub: undefined }],
  ])('in a token %s is refused', async (_what, claims) => {
    const browser = await arrive('jan', 'sid-j');
    const answer = await tell(await logoutToken({ sub: 'jan', ...claims }));

    expect(answer.status).toBe(400);
    expect(await isSignedIn(browser, issuer())).toBe(true);
  });

  it.each(['', 'x', 'a.b.c'])('that is %j, no token at all, is refused', async (token) => {
    expect((await tell(token)).status).toBe(400);
  });

  it('at a source that is not there is not found', async () => {
    const answer = await fetch(`${issuer()}/upstream/nobody/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: 'x' }),
    });
    expect(answer.status).toBe(404);
  });

  describe('in a frame', () => {
    const frame = (query: Readonly<Record<string, string>>): Promise<Response> =>
      fetch(`${place()}/frontchannel-logout?${new URLSearchParams(query)}`);

    it('ends the session it names, and only the upstream may frame it', async () => {
      const browser = await arrive('kim', 'sid-k');
      const answer = await frame({ iss: upstream.issuer, sid: 'sid-k' });

      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toContain(`frame-ancestors ${upstream.issuer}`);
      expect(answer.headers.has('x-frame-options')).toBe(false);
      expect(answer.headers.get('cache-control')).toContain('no-store');
      expect(await isSignedIn(browser, issuer())).toBe(false);
    });

    it.each([
      ['another issuer', { iss: 'https://evil.example', sid: 'sid-l' }, 200],
      ['no issuer', { sid: 'sid-l' }, 400],
      ['no session', { iss: 'x' }, 400],
      ['an empty session', { iss: 'x', sid: '' }, 400],
    ])('with %s ends nothing', async (_what, query, status) => {
      const browser = await arrive('lea', 'sid-l');
      const answer = await frame(query as Record<string, string>);

      expect(answer.status).toBe(status);
      expect(await isSignedIn(browser, issuer())).toBe(true);
    });
  });

  it('is no hurdle for our own sign-out when the upstream is down', async () => {
    const browser = await arrive('max', 'sid-m');
    await federation.setSources([
      localSource,
      oidcSourceContent('http://127.0.0.1:9/nobody', 'corp', { clientSecret: secret }),
    ]);
    const end = await signOut(browser, issuer());

    expect(textOf(end)).toContain('You are signed out');
    expect(isLoginOf(await openApp(browser, issuer()), issuer())).toBe(true);
    expect(formsOf(end)).toEqual([]);
  });
});
