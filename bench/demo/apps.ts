import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  type DeviceAuthorizationResponse,
  discovery,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { type Browser, describePage, type Page } from './browser.ts';
import type { DemoClient, DemoTenant, DemoUser } from './demo-tenant.ts';
import { expectSame, expectThat, present } from './expectations.ts';
import { parseForms } from './html-forms.ts';

/** An app that has found its tenant's provider. */
export interface App {
  readonly config: Configuration;
  readonly client: DemoClient;
}

export type Tokens = Awaited<ReturnType<typeof authorizationCodeGrant>>;

export const connectApp = async (tenant: DemoTenant, clientId: string): Promise<App> => {
  const client = tenant.client(clientId);
  const proof = client.client_secret === undefined ? None() : ClientSecretBasic(client.client_secret);
  // A customer's provider has https; this one is on the same machine.
  const execute = tenant.issuer.startsWith('http:') ? [allowInsecureRequests] : [];
  const config = await discovery(new URL(tenant.issuer), clientId, undefined, proof, { execute });
  expectSame('issuer', tenant.issuer, config.serverMetadata().issuer);
  return { config, client };
};

export interface SignInOptions {
  readonly browser: Browser;
  /** Types name and password. Absent: the browser is signed in already, and no form may be shown. */
  readonly user?: DemoUser;
  /** Of the second factor. Absent: none may be asked for. */
  readonly code?: string;
  readonly scope: string;
  /** Id of the tenant's source of people to go to, without choosing on the page. */
  readonly idpHint?: string;
  /** True: a consent page is expected, and allowed. */
  readonly consents?: boolean;
}

/** The authorization code flow with PKCE (RFC 7636), through the pages. */
export const signIn = async (app: App, options: SignInOptions): Promise<Tokens> => {
  const { browser, user, code, scope, idpHint, consents } = options;
  const { config, client } = app;
  const redirectUri = present('redirect_uris', client.redirect_uris[0]);
  const verifier = randomPKCECodeVerifier();
  const [state, nonce] = [randomState(), randomNonce()];
  const request = buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(idpHint === undefined ? {} : { idp_hint: idpHint }),
  });
  let page = await browser.open(request);
  if (user !== undefined) page = await fillInLogin(browser, page, user);
  if (code !== undefined) page = await browser.submit(page, { fields: { code } });
  if (consents === true) page = await allow(browser, page);
  expectThat(page.isAtApp && page.url.href.startsWith(redirectUri), redirectUri, describePage(page));
  return authorizationCodeGrant(config, page.url, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
};

const fillInLogin = (browser: Browser, page: Page, { username, password }: DemoUser): Promise<Page> =>
  browser.submit(page, { fields: { login: username, password } });

const allow = (browser: Browser, page: Page): Promise<Page> =>
  browser.submit(page, { button: { name: 'decision', value: 'allow' } });

/** What a person does on the phone: follow the link of the device, compare, confirm, sign in, allow. */
export const approveDevice = async (
  browser: Browser,
  asked: DeviceAuthorizationResponse,
  user: DemoUser,
): Promise<void> => {
  const { user_code, verification_uri_complete: link } = asked;
  const code = await browser.open(present('verification_uri_complete', link));
  const confirm = await browser.submit(code, { fields: { user_code } });
  expectThat(confirm.text.includes(user_code), `a page that shows ${user_code}`, describePage(confirm));
  const login = await browser.submit(confirm, { button: { name: 'confirm', value: 'yes' } });
  let page = await fillInLogin(browser, login, user);
  if (parseForms(page.text).some(({ buttons }) => buttons.some(({ name }) => name === 'decision'))) {
    page = await allow(browser, page);
  }
  const isDone = !page.isAtApp && page.status === 200 && parseForms(page.text).length === 0;
  expectThat(isDone, 'the page that says that the device is connected', describePage(page));
};

const logoutButton = { button: { name: 'logout', value: 'yes' } } as const;

/** RP-initiated logout with its confirmation page; ends at the app. */
export const signOut = async ({ config, client }: App, browser: Browser, idToken: string): Promise<void> => {
  const back = present('post_logout_redirect_uris', client.post_logout_redirect_uris[0]);
  const state = randomState();
  const request = buildEndSessionUrl(config, {
    id_token_hint: idToken,
    post_logout_redirect_uri: back,
    state,
  });
  const question = await browser.open(request);
  let page = await browser.submit(question, logoutButton);
  // A source of people that is a Drawbridge asks as well.
  if (!page.isAtApp) page = await browser.submit(page, logoutButton);
  expectThat(page.isAtApp && page.url.href.startsWith(back), back, describePage(page));
  expectSame('state', state, page.url.searchParams.get('state'));
};
