import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, type JWTPayload } from 'jose';
import { createBrowser, formsOf, type Page } from '../support/browser.ts';
import {
  chooseSource,
  codeOf,
  type Federation,
  localSource,
  oidcSourceContent,
  openApp,
  signInThere,
  startFederation,
} from '../support/federation.ts';
import { redeem } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, bob, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { oauth2Client, openUpstreamOauth2, type UpstreamOauth2 } from '../support/upstream-oauth2.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

describe('when an app demands max_age', () => {
  let federation: Federation;
  let upstream: UpstreamProvider;
  let plain: UpstreamOauth2;
  const issuer = (): string => federation.issuer;

  beforeAll(async () => {
    federation = await startFederation(sqliteStore);
    plain = await openUpstreamOauth2();
    upstream = await openUpstreamProvider({
      person: { email: alice.username, preferred_username: 'anna' },
      clients: [
        {
          client_id: 'bridge',
          client_secret: 'a-secret-between-us',
          redirect_uris: [`${issuer()}/upstream/corp/callback`],
          default_acr_values: [],
        },
      ],
    });
  });
  beforeEach(() =>
    federation.setSources([
      localSource,
      oidcSourceContent(upstream.issuer, 'corp', {
        clientSecret: 'a-secret-between-us',
        acr: { 'urn:upstream:mfa': 'mfa' },
      }),
      {
        id: 'plain',
        type: 'oauth2',
        displayName: 'Plain',
        clientId: oauth2Client.id,
        clientSecret: oauth2Client.secret,
        userAuthorizationUri: `${plain.url}/authorize`,
        accessTokenUri: `${plain.url}/token`,
        userInfoUri: `${plain.url}/userinfo`,
        userNameExtractionPattern: '/login',
      },
    ]),
  );
  afterEach(() => upstream.tamper(undefined));
  afterAll(async () => {
    await federation.close();
    await upstream.close();
    await plain.close();
  });

  const withAuthTime = (authTime: number | undefined): void =>
    upstream.tamper(({ claims, header }) => {
      const { auth_time: _authTime, ...rest } = claims;
      return { header, claims: authTime === undefined ? rest : { ...rest, auth_time: authTime } };
    });

  const claimsOf = async (
    page: Page & { readonly verifier?: string },
    verifier: string,
  ): Promise<JWTPayload> => {
    const { body } = await redeem({ issuer: issuer(), client: web }, {
      code: codeOf(page),
      verifier,
    } as never);
    return decodeJwt(body.id_token ?? '');
  };

  const arrive = (source: string, extra: Readonly<Record<string, string>> = {}) =>
    openApp(createBrowser(), issuer(), { extra: { idp_hint: source, ...extra } });

  const errorOf = (page: Page): URLSearchParams => new URL(page.location ?? page.url).searchParams;

  it('and the upstream says that the sign-in is recent, the app gets its time', async () => {
    const then = nowSeconds() - 20;
    withAuthTime(then);
    const page = await arrive('corp', { max_age: '60' });

    expect(upstream.lastRequest().get('max_age')).toBe('60');
    expect((await claimsOf(page, page.verifier)).auth_time).toBe(then);
  });

  it.each([
    ['too old', () => nowSeconds() - 3600],
    ['missing', () => undefined],
  ])('and that time is %s, someone without a password is not signed in', async (_what, authTime) => {
    withAuthTime(authTime());
    const answer = errorOf(await arrive('corp', { max_age: '60' }));

    expect(answer.get('error')).toBe('login_required');
    expect(answer.get('error_description')).toContain('signed in as recently');
  });

  it('an OAuth 2.0 source, which knows no such time, signs no person in', async () => {
    expect(errorOf(await arrive('plain', { max_age: '60' })).get('error')).toBe('login_required');
    expect(codeOf(await arrive('plain'))).toEqual(expect.any(String));
  });

  it('an older sign-in does for an app that demands nothing, and its claims say so', async () => {
    const then = nowSeconds() - 3600;
    withAuthTime(then);
    const page = await arrive('corp');

    expect((await claimsOf(page, page.verifier)).auth_time).toBe(then);
  });

  describe('someone who has a password here as well', () => {
    /** alice, connected with the upstream's dora. */
    const linked = async (): Promise<void> => {
      upstream.setLogin({ accountId: 'dora' });
      const browser = createBrowser();
      const back = await signInThere(browser, await openApp(browser, issuer()), { who: alice });
      codeOf(back);
      const account = await browser.get(`${issuer()}/account`);
      const form = formsOf(account).findIndex(({ action }) => action.endsWith('/sources/corp/connect'));
      if (form >= 0) await browser.follow(await browser.submit(account, {}, form));
    };
    beforeEach(linked);
    afterEach(() => upstream.setLogin({ accountId: 'anna' }));

    it('confirms with it, and the sign-in is new', async () => {
      withAuthTime(nowSeconds() - 3600);
      const browser = createBrowser();
      const asked = await openApp(browser, issuer(), { extra: { idp_hint: 'corp', max_age: '60' } });
      const before = nowSeconds();
      const back = await signInThere(browser, asked, { who: alice });
      const claims = await claimsOf(back, asked.verifier);
      const question = await browser.get(`${issuer()}/session/end`);
      const end = await browser.submit(question, { logout: 'yes' });

      expect(end.location?.startsWith(`${upstream.issuer}/session/end`)).toBe(true);
      expect(asked.headers.get('x-error')).toBe('The password has to be entered once more');
      expect(textOf(asked)).toContain('Please enter your password again');
      expect(claims.auth_time).toBeGreaterThanOrEqual(before);
      expect(claims.amr).toContain('pwd');
    });

    it('cannot be confirmed by another person, nor by a wrong password', async () => {
      withAuthTime(nowSeconds() - 3600);
      const browser = createBrowser();
      const asked = await openApp(browser, issuer(), { extra: { idp_hint: 'corp', max_age: '60' } });
      const other = await signInThere(browser, asked, { who: bob });
      const wrong = await signInThere(browser, other, { who: { ...alice, password: 'wrong' } });
      const right = await signInThere(browser, wrong, { who: alice });

      expect([other.status, wrong.status]).toEqual([400, 400]);
      expect(textOf(other)).toBe(textOf(wrong));
      expect(codeOf(right)).toEqual(expect.any(String));
    });
  });

  it('acr and amr of the upstream reach the app, in our words', async () => {
    upstream.setLogin({ accountId: 'anna', acr: 'urn:upstream:mfa', amr: ['otp', 'pwd'] });
    upstream.tamper(({ claims, header }) => ({
      header,
      claims: { ...claims, acr: 'urn:upstream:mfa', amr: ['otp', 'pwd'] },
    }));
    const page = await arrive('corp', { acr_values: 'mfa', prompt: 'login' });
    const claims = await claimsOf(page, page.verifier);

    expect(upstream.lastRequest().get('acr_values')).toBe('urn:upstream:mfa');
    expect(upstream.lastRequest().get('prompt')).toBe('login');
    expect(claims).toMatchObject({ acr: 'mfa', amr: ['otp', 'pwd'] });
  });

  it('shows the button of an OAuth 2.0 source and signs people in by it', async () => {
    const browser = createBrowser();
    const page = await chooseSource(browser, await openApp(browser, issuer()), 'plain');

    expect(codeOf(page)).toEqual(expect.any(String));
  });
});
